/**
 * R(u) = N(-u) exp(u^2 / 2), the Mills ratio over sqrt(2 pi), for the chain kernels: at any argument, and its difference at two
 * arguments beside each other, by the polynomial of one cell, so that a small deviation costs no digits. The WebAssembly form is
 * `assembly/mills-ratio.ts`.
 */
import { ratioCell, ratioCenter, ratioWidth, tailRatio } from "./functions.ts";
import { ratioTable } from "./tables.ts";

/** The last argument of the tables; a density there is zero. */
export const ratioEnd = 61;

/** R, which is asked for no argument beyond its table. */
export function boundedRatio(t: number): number {
  return tailRatio(inTable(t));
}

/** Whether R at h - s/2 and at h + s/2 is taken from one cell. */
export function isNear(h: number, deviation: number): boolean {
  return deviation <= ratioWidth(ratioCell(inTable(h)));
}

/** (R(h - s/2) - R(h + s/2)) / s for two that are near. */
export function nearSlope(h: number, deviation: number): number {
  const half = 0.5 * deviation;
  return nearDifference(ratioCell(inTable(h)), h - half, h + half, deviation, unused, 0);
}

/**
 * (R(inner) - R(outer)) / deviation by the polynomial of one cell: Newton's divided difference along Horner's rule. R of both is
 * written to `ratios` at `index` and behind it.
 */
export function nearDifference(
  cell: number,
  inner: number,
  outer: number,
  deviation: number,
  ratios: Float64Array,
  index: number,
): number {
  const center = ratioCenter(cell);
  const first = (inner < ratioEnd ? inner : ratioEnd) - center;
  const second = (outer < ratioEnd ? outer : ratioEnd) - center;
  const row = cell * 12;
  let ratio = ratioTable[row + 11] as number;
  let slope = ratio;
  ratio = ratio * first + (ratioTable[row + 10] as number);
  for (let term = row + 9; row <= term; term--) {
    slope = slope * second + ratio;
    ratio = ratio * first + (ratioTable[term] as number);
  }
  ratios[index] = ratio;
  ratios[index + 1] = ratio + deviation * slope;
  return -slope;
}

function inTable(t: number): number {
  const above = 0 < t ? t : 0;
  return above < ratioEnd ? above : ratioEnd;
}

const unused = new Float64Array(2);
