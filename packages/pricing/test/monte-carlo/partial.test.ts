/** Units of work and their partials: any split gives the same bytes, and what does not belong together is refused. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decode, encode } from "@stoa/base/codec";
import { equalBytes } from "@stoa/base/bytes";
import { estimate } from "@stoa/pricing/monte-carlo/estimate";
import type { HestonModel, KouModel } from "@stoa/pricing/monte-carlo/model";
import { mergePartials, partialCodec, pathCountOf, type Partial } from "@stoa/pricing/monte-carlo/partial";
import { createSimulation, simulate, verifyPartial } from "@stoa/pricing/monte-carlo/simulation";
import { workDigest, workUnitCodec, workUnitDigest, type Work } from "@stoa/pricing/monte-carlo/work";
import { PricingRefusal } from "@stoa/pricing/refusal";
import { blackScholes, bytesOf, call, workOf } from "./price.ts";

const american = { kind: "american", type: "put", strike: 105, years: 1, exercises: 4, regressionBlocks: 1 } as const;
const heston: HestonModel = {
  kind: "heston",
  spot: 100,
  rate: 0.02,
  dividendYield: 0,
  variance: 0.04,
  meanReversion: 1,
  longVariance: 0.09,
  volatilityOfVariance: 0.6,
  correlation: -0.6,
};
const kou: KouModel = {
  kind: "kou",
  spot: 100,
  rate: 0.02,
  dividendYield: 0,
  volatility: 0.2,
  jumpsPerYear: 2,
  upProbability: 0.4,
  upRate: 12,
  downRate: 8,
};

/** Each with the smallest split of its method. */
const works: readonly (readonly [string, Work, number])[] = [
  ["Black-Scholes with greeks and a control", workOf(blackScholes, call, { greeks: "pathwise", control: "spot" }), 1],
  ["mirrored Heston", workOf(heston, call, { stepsPerObservation: 4, antithetic: true }), 1],
  ["Kou", workOf(kou, call), 1],
  ["an American put", workOf(blackScholes, american, { control: "closed-form" }), 1],
  ["scrambled Sobol points", workOf(heston, call, { points: "sobol", replicates: 4, control: "spot" }), 256],
  ["matched moments", workOf(blackScholes, call, { momentMatching: true }), 4096],
];

function mergeAll(partials: readonly Partial[]): Partial {
  return partials.reduce(mergePartials);
}

describe("the partial of a range", () => {
  test.each(works)("is the sum of those of every split of it: %s (PRICE-051)", (_, work, grain) => {
    const simulation = createSimulation(work);
    const wholeCount = grain === 1 ? 1_500 : 6 * grain;
    const firstPath = 5 * grain;
    const whole = bytesOf(simulation.run({ firstPath, pathCount: wholeCount }));
    const cuts = fc.uniqueArray(fc.integer({ min: 1, max: wholeCount / grain - 1 }), { maxLength: 5 });
    fc.assert(
      fc.property(cuts, fc.infiniteStream(fc.nat()), (places, order) => {
        const ends = [0, ...places.sort((a, b) => a - b).map((place) => place * grain), wholeCount];
        const parts = ends.slice(1).map((end, index) => {
          return simulation.run({ firstPath: firstPath + ends[index]!, pathCount: end - ends[index]! });
        });
        // Merged in an order of its own, two neighbours of a list at a time: a tree of any shape.
        while (1 < parts.length) {
          const place = order.next().value! % (parts.length - 1);
          parts.splice(place, 2, mergePartials(parts[place + 1]!, parts[place]!));
          parts.reverse();
        }
        expect(bytesOf(parts[0]!)).toBe(whole);
      }),
      { numRuns: grain === 4096 ? 6 : 12 },
    );
  });

  test("does not depend on the simulation that other ranges went through before", () => {
    const [, work] = works[1]!;
    const used = createSimulation(work);
    used.run({ firstPath: 77, pathCount: 500 });
    expect(bytesOf(used.run({ firstPath: 0, pathCount: 300 }))).toBe(
      bytesOf(simulate({ ...work, firstPath: 0, pathCount: 300 })),
    );
  });

  test("has canonical bytes", () => {
    const [, work] = works[0]!;
    const gapped = mergeAll([9_000, 0, 400].map((firstPath) => simulate({ ...work, firstPath, pathCount: 100 })));
    expect(gapped.ranges.map(({ firstPath }) => firstPath)).toEqual([0, 400, 9_000]);
    expect(pathCountOf(gapped)).toBe(300);
    const bytes = encode(partialCodec, gapped);
    expect(bytesOf(decode(partialCodec, bytes)!)).toBe(bytesOf(gapped));
    expect(decode(partialCodec, bytes.subarray(1))).toBeUndefined();
    // 32 bytes of digest, then the count of ranges and the first one: make it touch the second.
    const touching = bytes.slice();
    new DataView(touching.buffer).setUint32(32 + 4 + 8, 400, true);
    expect(decode(partialCodec, touching)).toBeUndefined();
    expect(bytes.length).toBeLessThan(700);
  });

  test("can be verified by whoever has the unit, and one bit more is seen (PRICE-051)", () => {
    const [, work] = works[3]!;
    const unit = { ...work, firstPath: 128, pathCount: 333 };
    const partial = simulate(unit);
    expect(verifyPartial(unit, partial)).toBe(true);
    expect(verifyPartial({ ...unit, firstPath: 129 }, partial)).toBe(false);
    const [group] = partial.groups;
    const forged = {
      ...partial,
      groups: [{ ...group!, sums: group!.sums.map((sum, index) => (index === 2 ? sum + 1n : sum)) }],
    };
    expect(verifyPartial(unit, forged)).toBe(false);
  });
});

