/** A generated market as a file of DBN (market by order) in memory: what the benches of the feature library read. */
import { EventKind } from "@stoa/features/event";
import type { FlowParameters } from "@stoa/features/generator/flow-parameters";
import { OrderFlow } from "@stoa/features/generator/order-flow";
import { parseScale, type Instrument } from "@stoa/features/instrument";
import { dbnFlag, dbnHeader } from "../packages/features/test/support/dbn-writer.ts";

export const tick = parseScale("0.25");
export const flowInstrument: Instrument = { name: "FLOW", kind: "future", tick, lot: parseScale("1"), multiplier: 50 };
export const flowOriginNs = 1_767_225_600_000_000_000n;

const recordSize = 56;
const letters: Readonly<Record<number, string>> = {
  [EventKind.trade]: "T",
  [EventKind.add]: "A",
  [EventKind.modify]: "M",
  [EventKind.cancel]: "C",
  [EventKind.execute]: "C",
  [EventKind.clear]: "R",
};

export interface FlowFile {
  readonly bytes: Uint8Array;
  readonly recordsCount: number;
  readonly headerSize: number;
}

/** About `recordsCount` records. An execution is told as that venue does: a fill, and the cancel that takes it from the book. */
export function makeFlowFile(parameters: FlowParameters, recordsCount: number, seed = "bench/features"): FlowFile {
  const header = dbnHeader({ version: 1, startNs: flowOriginNs, symbols: [["FLOW", 1]] });
  const bytes = new Uint8Array(header.length + recordSize * (recordsCount + 2 * 8_192));
  bytes.set(header);
  const view = new DataView(bytes.buffer);
  let count = 0;
  const write = (
    letter: string,
    row: { id: number; price: number; size: number; flags: number; side: number; timeNs: number },
  ): void => {
    const at = header.length + recordSize * count++;
    const timeNs = flowOriginNs + BigInt(row.timeNs);
    bytes[at] = recordSize / 4;
    bytes[at + 1] = 0xa0;
    view.setUint16(at + 2, 1, true);
    view.setUint32(at + 4, 1, true);
    view.setBigUint64(at + 8, timeNs, true);
    view.setBigUint64(at + 16, BigInt(row.id), true);
    view.setBigInt64(at + 24, BigInt(row.price) * 250_000_000n, true);
    view.setUint32(at + 32, row.size, true);
    bytes[at + 36] = ((row.flags & 1) === 0 ? 0 : dbnFlag.last) | ((row.flags & 2) === 0 ? 0 : dbnFlag.snapshot);
    bytes[at + 38] = letter.charCodeAt(0);
    bytes[at + 39] = row.side > 0 ? 66 : row.side < 0 ? 65 : 78;
    view.setBigUint64(at + 40, timeNs, true);
  };
  for (const batch of new OrderFlow({ seed, parameters }).batches(Infinity)) {
    for (let index = 0; index < batch.count && count < recordsCount; index++) {
      const kind = batch.kind[index]!;
      const row = {
        id: batch.id[index]!,
        price: batch.price[index]!,
        size: batch.size[index]!,
        flags: batch.flags[index]!,
        side: batch.side[index]!,
        timeNs: batch.timeNs[index]!,
      };
      if (kind === EventKind.execute) write("F", { ...row, flags: 0 });
      write(letters[kind]!, kind === EventKind.trade ? { ...row, id: 0 } : row);
    }
    if (count >= recordsCount) break;
  }
  return {
    bytes: bytes.subarray(0, header.length + recordSize * count),
    recordsCount: count,
    headerSize: header.length,
  };
}
