/**
 * What `stoa price` finds out about a chain: the fitted surface, every quote beside it, and the checks for arbitrage. All
 * numbers are the pricing library's; the text, the JSON and the page are made of this.
 */
import { black76 } from "@stoa/pricing/black76";
import { impliedVolatility } from "@stoa/pricing/implied-volatility";
import { sviRefusal } from "@stoa/pricing/surface/butterfly-check";
import { calendarGap } from "@stoa/pricing/surface/calendar-check";
import { butterfly, riskReversal, termStructure, volatilityAtDelta } from "@stoa/pricing/surface/delta";
import { fitSurface, type ExpiryFit } from "@stoa/pricing/surface/fit-surface";
import { surfaceVolatility, type Surface, type SurfaceSlice } from "@stoa/pricing/surface/surface";
import { volatilityIndex } from "@stoa/pricing/surface/volatility-index";
import { Failure } from "../failure.ts";
import type { Chain, ChainExpiry, ChainQuote } from "./chain.ts";

export interface FittedQuote extends ChainQuote {
  /** ln(strike / forward). */
  readonly moneyness: number;
  /** Volatilities that explain the bid and the ask; absent where there is none. */
  readonly bidVolatility: number | undefined;
  readonly askVolatility: number | undefined;
  readonly fitVolatility: number;
  /** In the unit of the chain. */
  readonly fitPrice: number;
  readonly fitDelta: number;
  /** Whether the fitted price lies within the sides that are quoted; undefined when neither is. */
  readonly inside: boolean | undefined;
}

export interface FittedExpiry {
  readonly name: string;
  readonly years: number;
  readonly slice: SurfaceSlice;
  readonly fit: ExpiryFit;
  readonly quotes: readonly FittedQuote[];
  readonly atTheMoney: number;
  /** At the money, over the time since the expiry before (since now for the first). */
  readonly forwardVolatility: number;
  /** Call less put, and their mean less at the money, both at a forward delta of 25 %; absent where the fit does not reach it. */
  readonly riskReversal: number | undefined;
  readonly butterflySpread: number | undefined;
  /** Volatilities at the deltas of `deltaPillars`. */
  readonly pillars: readonly (number | undefined)[];
  /** Of the quotes with a bid or an ask, how many have the fitted price within them. */
  readonly insideCount: number;
  readonly quotedCount: number;
  /** Root mean square of fitted less mark volatility, where the venue has one. */
  readonly markDifference: number | undefined;
  /** What the slice violates, if anything, for butterflies; and the least rise of total variance from the expiry before. */
  readonly butterfly: string | undefined;
  readonly calendarRise: number | undefined;
}

/** The columns of a volatility table as dealers quote it; undefined is at the money, the strike at the forward. */
export const deltaPillars = [
  { name: "5 P", type: "put", delta: 0.05 },
  { name: "10 P", type: "put", delta: 0.1 },
  { name: "25 P", type: "put", delta: 0.25 },
  { name: "ATM", type: "call", delta: undefined },
  { name: "25 C", type: "call", delta: 0.25 },
  { name: "10 C", type: "call", delta: 0.1 },
  { name: "5 C", type: "call", delta: 0.05 },
] as const;

export interface ChainFit {
  readonly chain: Chain;
  readonly surface: Surface;
  /** The fair volatility of the next 30 days from the quotes themselves, or why there is none. */
  readonly index: number | string;
  readonly expiries: readonly FittedExpiry[];
  /** Expiries that are not in the surface, and why. */
  readonly left: readonly { readonly name: string; readonly reason: string }[];
}

