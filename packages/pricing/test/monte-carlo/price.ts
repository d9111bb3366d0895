/** What the tests of the simulation share: prices of paths 0 to n - 1, and the references of `tools/reference/monte_carlo.py`. */
import { readFileSync } from "node:fs";
import { encode } from "@stoa/base/codec";
import { estimate, type Estimates } from "@stoa/pricing/monte-carlo/estimate";
import { plainMethod, type Method } from "@stoa/pricing/monte-carlo/method";
import type { BlackScholesModel, HestonModel, Model } from "@stoa/pricing/monte-carlo/model";
import { partialCodec, type Partial } from "@stoa/pricing/monte-carlo/partial";
import type { Payoff } from "@stoa/pricing/monte-carlo/payoff";
import { simulate } from "@stoa/pricing/monte-carlo/simulation";
import type { Work } from "@stoa/pricing/monte-carlo/work";

type Changes = { readonly [K in keyof Method]?: Method[K] };

export function workOf(model: Model, payoff: Payoff, changes: Changes = {}, seed = 20_260_101n): Work {
  return { model, payoff, method: { ...plainMethod, ...changes }, seed };
}

export function priceOf(work: Work, pathCount: number): Estimates {
  return estimate(work, simulate({ ...work, firstPath: 0, pathCount }));
}

/** The canonical bytes, as text that tests compare. */
export function bytesOf(partial: Partial): string {
  return Buffer.from(encode(partialCodec, partial)).toString("hex");
}

export const blackScholes: BlackScholesModel = {
  kind: "black-scholes",
  spot: 100,
  rate: 0.05,
  dividendYield: 0.02,
  volatility: 0.3,
};

export const call: Payoff = { kind: "european", type: "call", strike: 105, years: 1 };

export type Case = { readonly model: Model; readonly payoff: Payoff; readonly steps: number; readonly value: number };

type References = {
  readonly cases: readonly Case[];
  readonly andersen: readonly {
    readonly case: string;
    readonly model: HestonModel;
    readonly payoff: Payoff;
    readonly published: number;
    readonly value: number;
  }[];
  readonly american: readonly {
    readonly spot: number;
    readonly volatility: number;
    readonly years: number;
    readonly published: number;
    readonly bermudan: number;
    readonly american: number;
  }[];
  readonly sobol: { readonly dimensions: number; readonly count: number; readonly sha256: string };
};

export const references = JSON.parse(
  readFileSync(new URL("../fixtures/monte-carlo.json", import.meta.url), "utf8"),
) as References;
