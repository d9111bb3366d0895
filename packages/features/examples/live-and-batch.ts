// Forty columns of one market, four ways: as a file, one event at a time, in odd pieces, and stopped and restored twice. One hash.
import { createHash } from "node:crypto";
import { blankEvent, readEvent, type EventBatch } from "@stoa/features/event";
import { every } from "@stoa/features/graph/clock";
import { features } from "@stoa/features/graph/graph";
import { addSet, defaultSet } from "@stoa/features/presets/sets";
import { openMarket } from "./support/market.ts";

const source = await openMarket(process.argv[2], 10_000);
const graph = addSet(features({ ...source, clock: every.book() }), defaultSet);

// A source reuses its batch: what is to be gone through four times is copied.
const batches: EventBatch[] = [];
for await (const batch of source.batches()) batches.push(structuredClone(batch));

function hashed() {
  const hash = createHash("sha256");
  let rows = 0;
  return {
    onRow(row: Float64Array) {
      rows++;
      hash.update(Float64Array.from(row, (value) => (Number.isNaN(value) ? NaN : value)));
    },
    text: () => `${rows} rows ${hash.digest("hex").slice(0, 32)}`,
  };
}

const whole = hashed();
graph.batch(batches, whole);
console.log(`as a file        ${whole.text()}`);

const live = hashed();
const stream = graph.stream(live);
const event = blankEvent();
for (const batch of batches) {
  for (let index = 0; index < batch.count; index++) {
    readEvent(batch, index, event);
    stream.push(event);
  }
}
console.log(`event by event   ${live.text()}`);

const pieces = hashed();
const inPieces = graph.stream(pieces);
for (const batch of batches) {
  for (let from = 0; from < batch.count; from += 7) inPieces.pushBatch(batch, from, Math.min(batch.count, from + 7));
}
console.log(`seven at a time  ${pieces.text()}`);

// The second and third stream know nothing but the bytes that the one before them left.
const restored = hashed();
let part = graph.stream(restored);
for (const [index, batch] of batches.entries()) {
  const cut = (index * 997 + 401) % batch.count;
  part.pushBatch(batch, 0, cut);
  part = graph.stream(restored, part.save());
  part.pushBatch(batch, cut);
}
console.log(`restored         ${restored.text()}`);

// The same check can fail: one lot more in one event, and the hash is another.
const changed = batches.map((batch) => ({ ...batch, size: batch.size.slice() }));
changed[0]!.size[5_000]! += 1;
const other = hashed();
graph.batch(changed, other);
console.log(`one lot more     ${other.text()}`);
console.log(`schema           ${graph.schemaHash().slice(0, 32)}`);
