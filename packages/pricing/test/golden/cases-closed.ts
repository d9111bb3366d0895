/** Golden cases of the closed forms: prices, derivatives and volatilities of single options. */
import type { Prng } from "@stoa/base/prng";
import { geometricAsian } from "@stoa/pricing/asian";
import { bachelier, bachelierHigherGreeks, bachelierPrice } from "@stoa/pricing/bachelier";
import { barrier, knocks } from "@stoa/pricing/barrier";
import { blackScholes, blackScholesPrice } from "@stoa/pricing/black-scholes";
import { black76, black76Price, discountFactor, exercise, timeValue } from "@stoa/pricing/black76";
import { assetOrNothing, cashOrNothing } from "@stoa/pricing/digital";
import { black76HigherGreeks, blackScholesHigherGreeks } from "@stoa/pricing/higher-greeks";
import { blackVolatility, impliedVolatility } from "@stoa/pricing/implied-volatility";
import { inverse, inverseHigherGreeks, inversePrice } from "@stoa/pricing/inverse";
import { longLogarithm } from "@stoa/pricing/long-logarithm";
import { normalImpliedVolatility, normalVolatility } from "@stoa/pricing/normal-implied-volatility";
import { outOfTheMoneyValue } from "@stoa/pricing/normalised-black";
import { lowPart } from "@stoa/pricing/pair";
import {
  forwardDelta,
  inverseVenueConventions,
  linearVenueConventions,
  quotedGreeks,
  spotDelta,
  spotDeltaConventions,
} from "@stoa/pricing/quoted-greeks";
import { PricingRefusal, finite, integer, notNegative, oneOf, positive } from "@stoa/pricing/refusal";
import { standardisedMoneyness, volatilityAt } from "@stoa/pricing/smile";
import { densityFactor, sviDensityFactor, sviVariance, sviVolatility } from "@stoa/pricing/svi";
import { between, many, pick, type GoldenCase } from "./golden-case.ts";

const type = (random: Prng): "call" | "put" => pick(random, ["call", "put"]);

/** Strikes near the money and far from it, an hour to ten years, and the kinks at no time and no volatility. */
function terms(random: Prng) {
  const strike = 100 * pick(random, [1, between(random, 0.8, 1.25), between(random, 0.02, 8)]);
  const years = pick(random, [1 / 8760, 0.02, 0.25, 1, 10, between(random, 0, 2)]);
  const volatility = pick(random, [0.01, 0.2, 0.65, 3, between(random, 0.05, 1.5)]);
  return { type: type(random), strike, years: random.below(20) === 0 ? 0 : years, volatility };
}
const forwardTerms = (random: Prng) => ({
  ...terms(random),
  forward: 100,
  discount: pick(random, [1, 0.97, between(random, 0.5, 1.1)]),
});
const spotTerms = (random: Prng) => ({
  ...terms(random),
  spot: 100,
  rate: pick(random, [0, 0.05, -0.01]),
  dividendYield: pick(random, [0, 0.03]),
});
const normalTerms = (random: Prng) => {
  const option = forwardTerms(random);
  return { ...option, forward: pick(random, [100, -3, 0]), volatility: 60 * option.volatility };
};

const options = 48;

const prices: readonly GoldenCase[] = [
  {
    name: "black76#black76",
    covers: ["black76#checkedDiscount", "pair#*", "standardised#*"],
    run: (random) => many(options, () => black76(forwardTerms(random))),
  },
  { name: "black76#black76Price", run: (random) => many(options, () => black76Price(forwardTerms(random))) },
  {
    name: "black76#timeValue",
    run: (random) => many(options, () => timeValue(100, between(random, 1, 900), between(random, 0, 4))),
  },
  { name: "black76#exercise", run: (random) => many(8, () => exercise(type(random), 100, between(random, 50, 150))) },
  {
    name: "black76#discountFactor",
    run: (random) => many(options, () => discountFactor(between(random, -0.1, 0.4), between(random, 0, 30))),
  },
  {
    name: "black-scholes#blackScholes",
    covers: ["black-scholes#legsOf", "black-scholes#priceOf"],
    run: (random) => many(options, () => blackScholes(spotTerms(random))),
  },
  {
    name: "black-scholes#blackScholesPrice",
    run: (random) => many(options, () => blackScholesPrice(spotTerms(random))),
  },
  { name: "bachelier#bachelier", run: (random) => many(options, () => bachelier(normalTerms(random))) },
  { name: "bachelier#bachelierPrice", run: (random) => many(options, () => bachelierPrice(normalTerms(random))) },
  {
    name: "bachelier#bachelierHigherGreeks",
    run: (random) => many(options, () => bachelierHigherGreeks(normalTerms(random))),
  },
  { name: "inverse#inverse", run: (random) => many(options, () => inverse(forwardTerms(random))) },
  { name: "inverse#inversePrice", run: (random) => many(options, () => inversePrice(forwardTerms(random))) },
  {
    name: "inverse#inverseHigherGreeks",
    run: (random) => many(options, () => inverseHigherGreeks(forwardTerms(random))),
  },
  {
    name: "higher-greeks#black76HigherGreeks",
    run: (random) => many(options, () => black76HigherGreeks(forwardTerms(random))),
  },
  {
    name: "higher-greeks#blackScholesHigherGreeks",
    run: (random) => many(options, () => blackScholesHigherGreeks(spotTerms(random))),
  },
];

