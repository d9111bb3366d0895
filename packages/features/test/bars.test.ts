/** Bars against naive second implementations over lists of trades, and the tape that they add up to. */
import { describe, expect, test } from "vitest";
import { closings, signRules, type Closing } from "../src/bars/bar.ts";
import { imbalanceBars, runBars, type InformationBarSettings } from "../src/bars/information-bars.ts";
import { dollarBars, measures, tickBars, timeBars, volumeBars, type Measure } from "../src/bars/threshold-bars.ts";
import { appendEvent, blankEvent, EventFlag, EventKind, makeEventBatch, type EventBatch } from "../src/event.ts";
import { ms } from "../src/graph/clock.ts";
import { historyOf } from "./support/history.ts";
import { originNs, randomOrders } from "./support/random-market.ts";
import { expectRows, rowsOfTable } from "./support/tables.ts";

interface Print {
  readonly price: number;
  readonly size: number;
  readonly side: number;
  readonly timeNs: number;
  /** 1 where a whole trade ends; 0 for the first parts of a split one. */
  readonly ends: number;
  /** Gaps before it. */
  readonly gaps: number;
}

const batch = randomOrders(41, 6_000);
const tape: readonly Print[] = printsOf(batch);

function printsOf(events: EventBatch): Print[] {
  const prints: Print[] = [];
  let gaps = 0;
  for (const { event } of historyOf(events)) {
    if (event.kind === EventKind.gap) gaps++;
    if (event.kind === EventKind.trade) prints.push({ ...event, ends: 1, gaps });
  }
  return prints;
}

const total = (prints: readonly Print[], of: (print: Print) => number): number =>
  prints.reduce((sum, print) => sum + of(print), 0);

/** The columns of `barColumns`, from the prints of a bar and the number of gaps until the bar before. */
function columnsOf(bar: readonly Print[], gapsBefore: number, gapsNow = bar.at(-1)!.gaps): number[] {
  const prices = bar.map(({ price }) => price);
  const volume = total(bar, ({ size }) => size);
  return [
    bar[0]!.timeNs,
    bar.at(-1)!.timeNs,
    prices[0]!,
    Math.max(...prices),
    Math.min(...prices),
    prices.at(-1)!,
    volume,
    total(bar, ({ side, size }) => side * size),
    total(bar, ({ price, size }) => price * size) / volume,
    total(bar, ({ ends }) => ends),
    gapsNow > gapsBefore ? 1 : 0,
  ];
}

const weightOf = (measure: Measure, { price, size }: Print): number =>
  measure === "tick" ? 1 : measure === "volume" ? size : price * size;

/** Whole bars and when each was known, by the rule of closing. */
function naiveBars(measure: Measure, threshold: number, closing: Closing): { bar: Print[]; toldBy: Print }[] {
  const bars: { bar: Print[]; toldBy: Print }[] = [];
  if (closing === "crossing-next") {
    const numbers = tape.map((_, index) =>
      Math.floor(total(tape.slice(0, index + 1), (print) => weightOf(measure, print)) / threshold),
    );
    for (const [index, print] of tape.entries()) {
      if (index > 0 && numbers[index] !== numbers[index - 1]) {
        bars.push({ bar: tape.filter((_, other) => numbers[other] === numbers[index - 1]), toldBy: print });
      }
    }
    return bars;
  }
  const lots =
    closing === "split"
      ? tape.flatMap((print) =>
          Array.from({ length: print.size }, (_, lot) => ({ ...print, size: 1, ends: lot === print.size - 1 ? 1 : 0 })),
        )
      : tape;
  let bar: Print[] = [];
  for (const print of lots) {
    bar.push(print);
    if (total(bar, (one) => weightOf(measure, one)) < threshold) continue;
    bars.push({ bar, toldBy: print });
    bar = [];
  }
  return bars;
}

const valueOf = (ticksTimesLots: number): number => ticksTimesLots * 0.25 * 50;

