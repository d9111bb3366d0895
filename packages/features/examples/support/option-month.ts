/**
 * A month of a chain of options whose true volatilities are known: a calm market, a fall of the forward on the 13th with a jump of
 * short volatilities and of the skew, and a slow return. On the 21st nobody renews the calls. Prices in coin; all made, always the same.
 */
import { appendEvent, blankEvent, EventFlag, EventKind, makeEventBatch, Side, ValueField } from "@stoa/features/event";
import type { EventBatch, MarketEvent } from "@stoa/features/event";
import { parseScale, type Instrument } from "@stoa/features/instrument";
import type { EventSource } from "@stoa/features/io/source";
import { black76Price } from "@stoa/pricing/black76";

const dayNs = 86_400_000_000_000;
const originNs = 1_767_225_600_000_000_000n;
const tick = 0.0001;
const [fallDay, staleDay, days] = [12, 20, 30];
/** Days after the origin at which the expiries are over. */
const expiryDays = [10, 24, 38, 66, 101];
const strikes = Array.from({ length: 23 }, (_, index) => 45_000 + 5_000 * index);

/** How much of the shock is left: 0 before it, 1 on its day, a tenth less with each day. */
const shock = (day: number): number => (Math.floor(day) < fallDay ? 0 : 0.9 ** (Math.floor(day) - fallDay));

export const yearsOf = (days: number): number => days / 365;

/** The forward for an expiry so many years away. */
export const trueForward = (day: number, years: number): number =>
  (100_000 + 1_500 * Math.sin(Math.floor(day)) - 9_000 * shock(day)) * (1 + 0.05 * years);

/** The volatility where the strike is the forward: 45 points nearby in calm, 85 in the shock, 55 far away. */
export const trueAtTheMoney = (day: number, years: number): number =>
  0.55 + (0.4 * shock(day) - 0.1) * Math.exp(-4 * years);

export function trueVolatility(day: number, years: number, logMoneyness: number): number {
  const moneyness = logMoneyness / Math.sqrt(years);
  return trueAtTheMoney(day, years) - (0.02 + 0.08 * shock(day)) * moneyness + 0.05 * moneyness ** 2;
}

/** The volatility of the strike at which N(d1) is a quarter (d1 = -0.6745) or three quarters. */
export function trueVolatilityAt(day: number, years: number, d1: number): number {
  let volatility = trueAtTheMoney(day, years);
  for (let round = 0; round < 50; round++) {
    const deviation = volatility * Math.sqrt(years);
    volatility = trueVolatility(day, years, deviation * (deviation / 2 - d1));
  }
  return volatility;
}

/** Days to the second expiry that is not over. */
export const secondExpiry = (day: number): number =>
  expiryDays.filter((expiry) => expiry + 8 / 24 > day)[1]! + 8 / 24 - day;

const instruments = expiryDays.flatMap((day) =>
  strikes.flatMap((strike) =>
    (["call", "put"] as const).map((type): Instrument => {
      const expiryNs = originNs + BigInt(Math.round((day + 8 / 24) * dayNs));
      return {
        name: `X-${day}-${strike}-${type}`,
        kind: "option",
        tick: parseScale("0.0001"),
        lot: parseScale("0.1"),
        multiplier: 1,
        option: { type, strike, expiryNs, unit: "coin" },
      };
    }),
  ),
);

export function optionMonth(): EventSource {
  const progress = { bytesRead: 0, bytesTotal: 0, eventsCount: 0, gapsCount: 0, skippedCount: 0 };
  return {
    instruments,
    originNs,
    progress,
    async *batches(): AsyncGenerator<EventBatch> {
      for (let day = 0; day < days; day++) {
        const batch = quotesOf(day);
        progress.eventsCount += batch.count;
        yield batch;
      }
    },
  };
}

/** Five minutes before midnight every option that is alive is quoted anew, one point of volatility on both sides of the truth; then the day is over. */
function quotesOf(day: number): EventBatch {
  const batch = makeEventBatch(5 * instruments.length + 1);
  const timeNs = (day + 1) * dayNs - 300e9;
  const tell = (event: Partial<MarketEvent>): void => void appendEvent(batch, { ...blankEvent(), timeNs, ...event });
  for (const [instrument, { option }] of instruments.entries()) {
    const { type, strike, expiryNs } = option!;
    const years = yearsOf((Number(expiryNs - originNs) - timeNs) / dayNs);
    if (years <= 0) continue;
    const forward = trueForward(day, years);
    const truth = trueVolatility(day, years, Math.log(strike / forward));
    const ticksAt = (volatility: number): number =>
      black76Price({ type, forward, strike, years, volatility }) / forward / tick;
    const value = { kind: EventKind.value, instrument, flags: EventFlag.last };
    tell({ ...value, id: ValueField.underlyingPrice, size: forward });
    if (day === 0)
      tell({ ...value, id: ValueField.openInterest, size: (type === "call") === strike > 100_000 ? 100 : 20 });
    if (day === staleDay && type === "call") continue;
    const level = { kind: EventKind.level, instrument, size: 10 };
    const bid = Math.floor(ticksAt(truth - 0.01));
    tell({ kind: EventKind.clear, instrument });
    if (bid > 0) tell({ ...level, side: Side.bid, price: bid });
    tell({
      ...level,
      side: Side.ask,
      price: Math.max(bid + 1, Math.ceil(ticksAt(truth + 0.01))),
      flags: EventFlag.last,
    });
  }
  tell({ kind: EventKind.time, timeNs: (day + 1) * dayNs });
  return batch;
}
