/** The watch that notices when a validator is cut off (NET-050): by what others say, and by who is there. */
import { describe, expect, test } from "vitest";
import type { View } from "@stoa/base/units";
import type { ValidatorIndex } from "@stoa/protocol/primitives";
import { createViewWatch, type ViewWatch } from "../src/network/view-watch.ts";

const peer = (index: number): ValidatorIndex => index as ValidatorIndex;
const kinds = (watch: ViewWatch, nowMs: number): string[] => watch.alarms(nowMs).map(({ kind }) => kind);

/** Validator 0 of several, all connected, in view 10. */
function watchOf(stakes: readonly number[]): ViewWatch {
  const watch = createViewWatch(stakes, peer(0), 0);
  stakes.forEach((_, index) => index !== 0 && watch.peerChanged(peer(index), true, 0));
  watch.entered(10 as View, 0);
  return watch;
}

/** These say once a second that they are in some view. */
function say(watch: ViewWatch, peers: readonly number[], view: number, fromMs: number, toMs: number): void {
  for (let atMs = fromMs; atMs <= toMs; atMs += 1_000)
    for (const index of peers) watch.reported(peer(index), view as View, atMs);
}

describe("a view that does not advance", () => {
  test("while a third of the stake is in later ones raises an alarm within ten seconds, and not at once", () => {
    const watch = watchOf([1, 1, 1]);
    say(watch, [1], 50, 1_000, 10_000);
    expect(kinds(watch, 4_900)).toEqual([]);
    expect(kinds(watch, 9_900)).toEqual(["view-behind"]);
    expect(watch.alarms(9_900)[0]!.fact).toContain("view 10 has not ended for 10 s");
  });

  test("is nothing to tell of while less than a third is elsewhere", () => {
    const watch = watchOf([1, 1, 1, 1]);
    say(watch, [1], 50, 1_000, 20_000);
    expect(kinds(watch, 20_000)).toEqual([]);
    say(watch, [1, 2], 50, 20_000, 30_000);
    expect(kinds(watch, 30_000)).toEqual(["view-behind"]);
  });

  test("is weighed by stake, not by heads", () => {
    const watch = watchOf([1, 1, 1, 1, 2]);
    say(watch, [1], 50, 1_000, 9_000);
    expect(kinds(watch, 9_000)).toEqual([]);
    say(watch, [4], 50, 1_000, 9_000);
    expect(kinds(watch, 9_000)).toEqual(["view-behind"]);
  });

  test("in a quiet network, where nobody is further, is no alarm", () => {
    const watch = watchOf([1, 1, 1, 1]);
    say(watch, [1, 2, 3], 10, 1_000, 60_000);
    expect(kinds(watch, 60_000)).toEqual([]);
  });

  test("is forgotten when it advances, when those that said so are gone, and when they said it long ago", () => {
    const advanced = watchOf([1, 1, 1]);
    say(advanced, [1], 50, 1_000, 9_000);
    advanced.entered(49 as View, 9_500);
    expect(kinds(advanced, 10_000)).toEqual([]);
    const left = watchOf([1, 1, 1, 1, 1]);
    say(left, [1, 2], 50, 1_000, 9_000);
    left.peerChanged(peer(2), false, 9_500);
    expect(kinds(left, 10_000)).toEqual([]);
    const old = watchOf([1, 1, 1]);
    say(old, [1], 50, 1_000, 2_000);
    expect(kinds(old, 30_000)).toEqual([]);
  });
});

describe("fewer peers than a quorum needs", () => {
  test("raise an alarm after five seconds, until enough are back", () => {
    const watch = watchOf([1, 1, 1, 1]);
    watch.peerChanged(peer(1), false, 1_000);
    expect(kinds(watch, 60_000), "three of four are a quorum").toEqual([]);
    watch.peerChanged(peer(2), false, 60_000);
    watch.peerChanged(peer(3), false, 63_000);
    expect(kinds(watch, 64_900)).toEqual([]);
    expect(kinds(watch, 65_000)).toEqual(["quorum-out-of-reach"]);
    watch.peerChanged(peer(2), true, 70_000);
    expect(kinds(watch, 70_000)).toEqual(["quorum-out-of-reach"]);
    watch.peerChanged(peer(3), true, 71_000);
    expect(kinds(watch, 71_000)).toEqual([]);
  });

  test("raise it when those that are there have exactly two thirds of the stake", () => {
    const watch = watchOf([1, 1, 1]);
    watch.peerChanged(peer(2), false, 0);
    expect(kinds(watch, 5_000)).toEqual(["quorum-out-of-reach"]);
    watch.peerChanged(peer(2), true, 6_000);
    expect(kinds(watch, 6_000)).toEqual([]);
  });

  test("raise it from the start, too, when nobody comes", () => {
    const watch = createViewWatch([1, 1, 1, 1], peer(0), 0);
    expect(kinds(watch, 4_000)).toEqual([]);
    expect(kinds(watch, 6_000)).toEqual(["quorum-out-of-reach"]);
  });

  test("are no matter for a chain of one validator", () => {
    const watch = createViewWatch([1], peer(0), 0);
    expect(kinds(watch, 60_000)).toEqual([]);
  });
});
