/**
 * Several ways to do one piece of work on one core, timed in turn by the processor time of their threads, again and again, and printed as a table: medians with their range, and how
 * many times as fast as one of them, by round, because a shared machine changes its speed. Ways that compute the same thing
 * are held to one result.
 */
import type { Peer } from "./peers.ts";
import { withSpread } from "./statistics.ts";

const roundsCount = 9;
/** For how long a way is timed in each round. */
export const runMs = 60;

export type Candidate = {
  readonly name: string;
  /** How far its result may be from the first one's, as a part of it; Infinity for a way that computes something else. */
  readonly tolerance: number;
  /** One round: nanoseconds per unit, and a result (a sum) of the last pass. */
  readonly run: () => Promise<{ readonly nanoseconds: number; readonly sum: number }>;
};

/** A way in this process: `work` does `units` and returns its result. */
export function ours(name: string, units: number, work: () => number, tolerance = 1e-6): Candidate {
  let sum = NaN;
  const pass = (): void => void (sum = work());
  return { name, tolerance, run: async () => ({ nanoseconds: measure(units, pass, runMs), sum }) };
}

/** A measurement of a C++ peer; none where there is no peer. */
export function theirs(peer: Peer | undefined, name: string, measurement: string, tolerance = 1e-6): Candidate[] {
  if (peer === undefined) return [];
  const run = async () => {
    const { nanoseconds, checksum } = await peer.measure(measurement, runMs);
    return { nanoseconds, sum: checksum };
  };
  return [{ name, tolerance, run }];
}

/** Times every candidate in turn; two rounds warm up. `base` is the name of the one that others are compared with, if it is there. */
export async function compare(title: string, candidates: readonly Candidate[], base: string): Promise<void> {
  const runs = candidates.map((): number[] => []);
  let wanted = NaN;
  for (let round = -2; round < roundsCount; round++)
    for (const [index, { name, tolerance, run }] of candidates.entries()) {
      const { nanoseconds, sum } = await run();
      if (index === 0) wanted = sum;
      if (tolerance < Infinity && !(Math.abs(sum / wanted - 1) <= tolerance))
        throw new Error(`${name} computes something else: ${sum}, not ${wanted}`);
      if (0 <= round) runs[index]!.push(nanoseconds);
    }
  const baseRuns = runs[candidates.findIndex(({ name }) => name === base)];
  const rows = candidates.map(({ name }, index) => {
    const ratios = baseRuns?.map((value, round) => value / runs[index]![round]!);
    return [name, withSpread(runs[index]!, 1), ratios === undefined ? "" : withSpread(ratios, 2)];
  });
  printTable([[title, "ns", baseRuns === undefined ? "" : `times as fast as ${base}`], ...rows]);
  console.log();
}

/** Nanoseconds per unit of `work`, which does `units` each time, over at least `milliseconds`: processor time of this thread. */
export function measure(units: number, work: () => void, milliseconds: number): number {
  const start = process.threadCpuUsage();
  let passes = 0;
  let elapsed = 0;
  do {
    work();
    passes++;
    const { user, system } = process.threadCpuUsage(start);
    elapsed = 1_000 * (user + system);
  } while (elapsed < milliseconds * 1e6);
  return elapsed / (passes * units);
}

/** Columns of a table on the console, the first to the left, the others to the right. */
export function printTable(rows: readonly (readonly string[])[]): void {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  for (const row of rows)
    console.log(
      row.map((cell, index) => (index === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[index]!))).join("  "),
    );
}
