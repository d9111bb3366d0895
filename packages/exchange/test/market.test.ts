import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { lots, priceE8, timeMs, type PriceE8, type TimeMs } from "@stoa/base/units";
import type { PublicKey } from "@stoa/base/signature";
import { advanceMarket } from "@stoa/exchange/market/advance";
import { deliveryPriceOf, extendAverages } from "@stoa/exchange/market/averaging";
import { bandOf } from "@stoa/exchange/market/band";
import { civilDate, createCalendar, dayAt, listedDays, settlementOfDay } from "@stoa/exchange/market/calendar";
import { listDue, strikesOf } from "@stoa/exchange/market/listing";
import { futureMark, optionMark, premiumAfter } from "@stoa/exchange/market/mark";
import { futureName, optionName, perpetualName } from "@stoa/exchange/market/names";
import { agreePrices, submitPrices, weightedMedian } from "@stoa/exchange/market/prices";
import { encodeMarketRecord, marketKeyOfName, marketRecordNames, restoreMarket } from "@stoa/exchange/market/record";
import { closeDay, delist, expired, settlementDue } from "@stoa/exchange/market/roll";
import { standardProducts } from "@stoa/exchange/market/standard-products";
import { createMarket, makeListing, type Market } from "@stoa/exchange/market/state";
import { tradeVolatilityPpm } from "@stoa/exchange/market/trade-volatility";
import type { PricesBody } from "@stoa/protocol/command";
import type { Genesis } from "@stoa/protocol/genesis";
import { e8, makeTerms, productOf } from "./terms-fixture.ts";
import { makeGenesis } from "./world.ts";

// Wednesday 2025-12-24, noon UTC: the last settled day is the 24th.
const noonMs = Date.UTC(2025, 11, 24, 12);
const dayMs = 86_400_000;

function genesisOf(change: Partial<Genesis> = {}, stakes: readonly number[] = [1, 1, 1, 1]): Genesis {
  return makeGenesis({
    products: standardProducts(),
    indexPrices: [100_000, 4_000],
    genesis: {
      timeMs: timeMs(noonMs),
      validators: stakes.map((stake, index) => ({
        name: `v${index}`,
        key: new Uint8Array(32).fill(index + 1) as PublicKey,
        stake,
      })),
      prices: { ageMsMax: 10_000, staleMsMax: 30_000 },
      ...change,
    },
  });
}

function listed(genesis = genesisOf()): Market {
  const market = createMarket(genesis);
  listDue(market, genesis.timeMs);
  return market;
}

interface Message {
  readonly btc?: number;
  readonly sequence?: number;
  readonly sourceMs?: number;
  readonly forward?: number;
  readonly volatilities?: readonly number[];
}

/** A message with a BTC index and, when `forward` is given, a curve for every live expiry of it. */
function message(market: Market, { btc = 100_000, sequence, sourceMs, forward, volatilities }: Message): PricesBody {
  const curves = forward === undefined ? [] : [...market.curves.values()].filter(({ index }) => index === 0);
  const at = timeMs(sourceMs ?? market.timeMs);
  return {
    kind: "prices",
    sequence: sequence ?? at,
    sourceMs: at,
    indexes: [{ index: 0, price: e8(btc) }],
    curves: curves.map(({ index, expiryMs }) => ({
      index,
      expiryMs: timeMs(expiryMs),
      forward: e8(forward!),
      volatilitiesPpm: volatilities ?? [700_000, 600_000, 500_000, 550_000, 600_000],
    })),
  };
}

const named = (market: Market, name: string) => {
  const found = [...market.listings.values()].find(({ terms }) => terms.instrument.name === name);
  if (found === undefined) throw new Error(`no ${name}`);
  return found;
};

