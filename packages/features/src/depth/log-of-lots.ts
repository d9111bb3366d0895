/**
 * Logarithms of counts of lots, remembered: sizes are integers and the same ones come again and again, while an exact logarithm costs
 * some thirty nanoseconds. What is remembered is the function itself, so it is no state of anybody.
 */
import { log } from "@stoa/base/exact";

/** At each integer that was asked for its logarithm; at 0 that of the last number which is none, or too large. */
export const logsOfLots = new Float64Array(16_384).fill(NaN);

/** Where `logsOfLots` has ln(lots), until the next call. An index instead of the number, because a number that is returned is an object. */
export function placeOfLog(lots: number): number {
  const place = lots < logsOfLots.length ? lots >>> 0 : 0;
  if (place === 0 || place !== lots) {
    logsOfLots[0] = log(lots);
    return 0;
  }
  if (logsOfLots[place] !== logsOfLots[place]) logsOfLots[place] = log(lots);
  return place;
}
