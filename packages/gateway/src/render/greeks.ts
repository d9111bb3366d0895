/** Option sensitivities and implied volatilities for display, from the exchange's mark volatility and forward. */
import { black76 } from "@stoa/pricing/black76";
import { impliedVolatility } from "@stoa/pricing/implied-volatility";
import type { InstrumentView } from "@stoa/protocol/view";
import { rounded } from "../decimal.ts";
import type { Listing } from "../catalog.ts";

export interface Greeks {
  readonly delta: number;
  readonly gamma: number;
  readonly vega: number;
  readonly theta: number;
  readonly rho: number;
}

const yearMs = 365 * 86_400_000;
const zeroGreeks: Greeks = { delta: 0, gamma: 0, vega: 0, theta: 0, rho: 0 };

function termsOf(listing: Listing, view: InstrumentView, timeMs: number) {
  const { instrument } = listing;
  const years = Math.max(0, (instrument.expiryMs ?? timeMs) - timeMs) / yearMs;
  return {
    type: instrument.optionType ?? "call",
    forward: view.underlyingPrice / 1e8,
    strike: (instrument.strike ?? 0) / 1e8,
    years,
  } as const;
}

/** Delta and gamma per coin, vega per volatility point, theta per day, rho per percent: dollars of one coin's option. */
export function greeksOf(listing: Listing, view: InstrumentView, timeMs: number): Greeks {
  const terms = termsOf(listing, view, timeMs);
  if (!(0 < terms.forward && 0 < terms.strike)) return zeroGreeks;
  const values = black76({ ...terms, volatility: view.volatilityPpm / 1e6 });
  return {
    delta: rounded(values.delta, 5),
    gamma: rounded(values.gamma, 7),
    vega: rounded(values.vega / 100, 5),
    theta: rounded(values.theta / 365, 5),
    rho: rounded(values.rho / 100, 5),
  };
}

/** Implied volatility of a premium in percent; 0 when there is no price or none explains it. */
export function impliedPercent(listing: Listing, view: InstrumentView, timeMs: number, price: number): number {
  const terms = termsOf(listing, view, timeMs);
  if (!(0 < price && 0 < terms.forward && 0 < terms.strike)) return 0;
  const dollars = listing.instrument.inverse ? price * terms.forward : price;
  const volatility = impliedVolatility({ ...terms, price: dollars });
  return typeof volatility === "number" ? rounded(volatility * 100, 2) : 0;
}