describe("calendar", () => {
  test("days become dates, also before 1970 and in leap years", () => {
    const property = fc.property(fc.integer({ min: -200_000, max: 3_000_000 }), (days) => {
      const date = new Date(days * dayMs);
      const expected = { year: date.getUTCFullYear(), month: date.getUTCMonth() + 1, day: date.getUTCDate() };
      expect(civilDate(days)).toEqual(expected);
    });
    fc.assert(property, { numRuns: 500 });
  });

  test("settlement instants are at eight, and a day lasts until the next one", () => {
    const calendar = createCalendar(genesisOf());
    const day = dayAt(calendar, noonMs);
    expect(settlementOfDay(calendar, day)).toBe(Date.UTC(2025, 11, 24, 8));
    expect(dayAt(calendar, Date.UTC(2025, 11, 24, 8) - 1)).toBe(day - 1);
    expect(dayAt(calendar, Date.UTC(2025, 11, 24, 8))).toBe(day);
  });

  test("the next two days, then two Fridays (FEED-040)", () => {
    const calendar = createCalendar(genesisOf());
    const dates = (from: number, horizons: readonly number[]) =>
      listedDays(calendar, dayAt(calendar, from), horizons).map((day) => {
        const { year, month, day: date } = civilDate(day);
        return `${year}-${month}-${date}`;
      });
    // 2025-12-24 is a Wednesday
    expect(dates(noonMs, [1, 2, 7, 14])).toEqual(["2025-12-25", "2025-12-26", "2026-1-2", "2026-1-9"]);
    expect(dates(noonMs + dayMs, [1, 2, 7, 14])).toEqual(["2025-12-26", "2025-12-27", "2026-1-2", "2026-1-9"]);
    expect(dates(noonMs, [1, 7, 30, 90, 91])).toEqual([
      "2025-12-25",
      "2025-12-26",
      "2026-1-30",
      "2026-3-27",
      "2026-6-26",
    ]);
  });

  test("what is listed stays until it expires, and exactly as many are live every day (FEED-040)", () => {
    const calendar = createCalendar(genesisOf());
    const horizons = [1, 2, 7, 14, 30, 90];
    let previous: readonly number[] = listedDays(calendar, 20_000, horizons);
    for (let today = 20_001; today < 20_800; today++) {
      const now = listedDays(calendar, today, horizons);
      expect(new Set(now).size).toBe(horizons.length);
      for (const day of previous) expect(day === today || now.includes(day)).toBe(true);
      previous = now;
    }
  });
});

describe("listing", () => {
  test("names follow the grammar (FEED-042)", () => {
    const date = { year: 2026, month: 8, day: 5 };
    expect(perpetualName("BTC_USDC")).toBe("BTC_USDC-PERPETUAL");
    expect(futureName("BTC", date)).toBe("BTC-5AUG26");
    expect(optionName("BTC", { year: 2026, month: 12, day: 25 }, e8(100_000), "call")).toBe("BTC-25DEC26-100000-C");
    expect(optionName("XRP_USDC", { year: 2023, month: 6, day: 30 }, e8(0.625), "put")).toBe(
      "XRP_USDC-30JUN23-0d625-P",
    );
  });

  test("four expiries of eleven strikes per coin, futures for each, a perpetual each (FEED-040, FEED-041)", () => {
    const market = listed();
    const count = (prefix: string, kind: string) =>
      [...market.listings.values()].filter(({ terms: { product, instrument } }) => {
        return product.prefix === prefix && instrument.kind === kind;
      }).length;
    expect([count("BTC", "option"), count("ETH", "option")]).toEqual([88, 88]);
    expect([count("BTC", "future"), count("BTC_USDC", "future"), count("BTC", "perpetual")]).toEqual([4, 4, 1]);
    expect(market.listings.size).toBe(2 * (88 + 8 + 2));
    const { terms } = named(market, "BTC-26DEC25-90000-P");
    expect(terms.instrument).toMatchObject({
      strike: e8(90_000),
      optionType: "put",
      expiryMs: Date.UTC(2025, 11, 26, 8),
    });
    expect([...market.listings.keys()]).toEqual(Array.from({ length: 196 }, (_, index) => index + 1));
    expect(listDue(market, noonMs)).toEqual([]);
  });

  test("strikes stand around the nearest to the index (FEED-041)", () => {
    const product = productOf("BTC", "option");
    const strikes = strikesOf(product, e8(100_999)).map((strike) => strike / 1e8);
    expect(strikes).toEqual([
      90_000, 92_000, 94_000, 96_000, 98_000, 100_000, 102_000, 104_000, 106_000, 108_000, 110_000,
    ]);
    expect(strikesOf(product, e8(101_000))[5]).toBe(e8(102_000));
    expect(strikesOf(product, e8(3_000)).map((strike) => strike / 1e8)).toEqual([
      2_000, 4_000, 6_000, 8_000, 10_000, 12_000, 14_000,
    ]);
  });

  test("a day on, what expired is replaced by the next Friday and strikes follow the index (FEED-040, FEED-041)", () => {
    const market = listed();
    const atEight = Date.UTC(2025, 11, 26, 8);
    market.indexes[0]!.price = e8(104_000);
    for (const index of market.indexes) index.freshMs = atEight;
    expect(settlementDue(market, Date.UTC(2025, 11, 25, 8) - 1)).toBeUndefined();
    expect(settlementDue(market, atEight)).toBe(Date.UTC(2025, 11, 25, 8));
    const gone = expired(market, atEight);
    expect(gone.length).toBe(2 * 2 * (22 + 2));
    for (const { terms } of gone) delist(market, terms.instrument.id);
    closeDay(market, atEight);
    listDue(market, atEight);
    const names = [...market.listings.values()].map(({ terms }) => terms.instrument.name);
    expect(names).toContain("BTC-27DEC25");
    expect(names).toContain("BTC-28DEC25-114000-C");
    expect(names).toContain("BTC-2JAN26-114000-C");
    expect(names).toContain("BTC-2JAN26-90000-C");
    expect(names.filter((name) => name.startsWith("ETH-9JAN26-")).length).toBe(22);
    expect([...market.curves.values()].filter(({ index }) => index === 0).length).toBe(4);
    expect(Math.min(...market.listings.keys())).toBe(1);
    expect(new Set(names).size).toBe(names.length);
  });

  test("with a day of ten minutes names run ahead and stay unique (FEED-042)", () => {
    const calendar = { dayMs: 600_000, settlementOffsetMs: 0, averagingMs: 60_000 };
    const market = listed(genesisOf({ calendar }));
    const expiries = (): string[] =>
      [...market.listings.values()]
        .map(({ terms }) => terms.instrument)
        .filter(({ kind, name }) => kind === "future" && name.startsWith("BTC-"))
        .map(({ name }) => name);
    expect(expiries()[0]).toBe("BTC-25DEC25");
    const first = named(market, "BTC-25DEC25").terms.instrument;
    expect(first.expiryMs).toBe(noonMs + 600_000);
    const seen = new Set(expiries());
    for (let count = 1; count <= 20; count++) {
      const now = noonMs + count * 600_000;
      for (const { terms } of expired(market, now)) delist(market, terms.instrument.id);
      closeDay(market, now);
      for (const event of listDue(market, now)) {
        if (event.kind !== "instrumentListed" || event.instrument.kind !== "future") continue;
        if (!event.instrument.name.startsWith("BTC-")) continue;
        expect(seen.has(event.instrument.name)).toBe(false);
        seen.add(event.instrument.name);
      }
      expect(expiries().length).toBe(4);
    }
  });
});