describe("what is no partial", () => {
  const unit = { ...workOf(blackScholes, call), firstPath: 0, pathCount: 64 };
  const honest = simulate(unit);
  const [group] = honest.groups;

  test.each<[string, unknown]>([
    ["nothing", undefined],
    ["null", null],
    ["a number", 7],
    ["an object without fields", {}],
    ["a digest that is text", { ...honest, work: "work" }],
    ["a digest of another size", { ...honest, work: honest.work.subarray(1) }],
    ["ranges that are no list", { ...honest, ranges: 3 }],
    ["a range of NaN paths", { ...honest, ranges: [{ firstPath: 0, pathCount: NaN }] }],
    ["a range below zero", { ...honest, ranges: [{ firstPath: -64, pathCount: 64 }] }],
    ["no groups", { ...honest, groups: undefined }],
    ["a group of nothing", { ...honest, groups: [null] }],
    ["sums that are numbers", { ...honest, groups: [{ ...group!, sums: group!.sums.map(Number) }] }],
    ["sums without limit", { ...honest, groups: [{ ...group!, sums: group!.sums.map((sum) => sum << 4000n) }] }],
    [
      "fields that throw",
      new Proxy(honest, {
        get() {
          throw new Error("hostile");
        },
      }),
    ],
  ])("is not verified, and does not throw: %s (PRICE-051)", (_, partial) => {
    expect(verifyPartial(unit, partial as Partial)).toBe(false);
    expect(verifyPartial(unit, honest)).toBe(true);
  });
});

describe("merging", () => {
  const work = workOf(blackScholes, call);
  const run = (firstPath: number, pathCount: number, of = work) => simulate({ ...of, firstPath, pathCount });

  test("refuses a path that is in both, and work of another kind (PRICE-051)", () => {
    const refusal = (left: Partial, right: Partial): string => {
      try {
        mergePartials(left, right);
      } catch (error) {
        if (error instanceof PricingRefusal) return error.argument;
        throw error;
      }
      return "merged";
    };
    expect(refusal(run(0, 100), run(100, 5))).toBe("merged");
    expect(refusal(run(0, 100), run(99, 5))).toBe("partial.ranges");
    expect(refusal(run(99, 5), run(0, 100))).toBe("partial.ranges");
    expect(refusal(run(0, 10), run(10, 10, { ...work, seed: 1n }))).toBe("partial.work");
    expect(() => estimate({ ...work, seed: 1n }, run(0, 10))).toThrow(PricingRefusal);
  });

  test("and estimating refuse what no simulation of the work gives, from whomever it comes", () => {
    const honest = run(0, 100);
    const [group] = honest.groups;
    const forged: readonly Partial[] = [
      { ...honest, groups: [] },
      { ...honest, groups: [group!, group!] },
      { ...honest, groups: [{ ...group!, sums: group!.sums.slice(1) }] },
      { ...honest, groups: [{ ...group!, sampleCount: 99 }] },
      { ...honest, ranges: [{ firstPath: 0, pathCount: 101 }] },
    ];
    for (const [index, partial] of forged.entries()) {
      expect(() => estimate(work, partial), String(index)).toThrow(/^partial\.groups must hold the sums/);
      if (index < 3)
        expect(() => mergePartials(run(200, 5), partial)).toThrow(/^partial\.groups must have as many sums/);
    }
    expect(estimate(work, honest).pathCount).toBe(100);
  });

  test("has digests that tell work from work and range from range", () => {
    const unit = { ...work, firstPath: 0, pathCount: 10 };
    const others = [
      { ...unit, seed: 0n },
      { ...unit, model: { ...blackScholes, rate: 0.0500001 } },
      { ...unit, payoff: { ...call, type: "put" as const } },
      { ...unit, method: { ...work.method, antithetic: true } },
    ];
    for (const other of others) expect(equalBytes(workDigest(other), workDigest(unit))).toBe(false);
    for (const other of [...others, { ...unit, firstPath: 1 }, { ...unit, pathCount: 11 }]) {
      expect(equalBytes(workUnitDigest(other), workUnitDigest(unit))).toBe(false);
    }
    const read = decode(workUnitCodec, encode(workUnitCodec, unit))!;
    expect(workUnitDigest(read)).toEqual(workUnitDigest(unit));
    expect(workDigest(unit)).toEqual(workDigest(work));
  });
});
