/**
 * Fits the parameters of the generated market (`packages/features/src/generator`) to a recorded one: rates and mutual excitation by
 * maximum likelihood (expectation and maximisation over exponential kernels: Veen and Schoenberg, J. American Statistical Association
 * 103, 2008), sizes and distances by counting. Prints them as they stand in `flow-presets.ts`.
 *
 * `npm run bench -- tools/fit-flow.ts FILE [FILE ...]`: any file by order that `stoa features` reads.
 */
import { Book } from "@stoa/features/book/book";
import { blankEvent, EventFlag, EventKind, readEvent, type MarketEvent } from "@stoa/features/event";
import { arrivalKinds, type FlowParameters, type SizeLaw } from "@stoa/features/generator/flow-parameters";
import { openBytes } from "@stoa/features/io/readers/bytes";
import { readDbn } from "@stoa/features/io/readers/dbn";

const tableLength = 12;
const nearTicks = 20;
const decays = [2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000];
const rounds = 60;

/** What one file tells. */
interface Observed {
  /** Seconds, and kind times two plus side (0 bid or buyer, 1), of each arrival. */
  readonly times: number[];
  readonly kinds: number[];
  /** Orders near the best of each side at that time. */
  readonly near: [number, number][];
  readonly limitSizes: number[];
  readonly marketSizes: number[];
  readonly placed: number[];
  readonly cancelled: number[];
  /** Orders resting at each distance from the best, added up over arrivals. */
  readonly queues: number[];
  improved: number;
  improvable: number;
  partials: number;
  modifies: number;
  cancels: number;
  book: Book;
}

const files = process.argv.slice(2);
if (files.length === 0) throw new Error("name a file with a market by order");
const observed = await observe(files);
console.log(JSON.stringify(parametersOf(observed), undefined, 2));

async function observe(paths: readonly string[]): Promise<Observed> {
  const source = await readDbn(await openBytes(paths[0]!));
  const book = new Book();
  const seen: Observed = {
    times: [],
    kinds: [],
    near: [],
    limitSizes: [],
    marketSizes: [],
    placed: [],
    cancelled: [],
    queues: new Array<number>(tableLength).fill(0),
    improved: 0,
    improvable: 0,
    partials: 0,
    modifies: 0,
    cancels: 0,
    book,
  };
  const event = blankEvent();
  const hit = { side: 0, size: 0, timeNs: -1 };
  for await (const batch of source.batches()) {
    for (let row = 0; row < batch.count; row++) {
      readEvent(batch, row, event);
      if ((event.flags & EventFlag.snapshot) === 0 && book.isSound) note(event, seen, hit);
      book.apply(event);
    }
  }
  return seen;
}

function note(event: MarketEvent, seen: Observed, hit: { side: number; size: number; timeNs: number }): void {
  const { book } = seen;
  if (event.kind === EventKind.trade) {
    // Fills of one market order are told one by one under one stamp.
    if (event.side === 0) return;
    const same = hit.timeNs === event.timeNs && hit.side === event.side;
    if (same) seen.marketSizes[seen.marketSizes.length - 1]! += event.size;
    else {
      seen.marketSizes.push(event.size);
      arrival(event, 2, event.side, seen);
    }
    Object.assign(hit, { side: event.side, size: event.size, timeNs: event.timeNs });
    return;
  }
  if (event.kind === EventKind.add) {
    const own = book.side(event.side);
    const away = event.side * (own.bestPrice - event.price);
    if (book.asks.bestPrice - book.bids.bestPrice > 1) {
      seen.improvable++;
      if (away < 0) seen.improved++;
    }
    if (away >= 0) seen.placed.push(away);
    seen.limitSizes.push(event.size);
    arrival(event, 0, event.side, seen);
  }
  if (event.kind !== EventKind.cancel && event.kind !== EventKind.modify) return;
  const slot = book.orders.find(event.id);
  if (slot === -1) return;
  const side = book.orders.side[slot]!;
  // Some venues repeat an order unchanged before they execute it.
  if (
    event.kind === EventKind.modify &&
    event.price === book.orders.price[slot] &&
    event.size === book.orders.size[slot]
  )
    return;
  const away = side * (book.side(side).bestPrice - book.orders.price[slot]!);
  seen.cancels++;
  if (event.kind === EventKind.modify) seen.modifies++;
  else if (event.size < book.orders.size[slot]!) seen.partials++;
  seen.cancelled.push(away);
  arrival(event, 1, side, seen);
}

