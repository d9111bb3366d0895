import { expect, test } from "vitest";
import type { Digest } from "@stoa/base/hash";
import type { Height } from "@stoa/base/units";
import type { ExecutedRoots } from "@stoa/protocol/finality/header";
import { createRootsHistory } from "../src/roots-history.ts";

const rootsOf = (height: number): ExecutedRoots => ({
  height: height as Height,
  moduleRoots: [1, 2].map((module) => new Uint8Array(32).fill(height + module) as Digest),
  resultsRoot: new Uint8Array(32).fill(height) as Digest,
});

test("the last heights are remembered as they were, older ones and those to come are not", () => {
  const history = createRootsHistory(rootsOf(40), 5);
  expect([history.newest(), history.all()]).toEqual([rootsOf(40), [rootsOf(40)]]);
  for (let height = 41; height <= 50; height++) history.push(rootsOf(height));
  expect(history.newest()).toEqual(rootsOf(50));
  expect(history.all()).toEqual([46, 47, 48, 49, 50].map(rootsOf));
  expect([46, 48, 50].map(history.at)).toEqual([46, 48, 50].map(rootsOf));
  expect([0, 40, 45, 51].map(history.at)).toEqual([undefined, undefined, undefined, undefined]);
});

test("a height that is left out is a broken invariant", () => {
  expect(() => createRootsHistory(rootsOf(1), 5).push(rootsOf(3))).toThrow("height by height");
});
