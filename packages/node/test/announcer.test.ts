/** Who tells of a finalization, and when nobody needs to. */
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Finalization } from "@stoa/protocol/finality/certificate";
import type { ValidatorIndex } from "@stoa/protocol/primitives";
import { createAnnouncer, type Announcer } from "../src/announcer.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const finalizationOfView = (view: number): Finalization => ({ kind: "finalization", view }) as unknown as Finalization;

/** Announcers of four validators that all make the same finalizations; `hears` says whether they hear each other. */
function openFour(hears: boolean): { readonly four: readonly Announcer[]; readonly told: string[] } {
  const told: string[] = [];
  const four = [0, 1, 2, 3].map((self) =>
    createAnnouncer({
      self: self as ValidatorIndex,
      validatorsCount: 4,
      announce(finalization) {
        told.push(`${self}: ${finalization.view}`);
        if (hears) four.forEach((other, index) => index !== self && other.heard(finalization));
      },
    }),
  );
  return { four, told };
}

test("of validators that all have a finalization one tells of it, another one in the next view", () => {
  const { four, told } = openFour(true);
  for (const view of [8, 9]) {
    for (const one of four) one.put(finalizationOfView(view));
    vi.advanceTimersByTime(1_000);
  }
  expect(told).toEqual(["0: 8", "3: 9"]);
});

test("all tell of it when they do not hear each other", () => {
  const { four, told } = openFour(false);
  for (const one of four) one.put(finalizationOfView(8));
  vi.advanceTimersByTime(1_000);
  expect(told.sort()).toEqual(["0: 8", "1: 8", "2: 8", "3: 8"]);
});

test("under load the newest is told at intervals, however fast they come", () => {
  const { four, told } = openFour(true);
  for (let view = 1; view <= 500; view++) {
    four[0]!.put(finalizationOfView(view));
    vi.advanceTimersByTime(1);
  }
  vi.advanceTimersByTime(1_000);
  expect(told.length).toBeGreaterThan(5);
  expect(told.length).toBeLessThan(40);
  expect(told.at(-1)).toBe("0: 500");
});
