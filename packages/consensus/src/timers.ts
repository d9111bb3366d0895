/**
 * How long a replica waits. D grows by half with every view that passes without a finalization beyond the third, so that a
 * network slower than expected is waited for in the end; any finalization brings it back. Purely local: no other replica
 * depends on it.
 */
import type { Parameters } from "./parameters.ts";

/** D of consensus.md 3.6 in milliseconds, `views` after the last finalization that the replica knows of. */
export function timeoutMs(parameters: Parameters, views: number): number {
  return grown(parameters.initialTimeoutMs, views - 3, parameters.timeoutMsMax);
}

/** `base` · 1.5 ^ `steps`, at most `max`. Multiplied out: powers of floats are not the same everywhere. */
export function grown(base: number, steps: number, max: number): number {
  let value = base;
  for (let step = 0; step < steps && value < max; step++) value *= 1.5;
  return Math.min(max, value);
}