const exotics: readonly GoldenCase[] = [
  {
    name: "digital#cashOrNothing",
    run: (random) => many(options, () => cashOrNothing({ ...spotTerms(random), cash: between(random, 1, 50) })),
  },
  { name: "digital#assetOrNothing", run: (random) => many(options, () => assetOrNothing(spotTerms(random))) },
  {
    name: "barrier#barrier",
    covers: ["barrier-terms#*"],
    run: (random) =>
      many(options, () => {
        const level = between(random, 60, 150);
        return barrier({ ...spotTerms(random), knock: pick(random, knocks), barrier: level, rebate: pick(random, [0, 3]) });
      }),
  },
  {
    name: "asian#geometricAsian",
    run: (random) =>
      many(options, () => {
        const option = spotTerms(random);
        return geometricAsian(random.below(2) === 0 ? option : { ...option, observationsCount: 1 + random.below(50) });
      }),
  },
  {
    name: "quoted-greeks#quotedGreeks",
    covers: ["quoted-greeks#forwardDelta", "quoted-greeks#spotDelta"],
    run: (random) =>
      many(options, () => [
        quotedGreeks(forwardTerms(random), pick(random, [inverseVenueConventions, linearVenueConventions])),
        forwardDelta(forwardTerms(random), pick(random, ["forward", "discounted", "premium-adjusted"])),
        spotDelta(spotTerms(random), pick(random, spotDeltaConventions)),
      ]),
  },
];

const volatilities: readonly GoldenCase[] = [
  {
    name: "implied-volatility#impliedVolatility",
    covers: ["implied-deviation#impliedDeviation", "inversion#*"],
    run: (random) =>
      many(2 * options, () => {
        const option = forwardTerms(random);
        const price = black76Price(option) * pick(random, [1, 1, 1, 0.9, 1.3]);
        return impliedVolatility({ ...option, price });
      }),
  },
  {
    name: "implied-volatility#blackVolatility",
    run: (random) =>
      many(2 * options, () => {
        const option = { ...forwardTerms(random), discount: 1, years: 0.5 };
        return blackVolatility(option.type === "call", 100, option.strike, 0.5, black76Price(option), 1);
      }),
  },
  {
    name: "normal-implied-volatility#normalImpliedVolatility",
    covers: ["normal-implied-volatility#normalVolatility"],
    run: (random) =>
      many(2 * options, () => {
        const { volatility, ...option } = normalTerms(random);
        const price = bachelierPrice({ ...option, volatility }) * pick(random, [1, 1, 1, 0.9]);
        return [
          normalImpliedVolatility({ ...option, price }),
          normalVolatility(option.type === "call", option.forward, option.strike, option.years, price, option.discount),
        ];
      }),
  },
  {
    name: "normalised-black#outOfTheMoneyValue",
    covers: ["normalised-black#*"],
    run: (random) =>
      many(2 * options, () => outOfTheMoneyValue(between(random, 0.01, 1), 1, between(random, 0, 1) * between(random, 0, 9))),
  },
  {
    name: "long-logarithm#longLogarithm",
    run: (random) => many(options, () => [longLogarithm(between(random, 0.1, 9), 1e-17), lowPart()]),
  },
  {
    name: "smile#volatilityAt",
    covers: ["smile#volatilityAtMoneyness"],
    run: (random) => {
      const nodes = [0.9, 0.7, 0.6, 0.62, 0.75];
      return many(options, () => volatilityAt(nodes, 100, between(random, 40, 250), 0.25));
    },
  },
  {
    name: "smile#standardisedMoneyness",
    run: (random) => many(options, () => standardisedMoneyness(100, between(random, 20, 500), between(random, 0, 3))),
  },
];

const slice = (random: Prng) => ({
  a: between(random, 0.001, 0.05),
  b: between(random, 0.02, 0.4),
  rho: between(random, -0.9, 0.9),
  m: between(random, -0.2, 0.2),
  s: between(random, 0.02, 0.5),
});

const slices: readonly GoldenCase[] = [
  { name: "svi#sviVariance", run: (random) => many(options, () => sviVariance(slice(random), between(random, -2, 2))) },
  {
    name: "svi#sviVolatility",
    run: (random) => many(options, () => sviVolatility(slice(random), 100, between(random, 20, 400), between(random, 0.01, 2))),
  },
  {
    name: "svi#sviDensityFactor",
    covers: ["svi#densityFactor"],
    run: (random) =>
      many(options, () => {
        const [one, k] = [slice(random), between(random, -2, 2)];
        return [sviDensityFactor(one, k), densityFactor(sviVariance(one, k), k)];
      }),
  },
];

const refusals: readonly GoldenCase[] = [
  {
    name: "refusal#PricingRefusal",
    covers: ["finite", "integer", "notNegative", "number", "oneOf", "positive"].map((name) => `refusal#${name}`),
    run: () =>
      [
        () => positive("years", 0),
        () => notNegative("years", -1),
        () => finite("rate", Infinity),
        () => finite("rate", NaN),
        () => integer("steps", 1.5, 0, 9),
        () => integer("steps", 10, 0, 9),
        () => oneOf("type", "straddle" as string, ["call", "put"]),
        () => positive("years", 2),
      ].map((check) => {
        try {
          return check();
        } catch (error) {
          const { argument, reason, message } = error as PricingRefusal;
          return [argument, reason, message];
        }
      }),
  },
];

export const closedCases: readonly GoldenCase[] = [...prices, ...exotics, ...volatilities, ...slices, ...refusals];