function arrival({ timeNs }: MarketEvent, kind: number, side: number, seen: Observed): void {
  seen.times.push(timeNs / 1e9);
  seen.kinds.push(2 * kind + (side === 1 ? 0 : 1));
  seen.near.push([near(seen.book, 1), near(seen.book, -1)]);
  for (const sign of [1, -1] as const) {
    const resting = seen.book.side(sign);
    for (let away = 0; away < tableLength; away++) {
      const place = resting.find(resting.bestPrice - sign * away);
      if (place >= 0) seen.queues[away]! += resting.orders[place]!;
    }
  }
}

function near(book: Book, sign: 1 | -1): number {
  const side = book.side(sign);
  let orders = 0;
  for (let at = side.count - 1; at >= 0 && sign * (side.bestPrice - side.price[at]!) <= nearTicks; at--)
    orders += side.orders[at]!;
  return orders;
}

interface Excitation {
  readonly decay: number;
  readonly baseline: number[];
  /** Children of a kind (row) per arrival of a kind (column), same side and other side. */
  readonly same: number[][];
  readonly opposite: number[][];
  readonly logLikelihood: number;
}

/** The best of several decays: for each, the rates that make the arrivals likeliest. Both sides share one set of rates. */
function fitExcitation(seen: Observed): Excitation {
  let best: Excitation | undefined;
  for (const decay of decays) {
    const fitted = fitRates(seen, decay);
    console.error(`decay ${decay}/s: log-likelihood ${fitted.logLikelihood.toFixed(1)}`);
    if (best === undefined || fitted.logLikelihood > best.logLikelihood) best = fitted;
  }
  return best!;
}

function fitRates({ times, kinds, near: nearby }: Observed, decay: number): Excitation {
  const duration = times.at(-1)! - times[0]!;
  let exposure = 0;
  for (let index = 1; index < times.length; index++)
    exposure += (times[index]! - times[index - 1]!) * (nearby[index]![0] + nearby[index]![1]);
  const counts = [0, 0, 0];
  for (const kind of kinds) counts[kind >> 1]!++;
  const widths = [2 * duration, exposure, 2 * duration];
  let baseline = counts.map((count, kind) => (0.5 * count) / widths[kind]!);
  let same = counts.map(() => counts.map(() => 0.1));
  let opposite = counts.map(() => counts.map(() => 0.05));
  let logLikelihood = 0;
  for (let round = 0; round < rounds; round++) {
    const step = expectations({ times, kinds, nearby, decay, baseline, same, opposite });
    logLikelihood =
      step.logSum -
      counts.reduce(
        (sum, count, kind) => sum + baseline[kind]! * widths[kind]! + children(same, opposite, kind) * count,
        0,
      );
    baseline = step.baseline.map((expected, kind) => expected / widths[kind]!);
    same = step.same.map((row) => row.map((expected, column) => expected / counts[column]!));
    opposite = step.opposite.map((row) => row.map((expected, column) => expected / counts[column]!));
  }
  return { decay, baseline, same, opposite, logLikelihood };
}

function children(same: readonly number[][], opposite: readonly number[][], column: number): number {
  return same.reduce((sum, row, index) => sum + row[column]! + opposite[index]![column]!, 0);
}

interface Guess {
  readonly times: readonly number[];
  readonly kinds: readonly number[];
  readonly nearby: readonly (readonly [number, number])[];
  readonly decay: number;
  readonly baseline: readonly number[];
  readonly same: readonly (readonly number[])[];
  readonly opposite: readonly (readonly number[])[];
}

