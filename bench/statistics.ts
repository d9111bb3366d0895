/** Medians and percentiles of measurements, and how the benches print them: a median of runs with its spread, never a best. */

/** The value below or at which `part` (0..1) of `values` lie, by nearest rank. */
export function percentile(values: readonly number[], part: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  if (sorted.length === 0) return NaN;
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(part * sorted.length) - 1))]!;
}

export const median = (values: readonly number[]): number => percentile(values, 0.5);

/** `2.31 [2.05 to 2.90]`: the median of the runs, and their range. */
export function withSpread(runs: readonly number[], digits = 2): string {
  const show = (value: number): string =>
    value.toLocaleString("en-GB", { minimumFractionDigits: digits, maximumFractionDigits: digits });
  return `${show(median(runs))} [${show(Math.min(...runs))} to ${show(Math.max(...runs))}]`;
}
