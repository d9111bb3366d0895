/** Golden cases of the surface: the fit of a chain, and everything that is read from what it gives. */
import type { Prng } from "@stoa/base/prng";
import { exp } from "@stoa/base/exact";
import { black76Price } from "@stoa/pricing/black76";
import { butterflyAt, sviRefusal } from "@stoa/pricing/surface/butterfly-check";
import { calendarGap } from "@stoa/pricing/surface/calendar-check";
import { checkChain, quoteSettings, quoteState, type ExpiryQuotes } from "@stoa/pricing/surface/chain";
import {
  atTheMoney,
  butterfly,
  deltaAt,
  riskReversal,
  strikeAtDelta,
  termStructure,
  volatilityAtDelta,
} from "@stoa/pricing/surface/delta";
import { fitSurface } from "@stoa/pricing/surface/fit-surface";
import { forwardOf, forwardPoints, makeForwardCurve } from "@stoa/pricing/surface/forward-curve";
import { impliedForward, paritySettings } from "@stoa/pricing/surface/put-call-parity";
import { ssviNatural, ssviPhi, ssviRefusal, ssviSlice, ssviVariance, ssviWingGrowth, type Ssvi } from "@stoa/pricing/surface/ssvi";
import { checkSurface, localVolatility, surfaceDensityFactor, surfaceShape } from "@stoa/pricing/surface/surface-check";
import {
  makeSurface,
  surfaceDiscount,
  surfaceForward,
  surfaceVariance,
  surfaceVolatility,
  type Surface,
} from "@stoa/pricing/surface/surface";
import { jumpWingsOfRaw, naturalOfRaw, rawOfJumpWings, rawOfNatural } from "@stoa/pricing/surface/svi-forms";
import { indexSettings, indexTerm, surfaceFairVariance, volatilityIndex } from "@stoa/pricing/surface/volatility-index";
import { sviVariance } from "@stoa/pricing/svi";
import { between, many, outcomeOf, pick, type GoldenCase } from "./golden-case.ts";

const ssvi: Ssvi = { rho: -0.3, phi: { kind: "power-law", eta: 1.1, gamma: 0.4 } };
const times = [0.02, 0.08, 0.25, 0.7];
const thetas = times.map((years) => 0.3 * years + 0.01 * years * years);
const surface: Surface = makeSurface(
  times.map((years, index) => ({
    years,
    forward: 100 * exp(0.04 * years),
    discount: exp(-0.04 * years),
    svi: ssviSlice(ssvi, thetas[index] as number),
  })),
);

/** Quotes of the surface with noise; now and then a side is missing, crossed or old. */
function chainOf(random: Prng): ExpiryQuotes[] {
  return surface.slices.map(({ years, forward, discount, svi }) => {
    const quotes = many(15, () => 0).flatMap((_, index) => {
      const k = (index - 7) * 0.35 * Math.sqrt(0.3 * years);
      const strike = forward * exp(k);
      const volatility = Math.sqrt(sviVariance(svi, k).variance / years);
      return (["call", "put"] as const).map((type) => {
        const price = black76Price({ type, forward, strike, years, volatility, discount });
        const mid = price * between(random, 0.99, 1.01);
        const half = 0.01 * price + 0.01;
        const bid = Math.max(0, mid - half);
        const ask = random.below(15) === 0 ? undefined : mid + half * pick(random, [1, 1, 1, 1, 1, 1, -2]);
        return { type, strike, bid, ask, ageSeconds: 30 * random.below(4) };
      });
    });
    return { years, quotes };
  });
}

const place = (random: Prng) => ({ k: between(random, -1.5, 1.5), years: pick(random, [0.01, 0.02, 0.1, 0.5, 0.7, 1.5]) });
const convention = (random: Prng) => pick(random, ["forward", "discounted", "premium-adjusted"] as const);
const points = 32;

const slice = (random: Prng) => ({
  a: between(random, 0.001, 0.05),
  b: between(random, 0.02, 0.4),
  rho: between(random, -0.9, 0.9),
  m: between(random, -0.2, 0.2),
  s: between(random, 0.02, 0.5),
});

const fits: readonly GoldenCase[] = [
  {
    name: "surface/fit-surface#fitSurface",
    covers: [
      ...["least-squares", "observations", "robust", "slice-fit", "ssvi-fit", "surface-corridors", "surface-repair"],
    ].map((name) => `surface/${name}#*`),
    run: (random) => many(2, () => fitSurface(chainOf(random), { staleAfterSeconds: 80 })),
  },
  {
    name: "surface/put-call-parity#impliedForward",
    run: (random) => chainOf(random).map(({ quotes }) => impliedForward(quotes, { ...paritySettings, discount: undefined })),
  },
  {
    name: "surface/chain#quoteState",
    covers: ["surface/chain#checkChain", "surface/chain#checkQuotes"],
    run: (random) => {
      const chain = chainOf(random);
      checkChain(chain, quoteSettings);
      return chain.map(({ quotes }) => quotes.map((quote) => quoteState(quote, quoteSettings)));
    },
  },
  {
    name: "surface/volatility-index#volatilityIndex",
    covers: ["surface/volatility-index#indexTerm"],
    run: (random) => {
      const chain = chainOf(random);
      return [volatilityIndex(chain), chain.map((expiry) => indexTerm(expiry, indexSettings))];
    },
  },
  {
    name: "surface/forward-curve#forwardOf",
    covers: ["surface/forward-curve#makeForwardCurve", "surface/forward-curve#forwardPoints"],
    run: (random) => {
      const curve = makeForwardCurve(forwardPoints(chainOf(random)));
      return [curve, many(points, () => forwardOf(curve, between(random, 0, 1)))];
    },
  },
];

