import { describe, expect, test } from "vitest";
import { PricingRefusal } from "@stoa/pricing/refusal";
import { butterflyAt, sviRefusal } from "@stoa/pricing/surface/butterfly-check";
import { calendarGap } from "@stoa/pricing/surface/calendar-check";
import {
  ssviNatural,
  ssviPhi,
  ssviRefusal,
  ssviSlice,
  ssviVariance,
  ssviWingGrowth,
  type Ssvi,
} from "@stoa/pricing/surface/ssvi";
import {
  jumpWingsOfRaw,
  naturalOfRaw,
  rawOfJumpWings,
  rawOfNatural,
  type SviJumpWings,
} from "@stoa/pricing/surface/svi-forms";
import { sviDensityFactor, sviVariance, type SviSlice } from "@stoa/pricing/svi";
import { between, uniformOf, type Uniform } from "./chains.ts";

const randomSlice = (uniform: Uniform): SviSlice => ({
  a: between(uniform, 0.001, 0.1),
  b: between(uniform, 0.01, 0.6),
  rho: between(uniform, -0.95, 0.95),
  m: between(uniform, -0.5, 0.5),
  s: between(uniform, 0.02, 0.6),
});

// Vogt's slice (Gatheral and Jacquier 2014, example 3.1) and the numbers that they print for it in section 5.1.
const vogt: SviSlice = { a: -0.041, b: 0.1331, rho: 0.306, m: 0.3586, s: 0.4153 };

/** The largest distance of two slices' total variances, as a part of them. */
function distance(one: SviSlice, other: SviSlice): number {
  let worst = 0;
  for (let k = -2; k <= 2; k += 0.05) {
    const value = sviVariance(one, k).variance;
    worst = Math.max(worst, Math.abs(sviVariance(other, k).variance / value - 1));
  }
  return worst;
}

describe("the three forms of SVI are one curve (PRICE-030)", () => {
  test("the published jump-wings numbers of Vogt's slice come out", () => {
    const wings = jumpWingsOfRaw(vogt, 1);
    expect(wings.variance).toBeCloseTo(0.01742625, 8);
    expect(wings.skew).toBeCloseTo(-0.1752111, 7);
    expect(wings.putSlope).toBeCloseTo(0.6997381, 6);
    expect(wings.callSlope).toBeCloseTo(1.316798, 6);
    expect(wings.varianceMin).toBeCloseTo(0.0116249, 7);
  });

  test("raw to natural and back, and the natural formula gives the raw variance", () => {
    const uniform = uniformOf("natural");
    for (let count = 0; count < 500; count++) {
      const slice = randomSlice(uniform);
      const { delta, mu, rho, omega, zeta } = naturalOfRaw(slice);
      expect(distance(slice, rawOfNatural({ delta, mu, rho, omega, zeta }))).toBeLessThan(1e-12);
      const k = between(uniform, -1, 1);
      const lift = zeta * (k - mu) + rho;
      const natural = delta + 0.5 * omega * (1 + zeta * rho * (k - mu) + Math.sqrt(lift * lift + 1 - rho * rho));
      expect(Math.abs(natural / sviVariance(slice, k).variance - 1)).toBeLessThan(1e-12);
    }
  });

  test("raw to jump wings and back", () => {
    const uniform = uniformOf("jump wings");
    let worst = 0;
    for (let count = 0; count < 500; count++) {
      const slice = randomSlice(uniform);
      const wings = jumpWingsOfRaw(slice, between(uniform, 0.01, 3));
      const back = rawOfJumpWings(wings);
      if (typeof back === "string") throw new Error(`${back} ${JSON.stringify(slice)}`);
      worst = Math.max(worst, distance(slice, back));
    }
    // The minimum at the money would leave the width open: near it digits are lost.
    expect(worst).toBeLessThan(1e-6);
  });

  test("five numbers that determine no slice say why", () => {
    const good: SviJumpWings = {
      years: 1,
      variance: 0.04,
      skew: -0.05,
      putSlope: 0.6,
      callSlope: 0.4,
      varianceMin: 0.035,
    };
    expect(typeof rawOfJumpWings(good)).toBe("object");
    expect(rawOfJumpWings({ ...good, skew: 0 })).toBe("width-not-determined");
    expect(rawOfJumpWings({ ...good, skew: -0.3 })).toBe("skew-beyond-wings");
    expect(rawOfJumpWings({ ...good, skew: 0.2 })).toBe("skew-beyond-wings");
    expect(rawOfJumpWings({ ...good, varianceMin: 0.04 })).toBe("minimum-above-money");
    expect(() => rawOfJumpWings({ ...good, variance: -1 })).toThrow("variance must be positive");
    expect(() => rawOfNatural({ delta: 0, mu: 0, rho: 1, omega: 1, zeta: 1 })).toThrow(PricingRefusal);
    expect(() => naturalOfRaw({ ...vogt, s: 0 })).toThrow("s must be positive");
  });
});

