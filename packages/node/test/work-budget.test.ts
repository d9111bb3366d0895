/** Time for strangers' work: bounded for all of them, and divided among those who ask. */
import { beforeEach, expect, test } from "vitest";
import { createWorkBudget, type WorkBudget } from "../src/work-budget.ts";

let nowMs: number;
let budget: WorkBudget;
beforeEach(() => {
  nowMs = 0;
  budget = createWorkBudget({ workMsMax: 100, windowMs: 1_000 }, () => nowMs);
});

/** Whether there was time for it; the work takes so long. */
function work(asker: number, tookMs: number): boolean {
  const isAllowed = budget.allows(asker);
  if (isAllowed) budget.spend(() => (nowMs += tookMs), asker);
  return isAllowed;
}

/** What each asker got done in so many windows; all ask, in this order, every 10 ms. */
function played(windowsCount: number, tasks: readonly number[]): readonly number[] {
  const usedMs = tasks.map(() => 0);
  const endMs = nowMs + 1_000 * windowsCount;
  while (nowMs < endMs) {
    for (const [asker, tookMs] of tasks.entries()) while (work(asker, tookMs)) usedMs[asker]! += tookMs;
    nowMs += 10;
  }
  return usedMs;
}

test("who asks alone has all of it, and no more (LIGHT-035)", () => {
  const [usedMs] = played(20, [20]);
  expect(usedMs).toBeGreaterThan(20 * 100 * 0.9);
  expect(usedMs).toBeLessThanOrEqual(20 * 100 + 20);
});

test("a greedy asker leaves the others their share, though he always comes first (LIGHT-035)", () => {
  const [greedy, modest, other] = played(30, [20, 5, 1]);
  expect(modest).toBeGreaterThan((0.8 * 30 * 100) / 3);
  expect(other).toBeGreaterThan((0.8 * 30 * 100) / 3);
  expect(greedy).toBeLessThan((1.2 * 30 * 100) / 3);
});

test("twenty greedy ones that always come first, each with tasks larger than a share, do not shut a small one out (LIGHT-035)", () => {
  const used = played(60, [...Array.from({ length: 20 }, () => 20), 0.5]);
  // As much as forty of its questions take, where a first come, first served budget answers none.
  expect(used.at(-1)).toBeGreaterThanOrEqual(20);
});

test("who comes while another uses all of it waits for the next window at most (LIGHT-035)", () => {
  while (work(1, 20));
  expect(work(2, 1)).toBe(false);
  nowMs = 1_000;
  expect(work(1, 1)).toBe(false);
  expect(work(2, 1)).toBe(true);
});

test("who is silent for a while is counted no more (LIGHT-035)", () => {
  for (let asker = 2; asker < 50; asker++) work(asker, 1);
  nowMs = 5_000;
  work(1, 1);
  nowMs = 6_000;
  const before = nowMs;
  while (work(1, 10));
  expect(nowMs - before).toBeGreaterThanOrEqual(90);
});

test("work that is nobody's is always done, and counts for all (LIGHT-035)", () => {
  budget.spend(() => (nowMs += 100));
  expect(budget.spend(() => 7)).toBe(7);
  expect(work(1, 1)).toBe(false);
});
