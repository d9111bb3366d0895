/**
 * What a function of this package throws when an argument is outside its domain. Questions that the data cannot answer, such
 * as the volatility of a price that no volatility explains, are no refusals of this kind: they are answered by values.
 */

/** Closed: what can be wrong with one argument. */
export const refusalReasons = [
  "not-a-number",
  "not-finite",
  "not-positive",
  "negative",
  "outside-range",
  "not-an-integer",
  "empty",
  "lengths-differ",
  "not-ascending",
  "crossed",
  "unknown",
] as const;
export type RefusalReason = (typeof refusalReasons)[number];

/** Names the argument, what is wrong with it, and what it was. */
export class PricingRefusal extends Error {
  override readonly name = "PricingRefusal";
  /** As the caller writes it, with its place where it is one of many: `years`, `quotes[3].bid`. */
  readonly argument: string;
  readonly reason: RefusalReason;
  readonly value: unknown;

  constructor(argument: string, reason: RefusalReason, value: unknown, rule = sentences[reason]) {
    super(`${argument} ${rule}: ${String(value)}`);
    this.argument = argument;
    this.reason = reason;
    this.value = value;
  }
}

const sentences: Readonly<Record<RefusalReason, string>> = {
  "not-a-number": "is not a number",
  "not-finite": "must be finite",
  "not-positive": "must be positive",
  negative: "must not be negative",
  "outside-range": "is outside its range",
  "not-an-integer": "must be an integer",
  empty: "must not be empty",
  "lengths-differ": "must have the length of the others",
  "not-ascending": "must ascend",
  crossed: "must not have its bid above its ask",
  unknown: "is not one of the known words",
};

/** Returns `value`, a positive finite number. */
export function positive(argument: string, value: number): number {
  if (typeof value === "number" && 0 < value && value < Infinity) return value;
  throw new PricingRefusal(argument, reasonOf(value) ?? "not-positive", value);
}

/** Returns `value`, a finite number of at least zero. */
export function notNegative(argument: string, value: number): number {
  if (typeof value === "number" && 0 <= value && value < Infinity) return value;
  throw new PricingRefusal(argument, reasonOf(value) ?? "negative", value);
}

/** Returns `value`, a finite number. */
export function finite(argument: string, value: number): number {
  const reason = reasonOf(value);
  if (reason === undefined) return value;
  throw new PricingRefusal(argument, reason, value);
}

/** Returns `value`, a number, which may be NaN or infinite. */
export function number(argument: string, value: number): number {
  if (typeof value === "number") return value;
  throw new PricingRefusal(argument, "not-a-number", value);
}

/** Returns `value`, an integer of `min` to `max`. */
export function integer(argument: string, value: number, min: number, max: number): number {
  if (!Number.isSafeInteger(value)) throw new PricingRefusal(argument, reasonOf(value) ?? "not-an-integer", value);
  if (min <= value && value <= max) return value;
  throw new PricingRefusal(argument, "outside-range", value, `must be within ${min} and ${max}`);
}

/** Returns `value`, one of `words`. */
export function oneOf<T extends string>(argument: string, value: T, words: readonly T[]): T {
  if (words.includes(value)) return value;
  throw new PricingRefusal(argument, "unknown", value, `must be one of ${words.join(", ")}`);
}

function reasonOf(value: number): RefusalReason | undefined {
  if (typeof value !== "number" || value !== value) return "not-a-number";
  return value - value === 0 ? undefined : "not-finite";
}