describe("price messages", () => {
  test("the weighted median is the value at which half the stake is reached (FEED-003)", () => {
    const votes = (...pairs: [number, number][]) => pairs.map(([value, stake]) => ({ value, stake }));
    expect(weightedMedian(votes([5, 1], [1, 1], [3, 1]))).toBe(3);
    expect(weightedMedian(votes([4, 1], [1, 1], [3, 1], [2, 1]))).toBe(2);
    expect(weightedMedian(votes([10, 5], [1, 1], [2, 1], [3, 1]))).toBe(10);
    expect(weightedMedian(votes([10, 3], [1, 2], [2, 2]))).toBe(2);
  });

  test("less than half of the stake cannot move a price beyond the others (FEED-005)", () => {
    const honest = fc.array(
      fc.record({ value: fc.integer({ min: 90, max: 110 }), stake: fc.integer({ min: 1, max: 9 }) }),
      { minLength: 1 },
    );
    const property = fc.property(honest, fc.integer(), (votes, wild) => {
      const stake = votes.reduce((sum, one) => sum + one.stake, 0);
      const median = weightedMedian([...votes, { value: wild, stake: stake - 0.5 }]);
      expect(90 <= median && median <= 110).toBe(true);
    });
    fc.assert(property, { numRuns: 300 });
  });

  test("messages are taken in sequence and in time (FEED-001)", () => {
    const market = listed();
    const submit = (change: Message, now = noonMs) => submitPrices(market, 0, message(market, change), now);
    expect(submit({ sequence: 5 })).toBeUndefined();
    expect(submit({ sequence: 5 })).toBe("price-message-outdated");
    expect(submit({ sequence: 6, sourceMs: noonMs - 1 })).toBe("price-message-outdated");
    expect(submit({ sequence: 6, sourceMs: noonMs }, noonMs + 10_001)).toBe("price-message-outdated");
    expect(submit({ sequence: 6, sourceMs: noonMs + 2_251 })).toBe("price-message-invalid");
    expect(submit({ sequence: 6, sourceMs: noonMs + 2_250 })).toBeUndefined();
    expect(submitPrices(market, 4, message(market, {}), noonMs)).toBe("validator-unknown");
  });

  test("an unsound message is refused whole (FEED-002)", () => {
    const market = listed();
    const sound = message(market, { forward: 100_000 });
    const curve = sound.curves[0]!;
    const bad: readonly Partial<PricesBody>[] = [
      { indexes: [{ index: 2, price: e8(1) }] },
      { indexes: [{ index: 0, price: 0 as PriceE8 }] },
      { indexes: [{ index: 0, price: 4_500_000_000_000_001 as PriceE8 }] },
      { indexes: [...sound.indexes, ...sound.indexes] },
      { curves: [{ ...curve, forward: 0 as PriceE8 }] },
      { curves: [curve, curve] },
      { curves: [{ ...curve, volatilitiesPpm: [1, 2, 3, 4] }] },
      { curves: [{ ...curve, volatilitiesPpm: [1, 2, 3, 4, 0] }] },
      { curves: [{ ...curve, volatilitiesPpm: [1, 2, 3, 4, 50_000_001] }] },
    ];
    for (const change of bad) {
      expect(submitPrices(market, 0, { ...sound, ...change }, noonMs)).toBe("price-message-invalid");
    }
    expect(market.messaged).toBe(false);
    const unknown = { ...curve, expiryMs: (curve.expiryMs + 1) as TimeMs };
    expect(submitPrices(market, 0, { ...sound, curves: [unknown] }, noonMs)).toBeUndefined();
    expect(market.validators[0]!.curves.size).toBe(0);
  });

  test("a price moves only with more than two thirds of the stake (FEED-004)", () => {
    const market = listed(genesisOf({}, [10, 10, 10, 1]));
    const submit = (validator: number, btc: number) =>
      submitPrices(market, validator, message(market, { btc }), noonMs);
    submit(0, 101_000);
    submit(1, 102_000);
    // 20 of 31 is less than two thirds
    expect(agreePrices(market, noonMs)).toEqual([]);
    expect(market.indexes[0]!.price).toBe(e8(100_000));
    submit(3, 103_000);
    // 21 of 31 is more; the median by stake of 101 (10), 102 (10), 103 (1)
    expect(agreePrices(market, noonMs)).toEqual([{ kind: "index", index: 0, price: e8(102_000) }]);
    // The message of 0 is too old by now, which leaves 11 of 31.
    submitPrices(market, 3, message(market, { btc: 110_000, sourceMs: noonMs + 10_001 }), noonMs + 10_001);
    expect(agreePrices(market, noonMs + 10_001)).toEqual([]);
    expect(market.indexes[0]!.price).toBe(e8(102_000));
  });

  test("exactly two thirds of the stake are not enough (FEED-004)", () => {
    const market = listed(genesisOf({}, [1, 1, 1]));
    const submit = (validator: number) => submitPrices(market, validator, message(market, { btc: 101_000 }), noonMs);
    submit(0);
    submit(1);
    expect(agreePrices(market, noonMs)).toEqual([]);
    submit(2);
    expect(agreePrices(market, noonMs).length).toBe(1);
  });

  test("forward and volatilities are agreed one by one (FEED-003)", () => {
    const market = listed();
    const flat = (ppm: number) => Array.from({ length: 5 }, (_, node) => ppm + node);
    for (const [validator, ppm] of [500_000, 520_000, 900_000].entries()) {
      const body = message(market, { forward: 100_100 + validator, volatilities: flat(ppm) });
      expect(submitPrices(market, validator, body, noonMs)).toBeUndefined();
    }
    const curves = agreePrices(market, noonMs).filter(({ kind }) => kind === "curve");
    expect(curves.length).toBe(4);
    expect(curves[0]).toMatchObject({ forward: e8(100_101), volatilitiesPpm: flat(520_000) });
  });
});

