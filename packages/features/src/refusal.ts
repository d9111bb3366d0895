/** What a caller of this library did wrong, named: which argument, what was given, what would do. */

export class FeatureRefusal extends Error {
  override readonly name = "FeatureRefusal";
  /** The argument, as the caller wrote it: `ofi.window`. */
  readonly argument: string;
  readonly value: unknown;

  constructor(refusal: { readonly argument: string; readonly value: unknown; readonly wanted: string }) {
    super(`${refusal.argument} is ${shown(refusal.value)}, but must be ${refusal.wanted}`);
    this.argument = refusal.argument;
    this.value = refusal.value;
  }
}

function shown(value: unknown): string {
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "object" && value !== null)
    return Array.isArray(value) ? `a list of ${value.length}` : "an object";
  return String(value);
}

/** The value, if it is a positive safe integer. */
export function positiveInteger(argument: string, value: number): number {
  if (Number.isSafeInteger(value) && value > 0) return value;
  throw new FeatureRefusal({ argument, value, wanted: "a positive integer" });
}

/** The value, if it is a finite number above zero. */
export function positiveNumber(argument: string, value: number): number {
  if (value > 0 && value < Infinity) return value;
  throw new FeatureRefusal({ argument, value, wanted: "a positive finite number" });
}

/** The value, if it is a finite number. */
export function finiteNumber(argument: string, value: number): number {
  if (value - value === 0) return value;
  throw new FeatureRefusal({ argument, value, wanted: "a finite number" });
}

/** The value, if it is in the list. */
export function oneOf<Choice extends string>(argument: string, value: Choice, choices: readonly Choice[]): Choice {
  if (choices.includes(value)) return value;
  throw new FeatureRefusal({ argument, value, wanted: `one of ${choices.join(", ")}` });
}
