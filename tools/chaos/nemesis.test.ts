/** What a seed draws for the nemesis: the same each time, and never more than it says. */
import { describe, expect, test } from "vitest";
import { describeEpisode, drawSchedule, faultKinds, toleratedCount } from "./nemesis.ts";

const hour = { validatorsCount: 4, untilMs: 3_600_000 };
const victimsOf = (faults: readonly { readonly victim: number }[]): number =>
  new Set(faults.map((one) => one.victim)).size;

describe("the schedule of faults", () => {
  test("follows from its seed, and another seed gives another", () => {
    const said = (seed: number): string[] => drawSchedule({ ...hour, seed }).map(describeEpisode);
    expect(said(7)).toEqual(said(7));
    expect(said(7)).not.toEqual(said(8));
  });

  test("hits at most f validators within, and more beyond, for a smaller part of the time", () => {
    for (const validatorsCount of [4, 7]) {
      const episodes = drawSchedule({ ...hour, validatorsCount, seed: 3 });
      const within = episodes.filter(({ scope }) => scope === "within");
      const beyond = episodes.filter(({ scope }) => scope === "beyond");
      const tolerated = toleratedCount(validatorsCount);
      expect(within.every(({ faults }) => 0 < faults.length && victimsOf(faults) <= tolerated)).toBe(true);
      expect(beyond.every(({ faults }) => tolerated < victimsOf(faults))).toBe(true);
      expect(beyond.length).toBeGreaterThan(10);
      expect(3 * beyond.length).toBeLessThan(within.length);
    }
  });

  test("plays every fault before any comes again, and combines some", () => {
    const episodes = drawSchedule({ ...hour, seed: 1 }).filter(({ scope }) => scope === "within");
    const first = episodes.slice(0, faultKinds.length).map(({ faults }) => faults[0]!.kind);
    expect(new Set(first)).toEqual(new Set(faultKinds));
    expect(episodes.some(({ faults }) => faults.length === 2)).toBe(true);
  });

  test("holds to what the surroundings allow, and ends in time", () => {
    const episodes = drawSchedule({ seed: 5, validatorsCount: 4, untilMs: 60_000, kinds: ["kill", "delay"] });
    expect(episodes.length).toBeGreaterThan(4);
    expect(episodes.flatMap(({ faults }) => faults).every(({ kind }) => ["kill", "delay"].includes(kind))).toBe(true);
    expect(episodes.reduce((sum, { lastsMs, restMs }) => sum + lastsMs + restMs, 0)).toBeLessThanOrEqual(60_000);
  });
});
