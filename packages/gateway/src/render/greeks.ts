/**
 * Option sensitivities and implied volatilities for display, from the exchange's mark volatility and forward. In the averaging
 * window before an expiry part of the delivery price is fixed: like the mark, all of them are of the part that can still move.
 */
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
  const remainingMs = Math.max(0, (instrument.expiryMs ?? timeMs) - timeMs);
  const terms = {
    type: instrument.optionType ?? "call",
    forward: view.underlyingPrice / 1e8,
    strike: (instrument.strike ?? 0) / 1e8,
    years: remainingMs / yearMs,
  } as const;
  return { terms, unsettledPart: remainingMs < listing.averagingMs ? remainingMs / listing.averagingMs : 1 };
}

/**
 * Delta and gamma per coin of the underlying price that is shown, vega per volatility point, theta per day, rho per percent:
 * dollars of one coin's option.
 */
export function greeksOf(listing: Listing, view: InstrumentView, timeMs: number): Greeks {
  const { terms, unsettledPart } = termsOf(listing, view, timeMs);
  if (!(0 < terms.forward && 0 < terms.strike)) return zeroGreeks;
  const values = black76({ ...terms, volatility: (view.volatilityPpm / 1e6) * unsettledPart });
  // In the window the deviation falls with the time left to the power of 1.5, not of 0.5: the value decays three times as fast.
  const decay = unsettledPart < 1 ? 3 * values.theta : values.theta;
  return {
    delta: rounded(values.delta, 5),
    gamma: rounded(values.gamma, 7),
    vega: rounded((values.vega * unsettledPart) / 100, 5),
    theta: rounded(decay / 365, 5),
    rho: rounded(values.rho / 100, 5),
  };
}

/** Implied volatility of a premium in percent; 0 when there is no price or none explains it. */
export function impliedPercent(listing: Listing, view: InstrumentView, timeMs: number, price: number): number {
  const { terms, unsettledPart } = termsOf(listing, view, timeMs);
  if (!(0 < price && 0 < unsettledPart && 0 < terms.forward && 0 < terms.strike)) return 0;
  const dollars = listing.instrument.inverse ? price * terms.forward : price;
  const volatility = impliedVolatility({ ...terms, price: dollars });
  return typeof volatility === "number" ? rounded((volatility / unsettledPart) * 100, 2) : 0;
}