describe("SSVI (PRICE-031)", () => {
  const surfaces: readonly Ssvi[] = [
    { rho: -0.4, phi: { kind: "power-law", eta: 1.2, gamma: 0.45 } },
    { rho: 0.3, phi: { kind: "heston-like", lambda: 1.5 } },
  ];

  test("its formula and its raw form are one curve, theta at the money", () => {
    for (const ssvi of surfaces) {
      for (const theta of [1e-4, 0.01, 0.2, 3]) {
        expect(Math.abs(ssviVariance(ssvi, theta, 0) / theta - 1)).toBeLessThan(1e-14);
        expect(distance(ssviSlice(ssvi, theta), rawOfNatural(ssviNatural(ssvi, theta)))).toBeLessThan(1e-12);
        for (const k of [-1, -0.1, 0.05, 0.7]) {
          const raw = sviVariance(ssviSlice(ssvi, theta), k).variance;
          expect(Math.abs(raw / ssviVariance(ssvi, theta, k) - 1)).toBeLessThan(1e-12);
        }
      }
    }
  });

  test("phi is continuous where its series ends, and the growth of the wings is its derivative", () => {
    for (const { phi } of surfaces) {
      for (const theta of [1e-6, 0.01, 0.6, 1 / 1.5 - 1e-9, 1 / 1.5 + 1e-9, 4]) {
        const h = 1e-5 * theta;
        const wings = (at: number): number => at * ssviPhi(phi, at);
        const slope = (wings(theta + h) - wings(theta - h)) / (2 * h);
        expect(Math.abs(ssviWingGrowth(phi, theta) / slope - 1), `${phi.kind} ${theta}`).toBeLessThan(1e-6);
      }
      const [before, after] = [ssviPhi(phi, 1 / 1.5 - 1e-12), ssviPhi(phi, 1 / 1.5 + 1e-12)];
      expect(Math.abs(before / after - 1)).toBeLessThan(1e-11);
    }
    expect(ssviPhi({ kind: "heston-like", lambda: 2 }, 1e-12)).toBeCloseTo(0.5, 11);
  });

  test("what its conditions accept, the checks of slices accept", () => {
    const uniform = uniformOf("ssvi");
    let accepted = 0;
    for (let count = 0; count < 200; count++) {
      const rho = between(uniform, -0.9, 0.9);
      const heston = uniform() < 0.5;
      const phi: Ssvi["phi"] = heston
        ? { kind: "heston-like", lambda: between(uniform, 0.1, 4) }
        : { kind: "power-law", eta: between(uniform, 0.1, 3), gamma: between(uniform, 0.05, 0.9) };
      const thetas = [0.001, 0.004, 0.03, 0.2].map((theta) => theta * between(uniform, 0.9, 1.1));
      if (ssviRefusal({ rho, phi }, thetas) !== undefined) continue;
      accepted++;
      const slices = thetas.map((theta) => ssviSlice({ rho, phi }, theta));
      for (const [index, slice] of slices.entries()) {
        expect(sviRefusal(slice), JSON.stringify({ rho, phi, thetas })).toBeUndefined();
        if (0 < index) expect(calendarGap(slices[index - 1]!, slice).gap).toBeGreaterThan(0);
      }
    }
    expect(accepted).toBeGreaterThan(50);
  });

  test("each condition is refused by its name", () => {
    const ssvi: Ssvi = { rho: -0.9, phi: { kind: "power-law", eta: 1, gamma: 0.4 } };
    expect(ssviRefusal(ssvi, [0.1, 0.2])).toBeUndefined();
    expect(ssviRefusal(ssvi, [0.2, 0.1])).toBe("theta-falls");
    expect(ssviRefusal({ ...ssvi, phi: { kind: "power-law", eta: 5, gamma: 0.4 } }, [0.1])).toBe("butterfly");
    expect(ssviRefusal({ ...ssvi, phi: { kind: "power-law", eta: 9, gamma: 0.4 } }, [50])).toBe("wings-too-steep");
    expect(() => ssviRefusal(ssvi, [])).toThrow("thetas must not be empty");
    expect(() => ssviRefusal(ssvi, [0])).toThrow("thetas[0] must be positive");
    expect(() => ssviSlice({ ...ssvi, rho: -1 }, 0.1)).toThrow("rho must be between -1 and 1");
    expect(() => ssviPhi({ kind: "power-law", eta: 1, gamma: 1 }, 0.1)).toThrow("phi.gamma");
  });
});