/** Lets all validators say the same and moves the market on. */
function step(
  market: Market,
  afterMs: number,
  change: Message | undefined,
  best?: { bidTicks: number; askTicks: number },
) {
  const now = market.timeMs + afterMs;
  if (change !== undefined) {
    for (const validator of market.validators.keys()) {
      const refusal = submitPrices(market, validator, message(market, { sourceMs: now, ...change }), now);
      expect(refusal).toBeUndefined();
    }
  }
  return advanceMarket(market, now, (id) => (id === 1 ? best : undefined));
}

describe("staleness", () => {
  test("perpetuals are open from genesis; what expires opens with its first curve (FEED-011)", () => {
    const market = listed();
    expect(named(market, "BTC-PERPETUAL").state).toBe("open");
    expect(named(market, "BTC-25DEC25").state).toBe("locked");
    step(market, 1_000, { btc: 100_000 });
    expect(named(market, "BTC-25DEC25").state).toBe("locked");
    const events = step(market, 1_000, { forward: 100_050 });
    expect(named(market, "BTC-25DEC25")).toMatchObject({ state: "open", markPrice: e8(100_050) });
    expect(named(market, "BTC-25DEC25-100000-C").state).toBe("open");
    expect(named(market, "BTC-25DEC25-100000-C").markPrice).toBeGreaterThan(0);
    expect(named(market, "ETH-25DEC25").state).toBe("locked");
    expect(events).toContainEqual({
      kind: "instrumentState",
      instrument: named(market, "BTC-25DEC25").terms.instrument.id,
      state: "open",
    });
  });

  test("instruments lock when their prices are stale, keep their marks, and open again by themselves (FEED-010)", () => {
    const market = listed();
    step(market, 1_000, { btc: 101_000, forward: 101_000 });
    step(market, 29_000, { btc: 102_000 });
    expect(named(market, "BTC-PERPETUAL")).toMatchObject({ state: "open", markPrice: e8(102_000) });
    // ETH has had no prices since genesis, the curves none for 30 s and a millisecond.
    const events = step(market, 1_001, undefined);
    expect(named(market, "ETH-PERPETUAL")).toMatchObject({ state: "locked", markPrice: e8(4_000) });
    expect(named(market, "BTC-25DEC25")).toMatchObject({ state: "locked" });
    expect(named(market, "BTC-PERPETUAL").state).toBe("open");
    expect(events.filter(({ kind }) => kind === "instrumentState").length).toBe(2 + 88 + 8);
    step(market, 1_000, { btc: 102_000, forward: 102_500 });
    expect(named(market, "BTC-25DEC25")).toMatchObject({ state: "open", markPrice: e8(102_500) });
    // A book cannot move the mark of an instrument that is locked.
    const silence = step(market, 30_001, undefined, { bidTicks: 205_000, askTicks: 205_001 });
    expect(named(market, "BTC-PERPETUAL")).toMatchObject({ state: "locked", markPrice: e8(102_000), premiumE11: 0n });
    expect(silence.filter(({ kind }) => kind === "mark")).toEqual([]);
  });
});

