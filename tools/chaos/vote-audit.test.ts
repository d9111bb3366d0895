/** Votes of one key that contradict each other must be noticed: I4 on what logs hold. */
import { describe, expect, test } from "vitest";
import { castFaults } from "./vote-audit.ts";

const cast = (...votes: readonly (readonly [key: string, ...digests: string[]])[]) =>
  new Map(votes.map(([key, ...digests]) => [key, new Set(digests)]));
const kinds = (faults: readonly string[]): string[] => faults.map((fact) => fact.split(":")[0]!);

describe("the votes of one validator", () => {
  test("hold when each view has one notarize, and one of nullify and finalize", () => {
    const votes = cast(
      ["1 notarize", "a"],
      ["1 finalize", "a"],
      ["2 notarize", "b"],
      ["2 nullify", ""],
      ["3 nullify", ""],
    );
    expect(castFaults(0, votes)).toEqual([]);
  });

  test("are refused when two of a kind differ, and when a view has nullify and finalize", () => {
    expect(kinds(castFaults(0, cast(["1 notarize", "a", "b"])))).toEqual(["I4"]);
    expect(kinds(castFaults(0, cast(["1 finalize", "a", "b"])))).toEqual(["I4"]);
    expect(kinds(castFaults(0, cast(["7 finalize", "a"], ["7 nullify", ""])))).toEqual(["I4"]);
  });
});