describe("the checks at all strikes (PRICE-032)", () => {
  test("butterflies: they agree with a dense grid on random slices, and where they refuse the density is negative", () => {
    const uniform = uniformOf("butterflies");
    const counts = { free: 0, found: 0 };
    for (let count = 0; count < 400; count++) {
      const slice = randomSlice(uniform);
      if (2 <= slice.b * (1 + Math.abs(slice.rho))) continue;
      const found = butterflyAt(slice);
      let least = Infinity;
      for (let k = -6; k <= 6; k += 0.002) least = Math.min(least, sviDensityFactor(slice, k));
      if (found === undefined) {
        counts.free++;
        expect(least, JSON.stringify(slice)).toBeGreaterThan(0);
      } else {
        counts.found++;
        expect(sviDensityFactor(slice, found), JSON.stringify(slice)).toBeLessThan(0);
      }
    }
    expect(counts.free).toBeGreaterThan(50);
    expect(counts.found).toBeGreaterThan(50);
  });

  test("butterflies: one narrower than the steps of a grid of 601 points is found, and one far out", () => {
    // Almost a kink: the density is negative within a few widths of it only.
    const kink: SviSlice = { a: 0.01, b: 0.3, rho: 0, m: 0.0031, s: 2e-4 };
    expect(butterflyAt(kink)).toBeTypeOf("number");
    expect(butterflyAt(vogt)).toBeTypeOf("number");
    expect(sviDensityFactor(vogt, butterflyAt(vogt)!)).toBeLessThan(0);
    const flat: SviSlice = { a: 0.04, b: 0, rho: 0, m: 0, s: 1 };
    expect(butterflyAt(flat)).toBeUndefined();
  });

  test("butterflies: those in a wing only, beyond four widths of the bend, are found on either side", () => {
    const slices: readonly SviSlice[] = [
      { a: 0.19222894943400032, b: 0.7893264356065344, rho: -0.7021746864387417, m: -0.8918637938643839, s: 0.0139198 },
      { a: 0.028324872676884993, b: 0.8113118106866021, rho: -0.664697682956082, m: 0.9749367551910602, s: 0.0605842 },
      { a: 0.07318267762466074, b: 0.8210267379758042, rho: -0.6636333332234876, m: 0.8279571550919345, s: 0.1006526 },
    ];
    for (const slice of slices) {
      for (const side of [slice, { ...slice, rho: -slice.rho, m: -slice.m }]) {
        const reach = Math.abs(side.m) + 4 * side.s;
        for (let part = -1; part <= 1; part += 0.001) {
          expect(sviDensityFactor(side, part * reach)).toBeGreaterThan(0);
        }
        const found = butterflyAt(side)!;
        expect(Math.abs(found)).toBeGreaterThan(reach);
        expect(sviDensityFactor(side, found)).toBeLessThan(0);
      }
    }
  });

  test("butterflies: one of a millionth of the density, over a thousandth in k, is told from none", () => {
    const leastNear = (slice: SviSlice): number => {
      let least = Infinity;
      for (let k = 0.5; k <= 1.2; k += 1e-4) least = Math.min(least, sviDensityFactor(slice, k));
      return least;
    };
    // Vogt's slice becomes sound when it is lifted: find where, by halving.
    let unsound = vogt.a;
    let sound = 0.02;
    for (let count = 0; count < 40; count++) {
      const middle = 0.5 * (unsound + sound);
      if (leastNear({ ...vogt, a: middle }) < 0) unsound = middle;
      else sound = middle;
    }
    const barely = { ...vogt, a: unsound - 1e-8 };
    expect(leastNear(barely)).toBeLessThan(0);
    expect(leastNear(barely)).toBeGreaterThan(-1e-5);
    expect(butterflyAt(barely)).toBeTypeOf("number");
    expect(sviDensityFactor(barely, butterflyAt(barely)!)).toBeLessThan(0);
    expect(butterflyAt({ ...vogt, a: sound + 1e-6 })).toBeUndefined();
  });

  test("calendars: the gap is a lower bound, and near the least of a dense grid where slices cross", () => {
    const uniform = uniformOf("calendars");
    const counts = { free: 0, crossed: 0 };
    for (let count = 0; count < 400; count++) {
      const early = randomSlice(uniform);
      const late = { ...randomSlice(uniform), b: early.b + between(uniform, 0, 0.3), rho: early.rho * 0.9 };
      const { gap, k } = calendarGap(early, late);
      let least = Infinity;
      for (let at = -6; at <= 6; at += 0.002) {
        least = Math.min(least, sviVariance(late, at).variance - sviVariance(early, at).variance);
      }
      if (gap === -Infinity) continue;
      expect(gap, JSON.stringify({ early, late })).toBeLessThanOrEqual(least + 1e-15);
      if (0 < gap) counts.free++;
      else {
        counts.crossed++;
        const there = sviVariance(late, k).variance - sviVariance(early, k).variance;
        expect(there).toBeLessThan(0);
        expect(there).toBeGreaterThanOrEqual(gap);
        expect(there).toBeLessThanOrEqual(0.98 * gap + 1e-15);
      }
    }
    expect(counts.free).toBeGreaterThan(30);
    expect(counts.crossed).toBeGreaterThan(30);
  });

  test("calendars: wings that cross far beyond every quote are found on their side", () => {
    const early: SviSlice = { a: 0.01, b: 0.2, rho: 0, m: 0, s: 0.1 };
    const higher = { ...early, a: 1 };
    expect(calendarGap(early, { ...higher, b: 0.1999, rho: 0 }).gap).toBe(-Infinity);
    expect(calendarGap(early, { ...higher, rho: 0.01 })).toMatchObject({ gap: -Infinity, k: -Infinity });
    expect(calendarGap(early, { ...higher, b: 0.2001 }).gap).toBeGreaterThan(0);
  });
});