describe("marks", () => {
  const terms = makeTerms(productOf("BTC", "perpetual"));

  test("the premium is an exponential mean of the mid less the base, by hand (FEED-020)", () => {
    const best = { bidTicks: 200_100, askTicks: 200_300 };
    // mid 100,100: sample +100 dollars; after 10 s of 30 s a quarter of it: 25 dollars
    const sample = { terms, basePrice: e8(100_000), best, durationMs: 10_000 };
    const premium = premiumAfter(0n, sample);
    expect(premium).toBe(25n * 100_000_000_000n);
    expect(futureMark(terms, e8(100_000), premium)).toBe(e8(100_025));
    // the next second: 25 + 75 · 1/31 = 27.419...
    const next = premiumAfter(premium, { ...sample, durationMs: 1_000 });
    expect(futureMark(terms, e8(100_000), next)).toBe(e8(100_027.4));
  });

  test("a sample is clamped to half a percent, and an empty side samples nothing (FEED-020)", () => {
    const far = { bidTicks: 210_000, askTicks: 210_001 };
    const sample = { terms, basePrice: e8(100_000), best: far, durationMs: 30_000 };
    expect(premiumAfter(0n, sample)).toBe(250n * 100_000_000_000n);
    expect(premiumAfter(0n, { ...sample, best: { bidTicks: 1, askTicks: 2 } })).toBe(-250n * 100_000_000_000n);
    expect(premiumAfter(1_000n, { ...sample, best: undefined })).toBe(500n);
  });

  test("a mark never reaches zero and is a multiple of a tenth of a tick (FEED-020)", () => {
    expect(futureMark(terms, 1, 0n)).toBe(e8(0.05));
    expect(futureMark(terms, e8(99_999.97), 0n)).toBe(e8(99_999.95));
  });

  test("options are marked by Black-76 over the forward, put and call at parity (FEED-021)", () => {
    const expiryMs = noonMs + 30 * dayMs;
    const inputs = (now: number, unsettledPart = 1) => ({
      forward: e8(100_000),
      volatilitiesPpm: [500_000, 500_000, 500_000, 500_000, 500_000],
      remainingMs: expiryMs - now,
      unsettledPart,
    });
    const product = productOf("BTC", "option");
    const call = makeTerms(product, 1, { strike: 100_000, type: "call" });
    // sigma sqrt(T) = 0.5 sqrt(30/365) = 0.143346; 2 N(0.071673) − 1 = 0.057138 of the forward
    expect(optionMark(call, inputs(noonMs))).toEqual({ markPrice: 5_713_800, volatilityPpm: 500_000 });
    const [high, low] = [
      makeTerms(product, 2, { strike: 110_000, type: "call" }),
      makeTerms(product, 3, { strike: 110_000, type: "put" }),
    ];
    const parity = optionMark(high, inputs(noonMs)).markPrice - optionMark(low, inputs(noonMs)).markPrice;
    expect(Math.abs(parity - e8(-0.1 + 0.2) + e8(0.2))).toBeLessThanOrEqual(100);
    // at expiry a put 10,000 in the money is worth 0.1 coin, a worthless call the least mark there is
    expect(optionMark(low, inputs(expiryMs, 0)).markPrice).toBe(e8(0.1));
    expect(optionMark(high, inputs(expiryMs + 1, 0)).markPrice).toBe(100);
  });

  test("option marks move at most once a second, and only with their curve (FEED-022)", () => {
    const market = listed();
    const marks = (events: ReturnType<typeof step>) =>
      events.filter((event) => event.kind === "mark" && market.listings.get(event.instrument)!.terms.isOption).length;
    expect(marks(step(market, 1_000, { forward: 100_000 }))).toBe(88);
    expect(marks(step(market, 300, { forward: 101_000 }))).toBe(0);
    expect(marks(step(market, 300, { forward: 102_000 }))).toBe(0);
    expect(marks(step(market, 400, undefined))).toBe(88);
    expect(named(market, "BTC-25DEC25-100000-C").underlyingPrice).toBe(e8(102_000));
    expect(marks(step(market, 1_000, { forward: 102_000 }))).toBe(0);
    expect(marks(step(market, 5_000, undefined))).toBe(0);
  });

  test("a trade's price implies the volatility it was marked with (FEED-021)", () => {
    const market = listed();
    step(market, 1_000, { forward: 100_000, volatilities: [500_000, 500_000, 500_000, 500_000, 500_000] });
    const listing = named(market, "BTC-9JAN26-100000-C");
    const implied = tradeVolatilityPpm(market, listing, Math.round(listing.markPrice / 10_000));
    expect(Math.abs(implied - 500_000)).toBeLessThan(1_000);
    expect(tradeVolatilityPpm(market, named(market, "BTC-PERPETUAL"), 200_000)).toBe(0);
    expect(tradeVolatilityPpm(market, named(market, "BTC-9JAN26-90000-C"), 1)).toBe(0);
  });
});

