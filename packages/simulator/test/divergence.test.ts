import { expect, test } from "vitest";
import { differingModules } from "@stoa/consensus/divergence";
import { simulate } from "@stoa/simulator/run";

test("a node that computes something else names the module within a few blocks, and nothing forks (BFT-070)", () => {
  for (let seed = 641; seed <= 644; seed++) {
    const node = seed % 4;
    const fromHeight = 6;
    const report = simulate({
      seed,
      nodesCount: 4,
      faulty: [],
      faultKinds: ["crash", "partition"],
      miscomputing: [{ node, fromHeight }],
    });
    expect(report.failures, report.reproduce).toEqual([]);
    const certified = report.divergences.filter(({ divergence }) => divergence.certified);
    expect(certified.length, "it says so, and again after each restart").toBeGreaterThan(0);
    for (const { node: who, divergence } of certified) {
      expect(who).toBe(node);
      expect(differingModules(divergence.own, divergence.agreed)).toEqual([0]);
    }
    const [{ divergence, finalHeight }] = certified as [(typeof certified)[number]];
    expect(divergence.own.height).toBeGreaterThanOrEqual(fromHeight);
    expect(divergence.sameThrough).toBeLessThan(fromHeight);
    expect(finalHeight - fromHeight).toBeLessThan(24);
  }
});

test("two of four that compute something else halt the roots: commands still become final, and nothing forks (BFT-072)", () => {
  for (let seed = 651; seed <= 652; seed++) {
    const report = simulate({
      seed,
      nodesCount: 4,
      faulty: [],
      faultKinds: ["crash"],
      faultsMs: 30_000,
      commandsEveryMs: 300,
      weather: { lossPermille: 0, delayUsMin: 500, delayUsMean: 2_000 },
      miscomputing: [
        { node: 1, fromHeight: 6 },
        { node: 2, fromHeight: 6 },
      ],
    });
    expect(report.failures, report.reproduce).toEqual([]);
    expect(report.blocksCount).toBeGreaterThan(24);
    expect(report.divergences.length).toBeGreaterThan(0);
    for (const { node, divergence } of report.divergences) {
      expect(divergence.certified).toBe(false);
      expect(divergence.sameThrough).toBeLessThan(6);
      expect([1, 2].includes(node)).toBe(![1, 2].includes(divergence.header.proposer));
    }
  }
});
