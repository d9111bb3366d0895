/**
 * Validators that forget: their vote log is gone, rotten or an old copy, what their key remembers is gone or old, or both are.
 * They must come back and vote again (I8), and never contradict themselves on the wire (I4), below a third of the stake.
 */
import { expect, test } from "vitest";
import { simulate } from "@stoa/simulator/run";

const forgetting = ["lostVotes", "lostBoth", "oldVotes", "rottenVotes", "lostSigner", "oldSigner"] as const;
const around = ["crash", "crashMidTurn", "powerCut", "partition", "reset"] as const;
const seeds = (from: number, count: number): number[] => Array.from({ length: count }, (_, index) => from + index);

test.for([
  ["four validators", 4, []],
  ["seven, and one that lies about where it is", 7, [{ node: 2, misbehaviour: "statusLiar" }]],
] as const)(
  "memory is lost in every way among %s (BFT-054, BFT-056)",
  { timeout: 120_000 },
  ([, nodesCount, faulty]) => {
    let lostLogs = 0;
    const struck = new Set<string>();
    for (const seed of seeds(901, 12)) {
      const report = simulate({
        seed,
        nodesCount,
        faulty,
        faultKinds: [...forgetting, ...around],
        faultsMs: 6_000,
        faultsEveryMs: 400,
      });
      expect(report.failures, report.reproduce).toEqual([]);
      lostLogs += report.tally.lostLogs!;
      for (const kind of Object.keys(report.faults)) struck.add(kind);
    }
    expect(lostLogs).toBeGreaterThan(12);
    expect([...struck]).toEqual(expect.arrayContaining([...forgetting]));
  },
);
