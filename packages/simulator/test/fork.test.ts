import { expect, test } from "vitest";
import { simulateFork } from "@stoa/simulator/fork";

test.for([1, 7])(
  "over a third faulty: every fork convicts a third by certificates alone, and nobody honest, seeds from %i",
  { timeout: 60_000 },
  (from) => {
    let forksCount = 0;
    for (let seed = from; seed < from + 6; seed++) {
      const report = simulateFork({ seed });
      expect(report.failures, `stoa simulate --fork --explain --seed ${seed}`).toEqual([]);
      for (const { node } of report.guilty) expect(report.corrupted).toContain(node);
      if (!report.forked) continue;
      forksCount++;
      expect(3 * report.convictedStake).toBeGreaterThanOrEqual(report.totalStake);
    }
    // Not vacuous: most of these worlds fork.
    expect(forksCount).toBeGreaterThanOrEqual(3);
  },
);