describe.each(measures)("bars of equal %s", (measure) => {
  const threshold = { tick: 7, volume: 60, dollar: 55_000 }[measure];
  const make = {
    tick: (closing: Closing) => tickBars({ count: 7, closing }),
    volume: (closing: Closing) => volumeBars({ lots: 60, closing }),
    dollar: (closing: Closing) => dollarBars({ value: valueOf(55_000), closing }),
  }[measure];
  test.each(closings.filter((closing) => measure !== "tick" || closing !== "split"))("close by %s", (closing) => {
    const bars = naiveBars(measure, threshold, closing);
    expect(bars.length).toBeGreaterThan(60);
    expectRows(
      make(closing),
      batch,
      bars.map(({ bar, toldBy }, index) => {
        const before =
          index === 0
            ? 0
            : closing === "crossing-next"
              ? bars[index - 1]!.toldBy.gaps
              : bars[index - 1]!.bar.at(-1)!.gaps;
        return { timeNs: toldBy.timeNs, values: columnsOf(bar, before, toldBy.gaps) };
      }),
    );
  });
});

test("volume bars that split trades hold exactly their lots, one after the other the whole tape", () => {
  const rows = rowsOfTable(volumeBars({ lots: 7, closing: "split" }), batch);
  expect(rows.length).toBe(Math.floor(total(tape, ({ size }) => size) / 7));
  expect(rows.every(({ values }) => values[6] === 7)).toBe(true);
  expect(rows.reduce((sum, { values }) => sum + values[9]!, 0)).toBeLessThanOrEqual(tape.length);
});

test.each(closings)("volumes of all bars are the tape until the last one, by %s (FEAT-024)", (closing) => {
  const rows = rowsOfTable(volumeBars({ lots: 60, closing }), batch);
  const lots = rows.reduce((sum, { values }) => sum + values[6]!, 0);
  const trades = rows.reduce((sum, { values }) => sum + values[9]!, 0);
  const whole = total(tape.slice(0, trades), ({ size }) => size);
  if (closing === "split")
    expect([lots % 60, lots >= whole, lots - whole < tape[trades]!.size]).toEqual([0, true, true]);
  else expect(lots).toBe(whole);
});

test.each(["skip", "repeat"] as const)("bars of equal time lie on the grid of 1970; empty ones %s", (empty) => {
  const step = ms(130);
  const phase = Number(originNs % BigInt(step));
  const indexOf = (timeNs: number): number => Math.floor((timeNs + phase) / step);
  const endNs = batch.timeNs[batch.count - 1]!;
  const wanted: { timeNs: number; values: number[] }[] = [];
  let [gapsBefore, close] = [0, NaN];
  const moments = historyOf(batch);
  for (let index = indexOf(tape[0]!.timeNs); (index + 1) * step - phase <= endNs; index++) {
    const bar = tape.filter((print) => indexOf(print.timeNs) === index);
    const [openNs, closeNs] = [index * step - phase, (index + 1) * step - phase];
    const gaps = moments.filter(({ event }) => event.kind === EventKind.gap && event.timeNs < closeNs).length;
    if (bar.length > 0) {
      const values = columnsOf(bar, gapsBefore, gaps);
      close = values[5]!;
      wanted.push({ timeNs: closeNs, values: [openNs, closeNs, ...values.slice(2)] });
    } else if (empty === "repeat") {
      const gap = gaps > gapsBefore ? 1 : 0;
      wanted.push({ timeNs: closeNs, values: [openNs, closeNs, close, close, close, close, 0, 0, NaN, 0, gap] });
    } else continue;
    gapsBefore = gaps;
  }
  expect(wanted.length).toBeGreaterThan(100);
  expectRows(timeBars({ step, empty }), batch, wanted);
});