describe("bands", () => {
  test("a future trades around its mark, rounded inwards (FEED-030)", () => {
    const listing = makeListing(makeTerms(productOf("BTC", "perpetual")), "open", undefined);
    listing.markPrice = e8(100_000.35);
    // 98,500.34475 to 101,500.35525 dollars
    expect(bandOf(listing)).toEqual({ minTicks: 197_001, maxTicks: 203_000 });
  });

  test("an option trades within 4 % of a coin around its mark, at least a tick, on the wider grid (FEED-030)", () => {
    const terms = makeTerms(productOf("BTC", "option"), 1, { strike: 100_000, type: "call" });
    const listing = makeListing(terms, "open", undefined);
    listing.indexPrice = e8(100_000);
    listing.markPrice = e8(0.01);
    expect(bandOf(listing)).toEqual({ minTicks: 1, maxTicks: 500 });
    listing.markPrice = e8(0.0512);
    expect(bandOf(listing)).toEqual({ minTicks: 115, maxTicks: 910 });
  });
});

describe("averaging", () => {
  const patient = genesisOf({ prices: { ageMsMax: 10_000, staleMsMax: dayMs } });

  test("each interval counts with the index that held over it, inside the window (SETTLE-040)", () => {
    const market = listed(patient);
    const endMs = Date.UTC(2025, 11, 25, 8);
    const at = (beforeEndMs: number, price: number) => {
      extendAverages(market, endMs - beforeEndMs);
      market.timeMs = endMs - beforeEndMs;
      market.indexes[0]!.price = e8(price);
    };
    at(2_000_000, 90_000);
    // 1,800,000 ms before the end the window begins; 90,000 holds for its first 800,000
    at(1_000_000, 100_000);
    at(100_000, 120_000);
    at(-50_000, 50_000);
    // (800 · 90,000 + 900 · 100,000 + 100 · 120,000) / 1,800 = 96,666.666...
    expect(deliveryPriceOf(market, 0, endMs)).toBe(Math.floor(96_666.666666666666e8));
    expect(deliveryPriceOf(market, 0, endMs + dayMs)).toBe(e8(50_000));
  });

  test("marks run into the delivery: what is fixed is mixed with the forward by time (FEED-023)", () => {
    const market = listed(patient);
    const endMs = Date.UTC(2025, 11, 25, 8);
    market.timeMs = endMs - 3_000_000;
    const [future, call] = [named(market, "BTC-25DEC25"), named(market, "BTC-25DEC25-90000-C")];
    step(market, 1_000_000, { btc: 95_000, forward: 98_750 });
    expect(future.markPrice).toBe(e8(98_750));
    // Ten minutes into the window, twenty to go; ten minutes of 95,000 are fixed: (10 · 95,000 + 20 · 98,750)/30 = 97,500
    step(market, 800_000, { btc: 95_000, forward: 98_750 });
    expect(future.markPrice).toBe(e8(97_500));
    expect([call.underlyingPrice, call.volatilityPpm]).toEqual([e8(97_500), 700_000]);
    // A call that deep has no time value: 7,500/97,500, to a millionth
    expect(call.markPrice).toBe(Math.round((7_500 / 97_500) * 1e6) * 100);
    // With nothing said for twenty seconds the clock alone moves the mark: (620 · 95,000 + 1,180 · 98,750)/1,800 =
    // 97,458.333..., down to a tenth of a tick.
    step(market, 20_000, undefined);
    expect([future.markPrice, call.underlyingPrice]).toEqual([e8(97_458.25), Math.floor(97_458.333333333333e8)]);
    // A second before the end it is all but the delivery price, whatever the forward: 3.75 dollars · 1/1,800 above.
    step(market, 1_179_000, { btc: 97_000, forward: 98_750 });
    expect([future.state, future.markPrice]).toEqual(["open", e8(95_002)]);
    step(market, 1_000, { btc: 97_000, forward: 98_750 });
    expect(future.state).toBe("settlement");
    expect(deliveryPriceOf(market, 0, endMs)).toBe(Math.floor(((1_799 * 95_000 + 97_000) / 1_800) * 1e8));
  });

  test("what nobody stood behind does not count, and settlement waits for prices (SETTLE-040, SETTLE-044)", () => {
    const market = listed();
    const endMs = Date.UTC(2025, 11, 25, 8);
    market.timeMs = endMs - 1_900_000;
    step(market, 200_000, { btc: 90_000, forward: 90_000 });
    // The chain stands still for two days. Of the window, only thirty seconds after the last message count.
    const later = 2 * dayMs;
    step(market, later, undefined);
    expect(market.indexes[0]).toMatchObject({ averageMs: 30_000, averageSum: 90_000n * 100_000_000n * 30_000n });
    expect([settlementDue(market, market.timeMs), named(market, "BTC-25DEC25").state]).toEqual([
      undefined,
      "settlement",
    ]);
    // One index is not enough.
    step(market, 1_000, { btc: 80_000, forward: 80_000 });
    expect(settlementDue(market, market.timeMs)).toBeUndefined();
    market.indexes[1]!.freshMs = market.timeMs;
    expect(settlementDue(market, market.timeMs)).toBe(endMs);
    expect(deliveryPriceOf(market, 0, endMs)).toBe(e8(90_000));
    expect(deliveryPriceOf(market, 0, endMs + dayMs)).toBe(e8(80_000));
  });

  test("without a block in the window the index stands in (SETTLE-040)", () => {
    const market = listed();
    expect(deliveryPriceOf(market, 0, Date.UTC(2025, 11, 25, 8))).toBe(e8(100_000));
  });
});

