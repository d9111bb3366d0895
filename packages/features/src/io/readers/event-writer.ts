/**
 * Where decoders put events: a batch that is handed out between two chunks and used again. It grows when one record brings more
 * events than there is room for (a snapshot), and never shrinks.
 */
import { appendEvent, blankEvent, EventFlag, makeEventBatch, type EventBatch, type MarketEvent } from "../../event.ts";

export class EventWriter {
  batch: EventBatch;
  /** To be filled and then written. Fields keep what they had. */
  readonly event: MarketEvent = blankEvent();

  constructor(capacity = 8192) {
    this.batch = makeEventBatch(capacity);
  }

  /** Writes `event`. */
  write(): void {
    if (this.batch.count === this.batch.kind.length) this.reserve(1);
    appendEvent(this.batch, this.event);
  }

  /** Makes room for `count` more events. A batch held from before is not the batch any more. */
  reserve(count: number): void {
    const { batch } = this;
    let capacity = batch.kind.length;
    if (batch.count + count <= capacity) return;
    while (capacity < batch.count + count) capacity *= 2;
    const wider = makeEventBatch(capacity);
    for (const column of [
      "kind",
      "flags",
      "instrument",
      "side",
      "price",
      "size",
      "id",
      "timeNs",
      "receivedNs",
    ] as const)
      wider[column].set(batch[column]);
    wider.count = batch.count;
    this.batch = wider;
  }

  /** The events from row `from` on are one atomic change: the last of them is marked as such. */
  close(from: number): void {
    const { batch } = this;
    if (batch.count > from) batch.flags[batch.count - 1] = (batch.flags[batch.count - 1] as number) | EventFlag.last;
  }

  clear(): void {
    this.batch.count = 0;
  }
}