export function fitChain(chain: Chain): ChainFit {
  if (chain.expiries.length === 0)
    throw new Failure(
      `${chain.source}: every option has expired: say the moment of the quotes with --at 2026-01-02T09:18Z`,
    );
  const quotes = chain.expiries.map(({ years, forward, quotes }) => ({ years, forward, quotes }));
  const answer = fitSurface(quotes, { unit: chain.unit });
  if ("refusal" in answer) {
    const reasons = new Set(answer.expiries.map(({ model }) => model));
    const inCoin = chain.unit === "coin" && reasons.has("no-volatility");
    const hint = inCoin ? "; its prices were read as coin: --unit currency reads them in that of the strikes" : "";
    throw new Failure(`${chain.source}: no expiry can be fitted: ${[...reasons].join(", ")}${hint}`);
  }
  const { surface } = answer;
  const slices = new Map(surface.slices.map((slice) => [slice.years, slice]));
  const expiries: FittedExpiry[] = [];
  const left: { name: string; reason: string }[] = [];
  for (const [index, expiry] of chain.expiries.entries()) {
    const fit = answer.expiries[index]!;
    const slice = slices.get(expiry.years);
    if (slice === undefined) left.push({ name: expiry.name, reason: fit.model });
    else expiries.push(fittedExpiry(chain, expiry, { fit, slice, surface, before: expiries.at(-1)?.slice }));
  }
  const index = volatilityIndex(quotes, { unit: chain.unit });
  return { chain, surface, index: typeof index === "string" ? index : index.volatility, expiries, left };
}

interface Parts {
  readonly fit: ExpiryFit;
  readonly slice: SurfaceSlice;
  readonly surface: Surface;
  readonly before: SurfaceSlice | undefined;
}

function fittedExpiry(chain: Chain, expiry: ChainExpiry, { fit, slice, surface, before }: Parts): FittedExpiry {
  const quotes = expiry.quotes.map((quote) => fittedQuote(chain, quote, slice, surface));
  const judged = quotes.filter(({ inside }) => inside !== undefined);
  const differences = quotes.flatMap(({ markVolatility, fitVolatility }) =>
    markVolatility === undefined ? [] : [fitVolatility - markVolatility],
  );
  return {
    name: expiry.name,
    years: expiry.years,
    slice,
    fit,
    quotes,
    atTheMoney: surfaceVolatility(surface, slice.forward, slice.years),
    ...smileNumbers(surface, slice),
    insideCount: judged.filter(({ inside }) => inside).length,
    quotedCount: judged.length,
    markDifference: differences.length === 0 ? undefined : Math.sqrt(mean(differences.map((one) => one * one))),
    butterfly: sviRefusal(slice.svi),
    calendarRise: before === undefined ? undefined : calendarGap(before.svi, slice.svi).gap,
  };
}

function smileNumbers(surface: Surface, { years, forward }: SurfaceSlice) {
  const known = (value: number | string): number | undefined => (typeof value === "string" ? undefined : value);
  const place = surface.slices.findIndex((slice) => slice.years === years);
  return {
    forwardVolatility: termStructure(surface)[place]!.forwardVolatility,
    riskReversal: known(riskReversal(surface, { delta: 0.25, years })),
    butterflySpread: known(butterfly(surface, { delta: 0.25, years, money: "forward" })),
    pillars: deltaPillars.map(({ type, delta }) =>
      delta === undefined
        ? surfaceVolatility(surface, forward, years)
        : known(volatilityAtDelta(surface, { type, delta, years })),
    ),
  };
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

function fittedQuote(chain: Chain, quote: ChainQuote, slice: SurfaceSlice, surface: Surface): FittedQuote {
  const { type, strike, bid, ask } = quote;
  const { forward, discount, years } = slice;
  const toCurrency = chain.unit === "coin" ? forward : 1;
  const volatilityOf = (price: number | undefined): number | undefined => {
    if (price === undefined) return undefined;
    const found = impliedVolatility({ type, forward, strike, years, discount, price: price * toCurrency });
    return typeof found === "number" ? found : undefined;
  };
  const fitVolatility = surfaceVolatility(surface, strike, years);
  const fitted = black76({ type, forward, strike, years, volatility: fitVolatility, discount });
  const fitPrice = fitted.price / toCurrency;
  const quoted = bid !== undefined || ask !== undefined;
  return {
    ...quote,
    moneyness: Math.log(strike / forward),
    bidVolatility: volatilityOf(bid),
    askVolatility: volatilityOf(ask),
    fitVolatility,
    fitPrice,
    fitDelta: fitted.delta,
    inside: quoted ? (bid ?? 0) <= fitPrice && fitPrice <= (ask ?? Infinity) : undefined,
  };
}
