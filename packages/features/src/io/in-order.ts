/**
 * Several sources as one: the pieces of a recording, in their order. Instruments are those of all, by name; times are told from the first origin. Where a
 * piece begins long after the one before has ended, something was missed: a gap says so, and the piece begins with
 * empty books, as it does when it is read alone. No snapshot need ever come in it (orders of Bitstamp), which else would leave the gap open to its end.
 */
import { appendEvent, blankEvent, EventFlag, EventKind, makeEventBatch, type EventBatch } from "../event.ts";
import type { Instrument } from "../instrument.ts";
import { FeatureRefusal } from "../refusal.ts";
import type { EventSource, SourceProgress } from "./source.ts";

/** Between two pieces of one recording there is no more than this. */
const seamNs = 60e9;

/** Refuses pieces of which one begins before the one before has ended, and instruments of one name that are not the same. */
export function inOrder(sources: readonly EventSource[]): EventSource {
  const [first] = sources;
  if (first === undefined)
    throw new FeatureRefusal({ argument: "inOrder.sources", value: [], wanted: "a list of at least one source" });
  if (sources.length === 1) return first;
  const instruments: Instrument[] = [];
  const places = sources.map((source) => source.instruments.map((instrument) => placeOf(instruments, instrument)));
  const { originNs } = first;
  const progress: SourceProgress = { bytesRead: 0, bytesTotal: 0, eventsCount: 0, gapsCount: 0, skippedCount: 0 };
  progress.bytesTotal = sources.reduce((sum, source) => sum + source.progress.bytesTotal, 0);
  return {
    instruments,
    originNs,
    progress,
    async *batches(): AsyncGenerator<EventBatch> {
      let endNs = NaN;
      for (const [index, source] of sources.entries()) {
        const shiftNs = Number(source.originNs - originNs);
        const before = { ...progress };
        let isBegin = true;
        for await (const batch of source.batches()) {
          if (batch.count === 0) continue;
          moveBatch(batch, shiftNs, places[index] as readonly number[]);
          if (isBegin) {
            const beginNs = batch.timeNs[0] as number;
            checkOrder(index, beginNs, endNs);
            if (beginNs - endNs > seamNs) yield gapsOf(instruments.length, beginNs);
          }
          isBegin = false;
          endNs = batch.timeNs[batch.count - 1] as number;
          addProgress(progress, before, source.progress);
          yield batch;
        }
      }
    },
  };
}

function placeOf(instruments: Instrument[], instrument: Instrument): number {
  const place = instruments.findIndex(({ name }) => name === instrument.name);
  if (place === -1) return instruments.push(instrument) - 1;
  const known = instruments[place] as Instrument;
  const alike = (one: Instrument): string => [one.tick, one.lot].map((step) => step.multiply / step.divide).join(" ");
  if (alike(known) === alike(instrument)) return place;
  throw new FeatureRefusal({
    argument: `${instrument.name}.tick and lot`,
    value: alike(instrument),
    wanted: `those of the pieces before, ${alike(known)}: say them for all`,
  });
}

/** In place: the batch is its reader's, which writes it anew for the next. */
function moveBatch(batch: EventBatch, shiftNs: number, places: readonly number[]): void {
  for (let row = 0; row < batch.count; row++) {
    batch.instrument[row] = places[batch.instrument[row] as number] ?? 0;
    batch.timeNs[row] = (batch.timeNs[row] as number) + shiftNs;
    batch.receivedNs[row] = (batch.receivedNs[row] as number) + shiftNs;
  }
}

function checkOrder(index: number, beginNs: number, endNs: number): void {
  if (!(beginNs < endNs)) return;
  throw new FeatureRefusal({
    argument: "inOrder.sources",
    value: `piece ${index + 1}, which begins ${((endNs - beginNs) / 1e9).toFixed(3)} s before the one before it ends`,
    wanted: "in the order of their times",
  });
}

function gapsOf(instrumentsCount: number, timeNs: number): EventBatch {
  const batch = makeEventBatch(2 * instrumentsCount);
  for (let instrument = 0; instrument < instrumentsCount; instrument++) {
    const event = { ...blankEvent(), instrument, timeNs };
    appendEvent(batch, { ...event, kind: EventKind.gap, flags: EventFlag.last });
    appendEvent(batch, { ...event, kind: EventKind.clear, flags: EventFlag.snapshot | EventFlag.last });
  }
  return batch;
}

function addProgress(into: SourceProgress, before: SourceProgress, now: SourceProgress): void {
  into.bytesRead = before.bytesRead + now.bytesRead;
  into.eventsCount = before.eventsCount + now.eventsCount;
  into.gapsCount = before.gapsCount + now.gapsCount;
  into.skippedCount = before.skippedCount + now.skippedCount;
}
