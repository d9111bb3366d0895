/**
 * One stored record: `length u32 | checksum u32 | number u64 | kind u8 | body`, little endian, the checksum over all that
 * follows it and the length. Vote log and height logs share it. `number` counts up by one from record to record, which is
 * what tells a torn tail from damage: after a tear nothing with a later number follows.
 */
import { checksumOf } from "./checksum.ts";

export const recordHeadSize = 17;

export interface StoredRecord {
  readonly offset: number;
  /** Where the next record begins. */
  readonly end: number;
  readonly number: number;
  readonly kind: number;
  readonly body: Uint8Array;
}

/** The record whose body is these parts one after another. */
export function recordBytes(number: number, kind: number, ...body: readonly Uint8Array[]): Uint8Array {
  const bodySize = body.reduce((size, part) => size + part.length, 0);
  const bytes = Buffer.allocUnsafe(recordHeadSize + bodySize);
  bytes.writeUInt32LE(bodySize, 0);
  bytes.writeBigUInt64LE(BigInt(number), 8);
  bytes.writeUInt8(kind, 16);
  let offset = recordHeadSize;
  for (const part of body) {
    bytes.set(part, offset);
    offset += part.length;
  }
  bytes.writeUInt32LE(checksumOf(bytes.subarray(0, 4), bytes.subarray(8)), 4);
  return bytes;
}

/** The record at `offset`, or `undefined` when the bytes there are not a whole record with a right checksum. */
export function readRecord(bytes: Uint8Array, offset: number, bodySizeMax: number): StoredRecord | undefined {
  if (bytes.length < offset + recordHeadSize) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset + offset, recordHeadSize);
  const size = view.getUint32(0, true);
  const end = offset + recordHeadSize + size;
  if (bodySizeMax < size || bytes.length < end) return undefined;
  const checksum = checksumOf(bytes.subarray(offset, offset + 4), bytes.subarray(offset + 8, end));
  if (checksum !== view.getUint32(4, true)) return undefined;
  const body = bytes.subarray(offset + recordHeadSize, end);
  return { offset, end, number: Number(view.getBigUint64(8, true)), kind: view.getUint8(16), body };
}

/**
 * The first whole record after `offset` whose number is at least `numberMin` and that `accepts`. Only used when the record
 * at `offset` is broken, so it may be slow: it looks at every byte, but checks a sum only where the number is plausible.
 */
export function findRecordAfter(
  bytes: Uint8Array,
  offset: number,
  numberMin: number,
  bodySizeMax: number,
  accepts: (record: StoredRecord) => boolean,
): StoredRecord | undefined {
  const numberMax = numberMin + bytes.length;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let start = offset + 1; start + recordHeadSize <= bytes.length; start++) {
    const high = view.getUint32(start + 12, true);
    if (0x1fffff < high) continue;
    const number = high * 4294967296 + view.getUint32(start + 8, true);
    if (number < numberMin || numberMax < number) continue;
    const record = readRecord(bytes, start, bodySizeMax);
    if (record !== undefined && accepts(record)) return record;
  }
  return undefined;
}
