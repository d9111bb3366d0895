/**
 * What a user says about instruments whose file does not: ticks, lots, kinds. By name, and under `*` for all that are not named. What
 * neither the file nor the user says is found from the prices themselves: the largest step on which all those seen lie.
 */
import { parseScale, type Instrument, type Scale } from "../../instrument.ts";

/** Texts like "0.25", since a decimal is exact as text. */
export interface InstrumentTerms {
  readonly tick?: string;
  readonly lot?: string;
  readonly kind?: Instrument["kind"];
  readonly multiplier?: number;
}

export type TermsByName = Readonly<Record<string, InstrumentTerms>>;

export const termsOf = (terms: TermsByName | undefined, name: string): InstrumentTerms => ({
  ...terms?.["*"],
  ...terms?.[name],
});

/** An instrument from what the user says, or else from what the file says. */
export function instrumentOf(
  given: InstrumentTerms,
  found: { readonly name: string; readonly tick: Scale; readonly lot: Scale; readonly kind: Instrument["kind"] },
  rest: Pick<Instrument, "option"> | object = {},
): Instrument {
  return {
    name: found.name,
    kind: given.kind ?? found.kind,
    tick: given.tick === undefined ? found.tick : parseScale(given.tick, `${found.name}.tick`),
    lot: given.lot === undefined ? found.lot : parseScale(given.lot, `${found.name}.lot`),
    multiplier: given.multiplier ?? 1,
    ...rest,
  };
}

const decimalsMax = 10;

/** Finds the step of the numbers that it is shown: the greatest common divisor of their decimals. */
export class StepFinder {
  /** Numbers times 10^`decimals` are integers, whose common divisor is `divisor`. */
  #decimals = 0;
  #power = 1;
  #divisor = 0;

  show(value: number): void {
    if (!(value - value === 0) || value === 0) return;
    while (this.#decimals < decimalsMax && !isWhole(value, this.#power)) {
      this.#decimals++;
      this.#power *= 10;
      this.#divisor *= 10;
    }
    let [one, other] = [this.#divisor, Math.abs(Math.round(value * this.#power))];
    if (other > Number.MAX_SAFE_INTEGER) return;
    while (other !== 0) [one, other] = [other, one % other];
    this.#divisor = one;
  }

  /** `undefined` if it was shown nothing. */
  get step(): Scale | undefined {
    if (this.#divisor === 0) return undefined;
    let [one, other] = [this.#divisor, this.#power];
    while (other !== 0) [one, other] = [other, one % other];
    return { multiply: this.#divisor / one, divide: this.#power / one };
  }
}

/** Within a few units of the last place of a double: a decimal that was parsed is no further from an integer. */
function isWhole(value: number, power: number): boolean {
  const raised = value * power;
  return Math.abs(raised - Math.round(raised)) <= 4e-16 * Math.abs(raised);
}
