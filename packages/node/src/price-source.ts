/**
 * Where a validator has its prices from. The node asks at a steady pace, signs what it gets with the validator key and
 * orders it like any command. Validators must agree within the tolerance of the medians, so a source is the same function of
 * wall time on all of them. Knows nothing of where the numbers come from.
 */
import type { PricesBody } from "@stoa/protocol/command";

/** An expiry for which a curve is wanted. */
export interface ListedExpiry {
  readonly index: number;
  readonly expiryMs: number;
}

export type PriceReading = Omit<PricesBody, "kind" | "sequence">;

export interface PriceSource {
  /** Prices at wall time `nowMs`, with a curve for each of `expiries`; `undefined` when there are none now. */
  readonly read: (nowMs: number, expiries: readonly ListedExpiry[]) => PriceReading | undefined;
}