test("a market that rests between prices goes the way of one that looks at every listing in every block", () => {
  const { averagingMs } = listed().calendar;
  /** How far time moves, or to just before what; and what the validators say then. Blocks that bring nothing follow. */
  const stepsOf = fc.array(
    fc.record({
      to: fc.constantFrom(7, 130, 1_100, 31_000, dayMs, "index-stale", "curve-stale", "window", "expiry"),
      btc: fc.option(fc.integer({ min: 99_000, max: 101_000 }), { nil: undefined }),
      hasForward: fc.boolean(),
      quietCount: fc.integer({ min: 1, max: 8 }),
    }),
    { minLength: 1, maxLength: 20 },
  );
  const durationTo = (market: Market, to: number | string): number => {
    if (typeof to === "number") return to;
    const endMs = settlementOfDay(market.calendar, market.settledDay + 1);
    const freshMs = to === "index-stale" ? market.indexes[0]!.freshMs : [...market.curves.values()][0]!.freshMs;
    const atMs = to === "window" ? endMs - averagingMs : to === "expiry" ? endMs : freshMs + 30_000;
    return Math.max(7, atMs - market.timeMs - 20);
  };
  const seen = ({ listings, touched }: Market) => [
    [...touched].sort(),
    ...[...listings.values()].map((one) => [
      one.state,
      one.markPrice,
      one.indexPrice,
      one.underlyingPrice,
      one.version,
    ]),
  ];
  let restsCount = 0;
  const advanceBoth = (resting: Market, looking: Market, durationMs: number): void => {
    const at = resting.timeMs + durationMs;
    restsCount += resting.rest === undefined ? 0 : 1;
    looking.rest = undefined;
    for (const market of [resting, looking]) market.touched.clear();
    const events = advanceMarket(resting, at, () => undefined);
    expect(events).toEqual(advanceMarket(looking, at, () => undefined));
    for (const market of [resting, looking]) {
      if (settlementDue(market, at) === undefined) continue;
      for (const { terms } of expired(market, at)) delist(market, terms.instrument.id);
      closeDay(market, at);
      listDue(market, at);
    }
    expect(seen(resting)).toEqual(seen(looking));
  };
  fc.assert(
    fc.property(stepsOf, (steps) => {
      const [resting, looking] = [listed(), listed()];
      for (const { to, btc, hasForward, quietCount } of steps) {
        const durationMs = durationTo(resting, to);
        for (const market of [resting, looking]) {
          if (btc === undefined) break;
          const sourceMs = market.timeMs + durationMs;
          const body = message(market, { btc, sourceMs, ...(hasForward && { forward: btc }) });
          for (let validator = 0; validator < 4; validator++) submitPrices(market, validator, body, sourceMs);
        }
        advanceBoth(resting, looking, durationMs);
        for (let quiet = 0; quiet < quietCount; quiet++) advanceBoth(resting, looking, 5);
      }
    }),
    { numRuns: 60 },
  );
  expect(restsCount).toBeGreaterThan(500);
});