/** The book's algorithm, from the beginning for each bar. */
function naiveInformationBars(
  kind: "imbalance" | "run",
  settings: Required<
    Pick<
      InformationBarSettings,
      "measure" | "expectedTrades" | "barsSpan" | "tradesSpan" | "clamp" | "imbalanceMin" | "closing"
    >
  >,
): { timeNs: number; values: number[] }[] {
  const { measure, expectedTrades, clamp, closing } = settings;
  const bars: { timeNs: number; values: number[] }[] = [];
  let [begin, length, gapsBefore] = [0, expectedTrades, 0];
  const mean = (end: number, of: (print: Print) => number): number => {
    let value = 0;
    for (let n = 1; n <= end; n++) value += Math.max(2 / (settings.tradesSpan + 1), 1 / n) * (of(tape[n - 1]!) - value);
    return value;
  };
  const theta = (bar: readonly Print[]): number => {
    const of = (side: number): number =>
      total(
        bar.filter((print) => print.side === side),
        (print) => weightOf(measure, print),
      );
    return kind === "imbalance" ? of(1) - of(-1) : Math.max(of(1), of(-1));
  };
  while (begin < tape.length) {
    const buys = mean(begin, (print) => (print.side === 1 ? weightOf(measure, print) : 0));
    const sells = mean(begin, (print) => (print.side === -1 ? weightOf(measure, print) : 0));
    const expected =
      kind === "run"
        ? Math.max(buys, sells)
        : Math.max(Math.abs(buys - sells), settings.imbalanceMin * mean(begin, (print) => weightOf(measure, print)));
    const threshold = begin === 0 ? NaN : length * expected;
    const reached = (count: number): boolean =>
      begin === 0 ? count >= expectedTrades : Math.abs(theta(tape.slice(begin, begin + count))) >= threshold;
    let count = 1;
    while (begin + count <= tape.length && !reached(count)) count++;
    // The next rule leaves out the trade that crosses, unless the bar would be empty: then the next that is beyond the threshold.
    let toldBy = begin + count - 1;
    if (closing === "crossing-next") {
      let next = begin === 0 ? expectedTrades + 1 : 2;
      while (begin + next <= tape.length && begin > 0 && !reached(next)) next++;
      toldBy = begin + next - 1;
      count = next - 1;
    }
    if (toldBy >= tape.length) break;
    const bar = tape.slice(begin, begin + count);
    const { timeNs, gaps } = tape[toldBy]!;
    bars.push({ timeNs, values: [...columnsOf(bar, gapsBefore, gaps), theta(bar), threshold] });
    gapsBefore = gaps;
    length = Math.min(
      Math.max(length + (2 / (settings.barsSpan + 1)) * (count - length), expectedTrades / clamp),
      expectedTrades * clamp,
    );
    begin += count;
  }
  return bars;
}

describe.each(["imbalance", "run"] as const)("%s bars", (kind) => {
  const make = { imbalance: imbalanceBars, run: runBars }[kind];
  test.each(
    measures.flatMap((measure) =>
      (["crossing-in", "crossing-next"] as const).map((closing) => [measure, closing] as const),
    ),
  )("of %ss close by %s at their threshold", (measure, closing) => {
    const settings = { measure, expectedTrades: 10, barsSpan: 5, tradesSpan: 50, clamp: 2, imbalanceMin: 0.2, closing };
    const wanted = naiveInformationBars(kind, settings);
    expect(wanted.length).toBeGreaterThan(10);
    expectRows(make(settings), batch, wanted);
  });
});

test("without a clamp bars of a balanced market shrink to single trades, with one they keep their length", () => {
  const lengths = (clamp: number): number[] => {
    const settings = {
      measure: "tick",
      expectedTrades: 20,
      barsSpan: 1,
      tradesSpan: 50,
      imbalanceMin: 0.2,
      clamp,
    } as const;
    return rowsOfTable(imbalanceBars(settings), batch).map(({ values }) => values[9]!);
  };
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  expect(mean(lengths(1e9).slice(20))).toBe(1);
  expect(mean(lengths(1).slice(1))).toBeGreaterThan(10);
});

test("signs come from the venue or from the tick rule, and hidden trades are left out on request", () => {
  const events = makeEventBatch(4);
  for (const [index, [price, side, flags]] of (
    [
      [100, 1, 0],
      [101, 0, 0],
      [101, -1, EventFlag.hidden],
      [100, 0, 0],
    ] as const
  ).entries()) {
    appendEvent(events, {
      ...blankEvent(),
      kind: EventKind.trade,
      flags: flags | EventFlag.last,
      side,
      price,
      size: 1,
      timeNs: 1e9 * index,
    });
  }
  const signed = (settings: Parameters<typeof tickBars>[0]): number[] =>
    rowsOfTable(tickBars(settings), events).map(({ values }) => values[7]!);
  expect(signRules.map((sign) => signed({ count: 1, sign }))).toEqual([
    [1, 0, -1, 0],
    [0, 1, 1, -1],
    [1, 1, -1, -1],
  ]);
  expect(signed({ count: 3, hidden: "exclude" })).toEqual([1]);
});

test("what makes no sense is refused by name", () => {
  expect(() => tickBars({ count: 5, closing: "split" })).toThrow("tick_bars.closing");
  expect(() => dollarBars({ value: -1 })).toThrow("dollar_bars.value is -1");
  expect(() => runBars({ measure: "tick", expectedTrades: 5, clamp: 0.5 })).toThrow("run_bars.clamp is 0.5");
});
