/** Of a source with many instruments only some: events of the others are left out, blocks and mere time stay. */
import {
  appendEvent,
  batchCapacity,
  blankEvent,
  EventFlag,
  EventKind,
  makeEventBatch,
  readEvent,
  type EventBatch,
} from "../event.ts";
import type { Instrument } from "../instrument.ts";
import { FeatureRefusal } from "../refusal.ts";
import type { EventSource } from "./source.ts";

/** The instruments in the order of `names`. Refuses a name that the source does not have. */
export function onlyInstruments(source: EventSource, names: readonly string[]): EventSource {
  const instruments = names.map((name): Instrument => {
    const found = source.instruments.find((instrument) => instrument.name === name);
    if (found === undefined)
      throw new FeatureRefusal({ argument: "instruments", value: name, wanted: "a name that the source has" });
    return found;
  });
  /** By index in the source: index here, -1 for left out. */
  const places = source.instruments.map(({ name }) => names.indexOf(name));
  return {
    instruments,
    originNs: source.originNs,
    progress: source.progress,
    async *batches(): AsyncGenerator<EventBatch> {
      let kept = makeEventBatch(0);
      const event = blankEvent();
      for await (const batch of source.batches()) {
        if (batchCapacity(kept) < batch.count) kept = makeEventBatch(batchCapacity(batch));
        kept.count = 0;
        for (let row = 0; row < batch.count; row++) {
          const isCommon = batch.kind[row] === EventKind.block || batch.kind[row] === EventKind.time;
          const place = places[batch.instrument[row] as number] ?? -1;
          if (place === -1 && !isCommon) continue;
          readEvent(batch, row, event);
          event.instrument = Math.max(0, place);
          // The end of another instrument's change is none of this one's.
          if (place === -1) event.flags &= ~EventFlag.last;
          appendEvent(kept, event);
        }
        yield kept;
      }
    },
  };
}
