/** The table of promises (docs/acceptance.md) names tests that exist. */
import { expect, test } from "vitest";
import { readText } from "./sources.ts";

test("every test that docs/acceptance.md names is there", () => {
  const table = readText("docs/acceptance.md");
  const named = [...table.matchAll(/`((?:packages|tools)\/[^`]+\.test\.ts)` "([^"]+)"/g)];
  expect(named.length).toBeGreaterThan(60);
  const missing = named.filter(([, path, words]) => {
    try {
      return !readText(path!).includes(words!);
    } catch {
      return true;
    }
  });
  expect(missing.map(([reference]) => reference)).toEqual([]);
});
