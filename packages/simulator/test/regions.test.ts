import { describe, expect, test } from "vitest";
import {
  boundsUs,
  distanceUs,
  regions,
  simulateRegions,
  widestRoundTripMs,
  type Leaders,
  type RegionsOptions,
  type RegionsReport,
} from "../src/regions.ts";

const usual = { seed: 1, initialTimeoutMs: widestRoundTripMs, messageUs: 50, commandsEveryMs: 20 };
const run = (options: Partial<RegionsOptions> & Pick<RegionsOptions, "validatorsCount">): RegionsReport =>
  simulateRegions({ ...usual, blocksGoal: 45, leaders: "honest", faultyCount: 0, ...options });
const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

describe("the table of distances", () => {
  test("has every pair of ten regions, in both directions alike", () => {
    expect(regions.length).toBe(10);
    for (let from = 0; from < 20; from++) {
      for (let to = 0; to < 20; to++) {
        expect(distanceUs(from, to)).toBe(distanceUs(to, from));
        if (from === to) expect(distanceUs(from, to)).toBe(0);
        else expect(distanceUs(from, to)).toBeGreaterThanOrEqual(500);
      }
    }
    expect(distanceUs(0, 10)).toBe(500);
    expect(distanceUs(3, 7)).toBe(110_000);
    expect(widestRoundTripMs).toBe(405);
  });
});

describe("the bound of three message delays", () => {
  const equal = { set: { validators: [0, 1, 2, 3].map(() => ({ stake: 1 })), totalStake: 4 } };
  const bounds = (leader: number): readonly number[] => boundsUs(equal as never, [0, 1, 2, 3], leader);

  test("is when a quorum of three can have answered, by hand for four validators", () => {
    // One way in ms: V-F 46, V-T 77.5, V-O 34, F-T 115, F-O 71, T-O 49. V's proposal is at V at 0, at F at 46, at T at 77.5, at
    // O at 34. Three notarize votes are at V at 92 (its own, then 68 and 92), at F at 105, at T at 83, at O at 117; finalize
    // votes are sent then, and three of them are at V at 151 (92, 151, 151) and at F at 188 (105, 138, 188).
    const [virginia, frankfurt] = bounds(0).map((us) => us / 1_000);
    expect(virginia).toBe(151);
    expect(frankfurt).toBe(188);
  });

  test("is not broken by any block, and nearly reached when messages cost little", () => {
    for (const validatorsCount of [4, 13]) {
      const { finality, failures, blocksCount } = run({ validatorsCount });
      expect(failures).toEqual([]);
      expect(blocksCount).toBeGreaterThanOrEqual(45);
      expect(finality.length).toBeGreaterThan(40 * validatorsCount);
      expect(finality.every(({ tookMs, boundMs }) => boundMs <= tookMs)).toBe(true);
      const [took, bound] = [sum(finality.map((one) => one.tookMs)), sum(finality.map((one) => one.boundMs))];
      expect(took / bound).toBeLessThan(1.1);
    }
  });

  test("is left further behind when messages cost more", () => {
    const mean = (messageUs: number): number =>
      sum(run({ validatorsCount: 13, messageUs }).finality.map((one) => one.tookMs));
    expect(mean(3_000)).toBeGreaterThan(1.05 * mean(50));
  });
});

describe("timeouts", () => {
  const expectedOf = (leaders: Leaders, validatorsCount: number, faultyCount: number): RegionsReport => {
    const report = run({ validatorsCount, leaders, faultyCount });
    expect(report.failures).toEqual([]);
    expect(report.viewsTimedOut).toEqual(report.viewsExpected);
    expect(report.timeoutsCount).toBe(report.viewsExpected.length * report.honestCount);
    return report;
  };

  test("do not happen while leaders are honest", () => {
    expect(expectedOf("honest", 7, 0).timeoutsCount).toBe(0);
  });

  test.each([4, 7])(
    "are one at each honest validator for every view of a silent leader, among %i (BFT-031)",
    (validatorsCount) => {
      const { viewsExpected, lostMs } = expectedOf("silent", validatorsCount, 1);
      expect(viewsExpected.length).toBeGreaterThan(4);
      // 2 D, and the votes that give the view up.
      for (const ms of lostMs) expect(ms).toBeGreaterThanOrEqual(2 * widestRoundTripMs - widestRoundTripMs / 2);
      expect(sum(lostMs) / lostMs.length).toBeLessThanOrEqual(2.5 * widestRoundTripMs);
    },
  );

  test.each([4, 7])(
    "are the same for a leader that says different things, after 3 D, among %i (BFT-031)",
    (validatorsCount) => {
      const { viewsExpected, lostMs } = expectedOf("equivocating", validatorsCount, 1);
      expect(viewsExpected.length).toBeGreaterThan(4);
      expect(sum(lostMs) / lostMs.length).toBeGreaterThanOrEqual(3 * widestRoundTripMs);
      expect(sum(lostMs) / lostMs.length).toBeLessThanOrEqual(3.5 * widestRoundTripMs);
    },
  );

  test("stop when nobody waits for crashed validators any more (BFT-031)", () => {
    const { viewsExpected, viewsCount } = expectedOf("crashed", 7, 2);
    expect(viewsExpected.length).toBeGreaterThan(4);
    expect(viewsCount).toBeGreaterThan(50);
    expect(viewsExpected.every((view) => view <= 32)).toBe(true);
  });
});
