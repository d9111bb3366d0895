/** Deadlines of the driver: what is moved back fires late and once, what is moved forward fires early. */
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { createDeadlines } from "../src/deadlines.ts";

let passed: { readonly value: number; readonly atMs: number }[];
beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
  passed = [];
});
afterEach(() => vi.useRealTimers());
const open = () => {
  const startMs = performance.now();
  return createDeadlines<string, number>((value) => passed.push({ value, atMs: performance.now() - startMs }));
};

describe("deadlines", () => {
  test("that are moved back pass once, at the later time, and cost no timer until the earlier one fires", () => {
    const deadlines = open();
    deadlines.set("view", 100, 1);
    for (let move = 1; move <= 9; move++) {
      vi.advanceTimersByTime(10);
      deadlines.set("view", 100, 1 + move);
      expect(vi.getTimerCount()).toBe(1);
    }
    vi.advanceTimersByTime(99);
    expect(passed).toEqual([]);
    vi.advanceTimersByTime(1_000);
    expect(passed).toEqual([{ value: 10, atMs: 190 }]);
    expect(vi.getTimerCount()).toBe(0);
  });

  test("that are moved forward pass at the earlier time, and those that have passed can be set again", () => {
    const deadlines = open();
    deadlines.set("idle", 1_000, 1);
    deadlines.set("retry", 40, 2);
    deadlines.set("idle", 20, 3);
    vi.advanceTimersByTime(2_000);
    expect(passed).toEqual([
      { value: 3, atMs: 20 },
      { value: 2, atMs: 40 },
    ]);
    deadlines.set("idle", 5, 4);
    deadlines.set("retry", 5, 5);
    deadlines.clear();
    vi.advanceTimersByTime(2_000);
    expect(passed).toHaveLength(2);
  });
});
