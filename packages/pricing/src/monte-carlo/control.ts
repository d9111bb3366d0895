/**
 * Control variates: what is measured beside the payoff on the same paths, and what it is worth exactly. The estimate then moves by
 * beta times the error that the control is seen to have (P. Glasserman, "Monte Carlo Methods in Financial Engineering", 4.1).
 */
import { assert } from "@stoa/base/assert";
import { exp } from "@stoa/base/exact";
import { geometricAsian } from "../asian.ts";
import { blackScholesPrice } from "../black-scholes.ts";
import { createMeasure, type Market, type Measure } from "./measure.ts";
import type { Payoff } from "./payoff.ts";
import type { Work } from "./work.ts";

export function hasControl({ method }: Work): boolean {
  return method.control !== "none";
}

/** The measure of the control, if the method has one. */
export function createControl(work: Work, market: Market): Measure | undefined {
  if (work.method.control === "none") return undefined;
  if (work.method.control === "spot") return terminalMeasure(work, market.blockSize);
  const payoff = controlPayoff(work.payoff);
  return lastDates(createMeasure(payoff, { ...market, greeks: "none" }, undefined), work.payoff, payoff);
}

/** What the control is worth on average: its forward, or its closed form. */
export function controlMean(work: Work): number {
  const { model, payoff, method } = work;
  if (method.control === "spot") return meanOfTerminal(work);
  assert(model.kind === "black-scholes", "a control in closed form is one of Black-Scholes");
  const { spot, rate, dividendYield, volatility } = model;
  const { type, strike, years } = payoff;
  const option = { type, spot, strike, years, volatility, rate, dividendYield };
  if (payoff.kind === "asian") return geometricAsian({ ...option, observationsCount: payoff.fixings }).price;
  return blackScholesPrice(option);
}

/** The geometric Asian of an arithmetic one; the European option of a barrier or American one. */
function controlPayoff(payoff: Payoff): Payoff {
  const { type, strike, years } = payoff;
  return payoff.kind === "asian" ? { ...payoff, averaging: "geometric" } : { kind: "european", type, strike, years };
}

/** A European control sees only the last date of a payoff that has more. */
function lastDates(measure: Measure, payoff: Payoff, control: Payoff): Measure {
  if (control.kind !== "european") return measure;
  const last = payoff.kind === "barrier" ? payoff.observations : payoff.kind === "american" ? payoff.exercises : 1;
  return {
    ...measure,
    observe: (index, spots, logs) => (index === last - 1 ? measure.observe(0, spots, logs) : undefined),
  };
}

/** The weighted spot at expiry, not discounted; the last date that is seen stands. */
function terminalMeasure({ payoff }: Work, blockSize: number): Measure {
  const weights = payoff.kind === "basket" ? payoff.weights : [1];
  const terminal = new Float64Array(blockSize);
  return {
    start: () => terminal.fill(0),
    observe(_, spots) {
      terminal.fill(0);
      for (const [asset, weight] of weights.entries()) {
        const column = spots[asset]!;
        for (let path = 0; path < blockSize; path++) terminal[path] = terminal[path]! + weight * column[path]!;
      }
    },
    values: (out) => out.set(terminal),
  };
}

/** Forwards, weighted: every model here is a martingale after rates and dividends. */
function meanOfTerminal({ model, payoff }: Work): number {
  const forward = (spot: number, dividendYield: number): number =>
    spot * exp((model.rate - dividendYield) * payoff.years);
  if (model.kind !== "black-scholes-basket") return forward(model.spot, model.dividendYield);
  const weights = payoff.kind === "basket" ? payoff.weights : [];
  return model.assets.reduce(
    (total, { spot, dividendYield }, index) => total + weights[index]! * forward(spot, dividendYield),
    0,
  );
}
