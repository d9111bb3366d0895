/** A fitted chain on a terminal: a line per expiry, the checks for arbitrage, and the quotes that lie farthest from the fit. */
import type { ChainFit, FittedExpiry, FittedQuote } from "./chain-fit.ts";
import { percent, shown, textTable } from "./text-table.ts";
import { minuteOf } from "./time.ts";

const worstCount = 10;

export function chainText({ chain, expiries, left, index }: ChainFit): string {
  const quotes = expiries.reduce((count, expiry) => count + expiry.quotes.length, 0);
  const head = `${chain.underlying} options, ${quotes} quotes of ${expiries.length} expiries, ${minuteOf(chain.timeMs)}, from ${chain.source}`;
  const notes = [
    ...(typeof index === "number" ? [`30-day volatility index ${percent(index)}`] : []),
    ...left.map(({ name, reason }) => `${name} is not in the surface: ${reason}`),
    ...(chain.expiredCount === 0 ? [] : [`${chain.expiredCount} quotes have expired and are left out`]),
  ];
  return [head, "", expiryTable(expiries), "", arbitrageText(expiries), ...notes, "", worstText(expiries)].join("\n");
}

function expiryTable(expiries: readonly FittedExpiry[]): string {
  const rows = expiries.map((expiry) => {
    const { name, years, slice, fit, quotedCount, insideCount, atTheMoney, markDifference } = expiry;
    const { riskReversal, butterflySpread } = expiry;
    return [
      name,
      (365 * years).toFixed(1),
      shown(slice.forward, 8),
      String(fit.tally?.twoSided ?? 0),
      fit.model,
      percent(atTheMoney),
      percent(riskReversal),
      percent(butterflySpread),
      quotedCount === 0 ? "" : percent(insideCount / quotedCount, 0),
      percent(markDifference),
    ];
  });
  const head = [
    "expiry",
    "days",
    "forward",
    "two-sided",
    "model",
    "at the money",
    "25d RR",
    "25d BF",
    "inside",
    "rms to mark",
  ];
  return textTable(head, rows);
}

/** What the checks found on the fitted surface; they hold at all strikes, not at those of the quotes alone. */
export function arbitrageText(expiries: readonly FittedExpiry[]): string {
  const butterflies = expiries.filter(({ butterfly }) => butterfly !== undefined);
  const calendars = expiries.filter(({ calendarRise }) => calendarRise !== undefined && calendarRise < 0);
  const found = [
    ...butterflies.map(({ name, butterfly }) => `${name}: ${butterfly}`),
    ...calendars.map(({ name }) => `${name}: total variance below that of the expiry before`),
  ];
  if (0 < found.length) return `arbitrage in the fitted surface: ${found.join("; ")}`;
  const pairs = Math.max(0, expiries.length - 1);
  return `no arbitrage in the fitted surface: no butterfly in ${expiries.length} expiries, no calendar spread in ${pairs} pairs of neighbours`;
}

function worstText(expiries: readonly FittedExpiry[]): string {
  const misses = expiries
    .flatMap((expiry) => expiry.quotes.map((quote) => ({ quote, miss: missOf(quote) })))
    .filter(({ miss }) => 0 < miss)
    .sort((a, b) => b.miss - a.miss)
    .slice(0, worstCount);
  if (misses.length === 0) return "the fit lies within every bid and ask";
  const rows = misses.map(({ quote, miss }) => [
    quote.instrument,
    percent(quote.bidVolatility),
    percent(quote.askVolatility),
    percent(quote.fitVolatility),
    shown(quote.bid),
    shown(quote.ask),
    shown(quote.fitPrice, 5),
    percent(miss),
  ]);
  const head = ["farthest outside bid and ask", "bid vol", "ask vol", "fit vol", "bid", "ask", "fit", "by"];
  return textTable(head, rows);
}

/** By how much volatility the fit lies outside bid and ask; 0 inside. */
export function missOf({ bidVolatility, askVolatility, fitVolatility, inside }: FittedQuote): number {
  if (inside !== false) return 0;
  const below = bidVolatility === undefined ? 0 : bidVolatility - fitVolatility;
  const above = askVolatility === undefined ? 0 : fitVolatility - askVolatility;
  return Math.max(0, below, above);
}

/** Everything, for programs. */
export function chainObject({ chain, expiries, left, index }: ChainFit) {
  return {
    underlying: chain.underlying,
    unit: chain.unit,
    time: new Date(chain.timeMs).toISOString(),
    source: chain.source,
    volatilityIndex: index,
    expiries: expiries.map(({ name, years, slice, fit, quotes, ...rest }) => ({
      name,
      years,
      forward: slice.forward,
      discount: slice.discount,
      svi: slice.svi,
      model: fit.model,
      ...rest,
      quotes,
    })),
    notInSurface: left,
    expiredCount: chain.expiredCount,
  };
}
