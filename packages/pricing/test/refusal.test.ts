import { describe, expect, test } from "vitest";
import { finite, integer, notNegative, oneOf, positive, PricingRefusal } from "@stoa/pricing/refusal";

function refusalOf(work: () => unknown): PricingRefusal {
  try {
    work();
  } catch (error) {
    if (error instanceof PricingRefusal) return error;
    throw error;
  }
  throw new Error("nothing was refused");
}

describe("a bad argument", () => {
  test.each([
    [() => positive("forward", 0), "forward", "not-positive", "forward must be positive: 0"],
    [() => positive("forward", NaN), "forward", "not-a-number", "forward is not a number: NaN"],
    [() => positive("strike", Infinity), "strike", "not-finite", "strike must be finite: Infinity"],
    [() => notNegative("years", -1e-9), "years", "negative", "years must not be negative: -1e-9"],
    [() => positive("forward", "0.2" as unknown as number), "forward", "not-a-number", "forward is not a number: 0.2"],
    [() => notNegative("years", "1" as unknown as number), "years", "not-a-number", "years is not a number: 1"],
    [() => finite("rate", -Infinity), "rate", "not-finite", "rate must be finite: -Infinity"],
    [() => integer("pathCount", 1.5, 1, 9), "pathCount", "not-an-integer", "pathCount must be an integer: 1.5"],
    [() => integer("pathCount", 10, 1, 9), "pathCount", "outside-range", "pathCount must be within 1 and 9: 10"],
    [
      () => oneOf<string>("type", "straddle", ["call", "put"]),
      "type",
      "unknown",
      "type must be one of call, put: straddle",
    ],
  ])("is refused by name %#", (work, argument, reason, message) => {
    const refusal = refusalOf(work);
    expect([refusal.argument, refusal.reason, refusal.message]).toEqual([argument, reason, message]);
  });

  test("and a good one is handed back", () => {
    expect([positive("x", 5e-324), notNegative("x", 0), finite("x", -1), integer("x", 9, 1, 9)]).toEqual([
      5e-324, 0, -1, 9,
    ]);
    expect(oneOf("type", "put", ["call", "put"])).toBe("put");
  });
});
