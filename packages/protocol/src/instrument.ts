/** What can be traded: the specification of one instrument, fixed at listing. */
import { bool, i53, list, oneOf, optional, record, text, u16, u32, u8, type Decoded } from "@stoa/base/codec";
import { limits } from "@stoa/base/limits";
import { instrumentKinds } from "./command.ts";
import { fixedPrice, time } from "./primitives.ts";

export const optionTypes = ["call", "put"] as const;
export type OptionType = (typeof optionTypes)[number];

/** Life of an instrument. `locked`: no trading while its prices are stale; cancels still work. */
export const instrumentStates = ["open", "locked", "settlement", "delivered"] as const;
export type InstrumentState = (typeof instrumentStates)[number];

export const instrument = record({
  id: u32,
  name: text(limits.instrumentNameSizeMax),
  kind: oneOf(instrumentKinds),
  /** Asset indexes of genesis. Inverse: settled in `base`; linear: settled in a dollar asset. */
  base: u8,
  settlement: u8,
  inverse: bool,
  /** Index number of genesis whose price this instrument follows. */
  index: u16,
  createdMs: time,
  /** Absent for perpetuals. */
  expiryMs: optional(time),
  strike: optional(fixedPrice),
  optionType: optional(oneOf(optionTypes)),
  /** The smallest price increment in 1e-8 of the quote unit; one tick. */
  tick: fixedPrice,
  /** From `above` upwards (exclusive) prices must be multiples of `tick`, itself a multiple of the base tick. Ascending. */
  tickSteps: list(record({ above: fixedPrice, tick: fixedPrice }), 8),
  /** One lot (the minimum trade amount) in 1e-8 of the amount unit: dollars for inverse futures and perpetuals, else coins. */
  lot: fixedPrice,
  /** One contract in the same unit, a multiple or divisor of the lot. */
  contract: fixedPrice,
  /** Fee rates in parts per million of notional (options: of the underlying); a negative maker fee is a rebate. */
  makerFeePpm: i53,
  takerFeePpm: i53,
});
export type Instrument = Decoded<typeof instrument>;