/** How many arrivals of each kind nobody excited, and how many each kind excited, if the guess is right. */
function expectations({ times, kinds, nearby, decay, baseline, same, opposite }: Guess) {
  const fading = new Float64Array(6);
  const result = {
    baseline: [0, 0, 0],
    same: [0, 1, 2].map(() => [0, 0, 0]),
    opposite: [0, 1, 2].map(() => [0, 0, 0]),
    logSum: 0,
  };
  for (let index = 0; index < times.length; index++) {
    const faded = index === 0 ? 0 : Math.exp(-decay * (times[index]! - times[index - 1]!));
    for (let kind = 0; kind < 6; kind++) fading[kind]! *= faded;
    const [row, side] = [kinds[index]! >> 1, kinds[index]! & 1];
    const own = baseline[row]! * (row === 1 ? Math.max(1, nearby[index]![side]!) : 1);
    let rate = own;
    for (let column = 0; column < 3; column++) {
      rate +=
        decay *
        (same[row]![column]! * fading[2 * column + side]! + opposite[row]![column]! * fading[2 * column + 1 - side]!);
    }
    result.logSum += Math.log(rate);
    result.baseline[row]! += own / rate;
    for (let column = 0; column < 3; column++) {
      result.same[row]![column]! += (decay * same[row]![column]! * fading[2 * column + side]!) / rate;
      result.opposite[row]![column]! += (decay * opposite[row]![column]! * fading[2 * column + 1 - side]!) / rate;
    }
    fading[kinds[index]!]!++;
  }
  return result;
}

function parametersOf(seen: Observed): FlowParameters {
  const { decay, baseline, same, opposite } = fitExcitation(seen);
  const matrix = (rows: number[][]): FlowParameters["excitedSame"] =>
    Object.fromEntries(
      arrivalKinds.map((row, at) => [
        row,
        Object.fromEntries(arrivalKinds.map((column, to) => [column, rounded(rows[at]![to]!)])),
      ]),
    ) as FlowParameters["excitedSame"];
  const placed = lawOfDistances(seen.placed);
  const cancelled = lawOfDistances(seen.cancelled);
  const { bids, asks } = seen.book;
  return {
    baseline: { limit: rounded(baseline[0]!), cancel: rounded(baseline[1]!), market: rounded(baseline[2]!) },
    excitedSame: matrix(same),
    excitedOpposite: matrix(opposite),
    decay,
    limitSize: lawOfSizes(seen.limitSizes),
    marketSize: lawOfSizes(seen.marketSizes),
    improve: rounded(seen.improved / seen.improvable),
    placement: placed.table,
    placementTailMean: placed.tailMean,
    cancellation: cancelled.table,
    cancellationTailMean: cancelled.tailMean,
    partial: rounded(seen.partials / seen.cancels),
    modify: rounded(seen.modifies / seen.cancels),
    reaction: 0.7,
    queueOrders: seen.queues.map((orders) => rounded(orders / 2 / seen.times.length)),
    nearTicks,
    openingLevels: Math.min(400, Math.round((bids.count + asks.count) / 2)),
    openingGapTicks: 2,
    openingPrice: 20_000,
  };
}

function lawOfDistances(distances: readonly number[]): { readonly table: number[]; readonly tailMean: number } {
  const table = Array.from({ length: tableLength }, (_, ticks) =>
    rounded(distances.filter((one) => one === ticks).length / distances.length),
  );
  const far = distances.filter((one) => one >= tableLength && one < 400);
  return { table, tailMean: rounded(far.reduce((sum, one) => sum + one - tableLength, 0) / Math.max(1, far.length)) };
}

/** The eight commonest sizes and the mean of what lies beyond them. */
function lawOfSizes(sizes: readonly number[]): SizeLaw {
  const counts = new Map<number, number>();
  for (const size of sizes) counts.set(size, (counts.get(size) ?? 0) + 1);
  const common = [...counts]
    .sort((one, other) => other[1] - one[1])
    .slice(0, 8)
    .sort((one, other) => one[0] - other[0]);
  const largest = common.at(-1)![0];
  const beyond = sizes.filter((size) => size > largest);
  return {
    sizes: common.map(([size]) => size),
    weights: common.map(([, count]) => rounded(count / sizes.length)),
    tailMean: rounded(beyond.reduce((sum, size) => sum + size - largest - 1, 0) / Math.max(1, beyond.length)),
  };
}

/** To four significant digits: an aggregate, no more. */
function rounded(value: number): number {
  return Number(value.toPrecision(4));
}
