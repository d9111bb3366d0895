/**
 * Makes a failing run small: parts of its plan are left out as long as it still fails in the same way (delta debugging,
 * Zeller and Hildebrandt 2002). Every part has draws of its own, so what is left is the same as before.
 */
import { drawPlan, partsOf } from "./plan.ts";
import { simulate, type Report, type SimulateOptions } from "./run.ts";

export interface Shrunk {
  readonly report: Report;
  readonly runsCount: number;
}

/** What kind of failure this is: `I4`, `I8`, or the first words of what is not numbered. */
export const kindOfFailure = (failure: string): string => /^I\d+/.exec(failure)?.[0] ?? failure.split(" ", 2).join(" ");

/** The smallest failing run that leaving out finds with at most `runsCountMax` runs. */
export function shrink(options: SimulateOptions, failed: Report, runsCountMax = 200): Shrunk {
  const kind = kindOfFailure(failed.failures[0]!);
  let best = failed;
  let runsCount = 0;
  const failsWith = (keep: readonly string[]): boolean => {
    if (runsCountMax <= runsCount) return false;
    runsCount++;
    const report = simulate({ ...options, keep });
    const same = report.failures.some((failure) => kindOfFailure(failure) === kind);
    if (same) best = report;
    return same;
  };
  minimal(partsOf(drawPlan(options)), failsWith);
  return { report: best, runsCount };
}

/** A list of which no chunk can be left out: chunks are halved until they are single parts. */
export function minimal<T>(parts: readonly T[], fails: (kept: readonly T[]) => boolean): readonly T[] {
  let kept = parts;
  if (kept.length !== 0 && fails([])) return [];
  for (let chunksCount = 2; 2 <= kept.length; ) {
    const size = Math.ceil(kept.length / chunksCount);
    const starts = Array.from({ length: Math.ceil(kept.length / size) }, (_, index) => index * size);
    const without = starts
      .map((from) => [...kept.slice(0, from), ...kept.slice(from + size)])
      .find((rest) => fails(rest));
    if (without !== undefined) {
      kept = without;
      chunksCount = Math.max(2, chunksCount - 1);
    } else if (size === 1) break;
    else chunksCount = Math.min(kept.length, 2 * chunksCount);
  }
  return kept;
}
