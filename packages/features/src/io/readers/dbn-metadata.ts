/**
 * The header of a DBN file: its version, when it begins, and which instrument has which number. Fixed fields of 100 bytes, then lists of
 * texts of a fixed length (22 bytes in version 1, said by the header later). Knows nothing of the records behind it.
 */
import { ReadRefusal } from "./read-refusal.ts";

export interface DbnMetadata {
  readonly version: number;
  readonly dataset: string;
  /** Nanoseconds since 1970 UTC. */
  readonly startNs: bigint;
  /** Symbols that were asked for and found. */
  readonly symbols: readonly string[];
  /** Symbol of each number; empty where the file does not say. */
  readonly symbolOfId: ReadonlyMap<number, string>;
  /** Bytes before the first record. */
  readonly size: number;
}

const prefixSize = 8;
const fixedSize = 100;
const symbolSizeOld = 22;
const undefinedTime = 0xffffffffffffffffn;

/** Refuses what is not DBN, a version it does not know, and a header that is torn or does not fit itself. */
export function readDbnMetadata(file: string, head: Uint8Array): DbnMetadata {
  const refuse = (found: string, wanted: string): never => {
    throw new ReadRefusal({ file, place: "byte 0", found, wanted });
  };
  const magic = String.fromCharCode(...head.subarray(0, 3));
  if (magic !== "DBN") refuse(`the first bytes ${JSON.stringify(magic)}`, '"DBN"');
  const version = head[3] as number;
  if (!(version >= 1 && version <= 3)) refuse(`version ${version} of DBN`, "version 1, 2 or 3");
  if (head.length < prefixSize + fixedSize) refuse("a torn header", `${prefixSize + fixedSize} bytes of it at least`);
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  const size = prefixSize + view.getUint32(4, true);
  if (head.length < size) refuse(`${head.length} bytes of a header of ${size}`, "a whole header");
  const reader = new HeaderReader(file, head.subarray(0, size));
  const dataset = reader.text(prefixSize, 16);
  const startNs = view.getBigUint64(prefixSize + 18, true);
  const symbolSize = version === 1 ? symbolSizeOld : view.getUint16(prefixSize + 45, true);
  if (symbolSize < 8) refuse(`symbols of ${symbolSize} bytes`, "at least 8");
  reader.at = prefixSize + fixedSize;
  reader.skip(reader.number());
  const symbols = reader.texts(symbolSize);
  reader.texts(symbolSize);
  reader.texts(symbolSize);
  const symbolOfId = readMappings(reader, symbolSize);
  return {
    version,
    dataset,
    startNs: startNs === undefinedTime ? 0n : startNs,
    symbols: symbols.length > 0 && symbolOfId.size > 0 ? [...new Set(symbolOfId.values())] : symbols,
    symbolOfId,
    size,
  };
}

/** Each symbol has intervals of days, and in each of them a number, written as text. */
function readMappings(reader: HeaderReader, symbolSize: number): Map<number, string> {
  const symbolOfId = new Map<number, string>();
  for (let left = reader.number(); left > 0; left--) {
    const symbol = reader.nextText(symbolSize);
    for (let intervals = reader.number(); intervals > 0; intervals--) {
      reader.skip(8);
      const mapped = reader.nextText(symbolSize);
      if (/^\d+$/.test(mapped)) symbolOfId.set(Number(mapped), symbol);
      else if (/^\d+$/.test(symbol)) symbolOfId.set(Number(symbol), mapped);
    }
  }
  return symbolOfId;
}

class HeaderReader {
  at = 0;
  readonly #file: string;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;

  constructor(file: string, bytes: Uint8Array) {
    this.#file = file;
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  number(): number {
    this.#need(4);
    const value = this.#view.getUint32(this.at, true);
    this.at += 4;
    return value;
  }

  skip(count: number): void {
    this.#need(count);
    this.at += count;
  }

  texts(size: number): string[] {
    const count = this.number();
    this.#need(count * size);
    return Array.from({ length: count }, () => this.nextText(size));
  }

  nextText(size: number): string {
    this.#need(size);
    const text = this.text(this.at, size);
    this.at += size;
    return text;
  }

  text(at: number, size: number): string {
    let text = "";
    for (let index = at; index < at + size && this.#bytes[index] !== 0; index++)
      text += String.fromCharCode(this.#bytes[index] as number);
    return text;
  }

  #need(count: number): void {
    if (this.at + count <= this.#bytes.length) return;
    const found = `a header that ends at ${this.#bytes.length}`;
    throw new ReadRefusal({ file: this.#file, place: `byte ${this.at}`, found, wanted: `${count} bytes more of it` });
  }
}