test("a market restored from its records gives the same records", () => {
  const market = listed();
  step(market, 1_000, { forward: 100_000 }, { bidTicks: 200_010, askTicks: 200_030 });
  step(market, 200, { forward: 100_500, btc: 100_400 }, { bidTicks: 200_010, askTicks: 200_030 });
  const names = marketRecordNames(market);
  const records = names.map((name) => encodeMarketRecord(market, name)!.slice());
  const restored = restoreMarket(market.genesis, records)!;
  expect(marketRecordNames(restored)).toEqual(names);
  expect(names.map((name) => encodeMarketRecord(restored, name)?.slice())).toEqual(records);
  expect(new Set(names.map((name) => marketKeyOfName(name).join())).size).toBe(names.length);
  expect(restoreMarket(market.genesis, [records[0]!.subarray(1)])).toBeUndefined();
  // and goes on alike: the curve that waits for its second is marked in both
  const [one, other] = [
    advanceMarket(market, market.timeMs + 900, () => undefined),
    advanceMarket(restored, restored.timeMs + 900, () => undefined),
  ];
  expect(other).toEqual(one);
  expect(one.length).toBeGreaterThan(80);
});

test("units of the fixture", () => {
  expect([priceE8(1), lots(-1)]).toEqual([1, -1]);
});
