/**
 * Every state of a small world, reached through the shipped `recover` and `step`: four validators, one of them faulty and
 * leading every view with several blocks. Two views here; three, and three with a lost log, are `npm run verify:exhaustive`.
 */
import { expect, test } from "vitest";
import { search, type SearchReport } from "@stoa/simulator/exhaustive/search";
import { StateTable } from "@stoa/simulator/exhaustive/state-table";

const counts = ({ statesCount, namedStatesCount, finalCount, finalAfterSkipCount }: SearchReport) => ({
  statesCount,
  namedStatesCount,
  finalCount,
  finalAfterSkipCount,
});

test("in two views no state breaks an invariant, whatever a validator has seen (BFT-020, BFT-021, BFT-043)", () => {
  const report = search({ viewsCount: 2, knowledgeMax: Infinity });
  expect(report.failure).toBeUndefined();
  expect(report.complete).toBe(true);
  // Not vacuous: there are final blocks, some after a view that was skipped.
  expect(report.finalCount).toBeGreaterThan(1_000);
  expect(report.finalAfterSkipCount).toBeGreaterThan(1_000);
  // The long searches let a vote rest on two certificates at most, which a valid one never exceeds in three views, and the
  // longest has them from the log alone.
  expect(counts(search({ viewsCount: 2, knowledgeMax: 2, byMessages: false }))).toEqual(counts(report));
});

test("all three honest validators may lose their log, and the floor keeps them from voting twice (BFT-052)", () => {
  const report = search({ viewsCount: 2, knowledgeMax: 2, lossesMax: 3 });
  expect(report.failure).toBeUndefined();
  expect(report.complete).toBe(true);
  expect(report.statesCount).toBeGreaterThan(100_000);
});

test.for([
  { floorSlack: 0, lossesMax: 3, what: "the highest reported view itself" },
  { floorSlack: -10, lossesMax: 1, what: "no view at all" },
])("a floor of $what is too low, and the search says how it forks (BFT-052)", (options) => {
  const { failure } = search({ viewsCount: 2, knowledgeMax: 2, byMessages: false, ...options });
  expect(failure?.fact).toMatch(/^(unique notarization|a final view is not nullified|agreement|every later block)/);
  expect(failure?.trace.length).toBeGreaterThan(4);
  expect(failure?.trace[0]).toBe("[nothing] [nothing] [nothing] certified: nothing");
});

test("the table of states keeps what a set keeps, in the order in which it came", () => {
  const table = new StateTable();
  const oracle = new Set<number>();
  for (let index = 0; index < 200_000; index++) {
    // Collides often, and reaches beyond 32 bits.
    const key = ((index * 7_919) % 60_000) * 2 ** (index % 3 === 0 ? 33 : 1);
    expect(table.add(key, index)).toBe(!oracle.has(key));
    oracle.add(key);
  }
  expect(Array.from({ length: table.count }, (_, index) => table.keyAt(index))).toEqual([...oracle]);
});
