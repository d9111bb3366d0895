/** Multiples of a step of time since 1970 UTC, on the scale of a stream: where grids of samples and time bars begin and end. */

/** How far the origin of the stream lies behind a multiple of the step. */
export const phaseOfGrid = (originNs: bigint, stepNs: number): number => Number(originNs % BigInt(stepNs));

/** The first multiple that is later than `timeNs`. */
export const gridAfter = (timeNs: number, stepNs: number, phaseNs: number): number =>
  (Math.floor((timeNs + phaseNs) / stepNs) + 1) * stepNs - phaseNs;

/** The last multiple that is no later than `timeNs`. */
export const gridUntil = (timeNs: number, stepNs: number, phaseNs: number): number =>
  Math.floor((timeNs + phaseNs) / stepNs) * stepNs - phaseNs;