const readings: readonly GoldenCase[] = [
  {
    name: "surface/surface#surfaceVolatility",
    covers: ["surface/surface#makeSurface"],
    run: (random) => many(points, () => surfaceVolatility(surface, between(random, 20, 400), place(random).years)),
  },
  {
    name: "surface/surface#surfaceVariance",
    run: (random) =>
      many(points, () => {
        const { k, years } = place(random);
        return surfaceVariance(surface, k, years);
      }),
  },
  { name: "surface/surface#surfaceForward", run: (random) => many(8, () => surfaceForward(surface, between(random, 0, 1))) },
  {
    name: "surface/surface#surfaceDiscount",
    run: (random) => many(8, () => surfaceDiscount(surface, between(random, 0, 1))),
  },
  {
    name: "surface/surface-check#checkSurface",
    covers: ["surfaceShape", "surfaceDensityFactor", "localVolatility"].map((name) => `surface/surface-check#${name}`),
    run: (random) => [
      checkSurface(surface),
      many(points, () => {
        const { k, years } = place(random);
        const read = [surfaceShape, surfaceDensityFactor, localVolatility];
        return read.map((one) => outcomeOf(() => one(surface, k, years)));
      }),
    ],
  },
  {
    name: "surface/delta#volatilityAtDelta",
    covers: ["surface/delta#deltaAt", "surface/delta#strikeAtDelta"],
    run: (random) =>
      many(points, () => {
        const question = {
          ...{ type: pick(random, ["call", "put"] as const), delta: pick(random, [0.1, 0.25, 0.5]) },
          ...{ years: place(random).years, convention: convention(random) },
        };
        const { k } = place(random);
        return [strikeAtDelta(surface, question), volatilityAtDelta(surface, question), deltaAt(surface, { ...question, k })];
      }),
  },
  {
    name: "surface/delta#butterfly",
    covers: ["surface/delta#riskReversal", "surface/delta#atTheMoney", "surface/delta#termStructure"],
    run: (random) => [
      termStructure(surface),
      many(points, () => {
        const question = { delta: pick(random, [0.1, 0.25]), years: place(random).years, convention: convention(random) };
        const money = pick(random, ["forward", "delta-neutral"] as const);
        return [
          butterfly(surface, { ...question, money }),
          riskReversal(surface, question),
          atTheMoney(surface, question.years, money),
        ];
      }),
    ],
  },
  {
    name: "surface/volatility-index#surfaceFairVariance",
    run: () => times.map((years) => surfaceFairVariance(surface, years)),
  },
];

const forms: readonly GoldenCase[] = [
  {
    name: "surface/svi-forms#jumpWingsOfRaw",
    covers: ["checkedRaw", "naturalOfRaw", "rawOfJumpWings", "rawOfNatural"].map((name) => `surface/svi-forms#${name}`),
    run: (random) =>
      many(points, () => {
        const raw = slice(random);
        const natural = naturalOfRaw(raw);
        const wings = jumpWingsOfRaw(raw, 0.5);
        return [natural, rawOfNatural(natural), wings, rawOfJumpWings(wings)];
      }),
  },
  {
    name: "surface/butterfly-check#sviRefusal",
    covers: ["surface/butterfly-check#butterflyAt"],
    run: (random) =>
      many(points, () => {
        const one = slice(random);
        return [sviRefusal(one), butterflyAt(one)];
      }),
  },
  {
    name: "surface/calendar-check#calendarGap",
    run: (random) => many(points, () => calendarGap(slice(random), slice(random))),
  },
  {
    name: "surface/ssvi#ssviVariance",
    covers: ["ssviNatural", "ssviPhi", "ssviRefusal", "ssviSlice", "ssviWingGrowth"].map((name) => `surface/ssvi#${name}`),
    run: (random) =>
      many(points, () => {
        const theta = between(random, 0.001, 1);
        const k = between(random, -2, 2);
        const read = [ssviPhi(ssvi.phi, theta), ssviWingGrowth(ssvi.phi, theta), ssviVariance(ssvi, theta, k)];
        return [...read, ssviNatural(ssvi, theta), ssviSlice(ssvi, theta), ssviRefusal(ssvi, [theta, 1.5 * theta])];
      }),
  },
];

export const surfaceCases: readonly GoldenCase[] = [...fits, ...readings, ...forms];
