/** Decimals in text, exactly: times as nanoseconds, numbers as steps of a scale. Relies on nothing but the text. */
import type { Scale } from "../../instrument.ts";

/** `34200.004241176` with 9 places is 34200004241176; digits behind the last place are cut. NaN if it is not a decimal. */
export function decimalSteps(text: string, places: number): number {
  const dot = text.indexOf(".");
  if (dot === -1) return whole(text) * tenTo(places);
  const fraction = text.slice(dot + 1, dot + 1 + places);
  const negative = text.startsWith("-");
  const steps = Math.abs(whole(text.slice(0, dot))) * tenTo(places) + whole(fraction) * tenTo(places - fraction.length);
  return negative ? -steps : steps;
}

/** The number of steps of a scale that a number is, if it is on the scale up to the rounding of a decimal; else NaN. */
export function stepsOnScale(scale: Scale, value: number): number {
  const steps = (value * scale.divide) / scale.multiply;
  const rounded = Math.round(steps);
  return Math.abs(steps - rounded) <= 1e-9 * Math.max(1, Math.abs(steps)) ? rounded : NaN;
}

/** A number in text; NaN for what is none, the empty text too. */
export const numberIn = (text: string): number => (text.trim() === "" ? NaN : Number(text));

function whole(text: string): number {
  return /^-?\d+$/.test(text) ? Number(text) : NaN;
}

function tenTo(places: number): number {
  let power = 1;
  for (let place = 0; place < places; place++) power *= 10;
  return power;
}
