import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { black76Price } from "@stoa/pricing/black76";
import { PricingRefusal } from "@stoa/pricing/refusal";
import type { ExpiryQuotes } from "@stoa/pricing/surface/chain";
import { fitSurface, type FitSettings, type SurfaceFit } from "@stoa/pricing/surface/fit-surface";
import { checkSurface } from "@stoa/pricing/surface/surface-check";
import { makeSurface, surfaceVariance, surfaceVolatility, type Surface } from "@stoa/pricing/surface/surface";
import { volatilityAt } from "@stoa/pricing/smile";
import { sviVariance } from "@stoa/pricing/svi";
import { between, makeWorld, normalOf, quoteWorld, uniformOf, type World } from "./chains.ts";

function surfaceOf(fit: SurfaceFit): Surface {
  if ("refusal" in fit) throw new Error(`no surface: ${fit.refusal} ${JSON.stringify(fit.expiries)}`);
  return fit.surface;
}

const fitted = (chain: readonly ExpiryQuotes[], settings?: Partial<FitSettings>): Surface =>
  surfaceOf(fitSurface(chain, settings));

/** The largest distance in volatility from the world over two deviations of each expiry. */
function distanceFrom(world: World, surface: Surface): number {
  let worst = 0;
  for (const [index, years] of world.years.entries()) {
    const slice = world.slices[index]!;
    const deviation = Math.sqrt(sviVariance(slice, 0).variance);
    for (let z = -2; z <= 2; z += 0.1) {
      const truth = Math.sqrt(sviVariance(slice, z * deviation).variance / years);
      worst = Math.max(worst, Math.abs(Math.sqrt(surfaceVariance(surface, z * deviation, years) / years) - truth));
    }
  }
  return worst;
}

/** The least price of a butterfly and of a calendar spread over dense grids, each over the rounding of the prices in it. */
function cheapestSpreads(surface: Surface, times: readonly number[]): { butterfly: number; calendar: number } {
  const price = (k: number, years: number): number =>
    black76Price({
      type: "call",
      forward: 1,
      strike: Math.exp(k),
      years,
      volatility: Math.sqrt(surfaceVariance(surface, k, years) / years),
    });
  let butterfly = Infinity;
  let calendar = Infinity;
  let before: number[] = [];
  for (const years of times) {
    // Near the money each tenth of a deviation, and out to far wings.
    const deviation = Math.sqrt(surfaceVariance(surface, 0, years));
    const points = Array.from({ length: 241 }, (_, index) => (index - 120) / 10).map((z) => z * deviation);
    for (const k of points) {
      const low = Math.exp(k - 0.05 * deviation);
      const strike = Math.exp(k);
      const high = Math.exp(k + 0.05 * deviation);
      const [one, two, three] = [Math.log(low), k, Math.log(high)].map((at) => price(at, years)) as [
        number,
        number,
        number,
      ];
      // The slope of the price in the strike rises: (three - two)/(high - strike) - (two - one)/(strike - low) >= 0.
      const convexity = (three - two) / (high - strike) - (two - one) / (strike - low);
      butterfly = Math.min(butterfly, convexity + 1e-14 / (high - strike) + 1e-14 / (strike - low));
    }
    const common = Array.from({ length: 401 }, (_, index) => (index - 200) / 40);
    const now = common.map((k) => surfaceVariance(surface, k, years));
    const dear = common.map((k) => price(k, years));
    if (before.length !== 0)
      dear.forEach((value, index) => (calendar = Math.min(calendar, value - before[index]! + 1e-15)));
    before = dear;
    expect(Math.min(...now)).toBeGreaterThan(0);
  }
  return { butterfly, calendar };
}

describe("a fit of quotes without faults (PRICE-039)", () => {
  test("recovers the surface that they were made from, to a hundredth of their half-spread", () => {
    for (let seed = 0; seed < 10; seed++) {
      const world = makeWorld(seed);
      const fit = fitSurface(quoteWorld(world, seed));
      expect(fit.expiries.every(({ model }) => model === "svi")).toBe(true);
      expect(distanceFrom(world, surfaceOf(fit)), `seed ${seed}`).toBeLessThan(5e-4);
    }
  });

  test("in coin is the fit in currency", () => {
    const world = makeWorld("coin");
    const coin = fitted(quoteWorld(world, 1, { unit: "coin" }), { unit: "coin" });
    const currency = fitted(quoteWorld(world, 1));
    for (const years of world.years) {
      for (const k of [-0.1, 0, 0.1]) {
        expect(surfaceVariance(coin, k, years)).toBeCloseTo(surfaceVariance(currency, k, years), 7);
      }
    }
  });

  test("takes forwards from put-call parity when none are given, in coin and in currency", () => {
    for (const unit of ["coin", "currency"] as const) {
      const world = makeWorld("parity");
      const chain = quoteWorld(world, 2, { unit, noise: 0.3 }).map(({ years, quotes }) => ({ years, quotes }));
      const fit = fitSurface(chain, { unit });
      for (const [index, { forward }] of surfaceOf(fit).slices.entries()) {
        expect(Math.abs(forward / world.forwards[index]! - 1)).toBeLessThan(1e-3);
      }
    }
  });
});

describe("a fit of quotes with faults", () => {
  test.each([
    ["noise of a half-spread", { noise: 1 }, {}, 0.012],
    ["a tenth crossed", { crossed: 0.1 }, {}, 0.002],
    ["two fifths with one side", { bidOnly: 0.2, askOnly: 0.2 }, {}, 0.003],
    ["a fifth stale and saying so", { stale: 0.2 }, { staleAfterSeconds: 60 }, 0.002],
    ["a tenth wrong by 60 % and not saying so", { wrong: 0.1 }, {}, 0.004],
    ["a fifth stale and not saying so", { stale: 0.2 }, {}, 0.01],
    [
      "all of it",
      { noise: 0.5, crossed: 0.05, bidOnly: 0.1, askOnly: 0.1, stale: 0.1, wrong: 0.05 },
      { staleAfterSeconds: 60 },
      0.02,
    ],
  ] as const)("of which %s stays near the truth", (_, faults, settings, bound) => {
    for (let seed = 0; seed < 6; seed++) {
      const world = makeWorld(`faults ${seed}`);
      const surface = fitted(quoteWorld(world, seed, faults), settings);
      expect(distanceFrom(world, surface), `seed ${seed}`).toBeLessThan(bound);
      expect(checkSurface(surface).free).toBe(true);
    }
  });

  test("counts each quote once, as what it is", () => {
    const world = makeWorld("tally");
    const chain = quoteWorld(world, 4, { crossed: 0.1, bidOnly: 0.1, askOnly: 0.1, stale: 0.1 });
    const fit = fitSurface(chain, { staleAfterSeconds: 60 });
    for (const [index, { tally }] of fit.expiries.entries()) {
      const counts = Object.values(tally!);
      expect(counts.reduce((sum, count) => sum + count)).toBe(chain[index]!.quotes.length);
      const crossed = chain[index]!.quotes.filter(({ bid = 0, ask = Infinity }) => ask < bid).length;
      expect(tally!.crossed).toBe(crossed);
      expect(tally!.stale).toBe(chain[index]!.quotes.filter(({ ageSeconds }) => ageSeconds === 3_600).length);
    }
  });
});

describe("quotes with one side are bounds", () => {
  test("that move nothing while they are kept: lone asks far above, lone bids far below", () => {
    const world = makeWorld("bounds");
    const chain = quoteWorld(world, 8, { noise: 0.5 });
    const bounded = chain.map((expiry) => ({
      ...expiry,
      quotes: expiry.quotes.flatMap((quote) => [
        quote,
        { type: quote.type, strike: quote.strike + 1, ask: 1.5 * quote.ask! },
        { type: quote.type, strike: quote.strike + 2, bid: 0.7 * quote.bid! },
      ]),
    }));
    const [plain, other] = [fitted(chain), fitted(bounded)];
    for (const years of world.years) {
      for (const k of [-0.05, 0, 0.05]) {
        const [one, two] = [plain, other].map((surface) => Math.sqrt(surfaceVariance(surface, k, years) / years));
        expect(Math.abs(one! - two!)).toBeLessThan(1e-4);
      }
    }
  });

  test("that hold the curve where there are no others", () => {
    const world = makeWorld("wings", 3);
    const [first, ...rest] = quoteWorld(world, 9);
    const highest = Math.max(...first!.quotes.map(({ strike }) => strike));
    // A lone ask beyond all other strikes at a third of the volatility that the wing would have.
    const strike = Math.round(highest * 1.02);
    const options = { type: "call", forward: first!.forward!, strike, years: first!.years } as const;
    const free = surfaceVolatility(fitted([first!, ...rest]), strike, first!.years);
    const lone = { type: "call", strike, ask: black76Price({ ...options, volatility: 0.9 * free }) } as const;
    const held = fitted([{ ...first!, quotes: [...first!.quotes, lone, { ...lone, strike: strike + 1 }] }, ...rest]);
    expect(surfaceVolatility(held, strike, first!.years)).toBeLessThan(0.99 * free);
  });
});

describe("a chain of a venue whose smile is no SVI curve, on a grid of ticks", () => {
  test("is fitted within most spreads without help from the common surface", () => {
    const nodes = [-1, -0.5, 0, 0.5, 1].map((x) => 0.55 * (1 - 0.08 * x + 0.09 * x * x));
    const onGrid = (price: number, up: boolean): number => (up ? Math.ceil : Math.floor)(price / 1e-4) * 1e-4;
    const chain = [1, 2, 7, 30, 90].map((days) => {
      const years = days / 365;
      const forward = 100_000 * (1 + 0.03 * years);
      const step = days < 10 ? 1_000 : 5_000;
      const strikes = Array.from({ length: 1 + 45_000 / step }, (_, index) => 80_000 + step * index);
      const quotes = strikes.flatMap((strike) =>
        (["call", "put"] as const).map((type) => {
          const volatility = volatilityAt(nodes, forward, strike, years);
          const coin = (at: number): number => black76Price({ type, forward, strike, years, volatility: at }) / forward;
          return {
            type,
            strike,
            bid: onGrid(coin(0.98 * volatility), false),
            ask: onGrid(coin(1.02 * volatility), true),
          };
        }),
      );
      return { years, quotes };
    });
    const fit = fitSurface(chain, { unit: "coin" });
    const surface = surfaceOf(fit);
    for (const [index, { years, quotes }] of chain.entries()) {
      const { forward, repair } = fit.expiries[index]!;
      expect(repair!.blend).toBe(0);
      const priced = quotes.filter(({ bid }) => 0 < bid);
      const inside = priced.filter(({ type, strike, bid, ask }) => {
        const volatility = surfaceVolatility(surface, strike, years);
        const price = black76Price({ type, forward: forward!, strike, years, volatility }) / forward!;
        return bid <= price && price <= ask;
      });
      expect(inside.length / priced.length, `expiry ${index}`).toBeGreaterThan(0.7);
    }
  });
});

describe("expiries that say little", () => {
  const world = makeWorld("poor", 6);
  const chain = quoteWorld(world, 5);
  const withExpiry = (index: number, quotes: ExpiryQuotes["quotes"], forward = true): ExpiryQuotes[] =>
    chain.map((expiry, place) => {
      if (place !== index) return expiry;
      const { years } = expiry;
      return forward ? { ...expiry, quotes } : { years, quotes };
    });

  test("are left out with a reason when they say nothing", () => {
    const { strike } = chain[2]!.quotes[24]!;
    const crossed = [{ type: "call", strike, bid: 10, ask: 5 }] as const;
    const stale = [{ type: "call", strike, bid: 5, ask: 10, ageSeconds: 100 }] as const;
    const impossible = [{ type: "call", strike: 1, bid: 1, ask: 2 }] as const;
    const cases: readonly (readonly [ExpiryQuotes["quotes"], boolean, string])[] = [
      [[], true, "no-quotes"],
      [[{ type: "put", strike }], true, "no-quotes"],
      [crossed, true, "all-crossed"],
      [stale, true, "all-stale"],
      [[{ type: "put", strike, bid: 1, ask: 2 }], false, "no-forward"],
      [impossible, true, "no-volatility"],
      [[{ type: "call", strike, ask: 500 }], true, "no-volatility"],
    ];
    for (const [quotes, forward, reason] of cases) {
      const fit = fitSurface(withExpiry(2, quotes, forward), { staleAfterSeconds: 60 });
      expect(fit.expiries[2]!.model).toBe(reason);
      expect(surfaceOf(fit).slices).toHaveLength(5);
      expect(checkSurface(surfaceOf(fit)).free).toBe(true);
    }
  });

  test("take the shape of the others when they have one quote or a few", () => {
    for (const count of [1, 2, 3, 5]) {
      const middle = chain[2]!.quotes.slice(24, 24 + count);
      const fit = fitSurface(withExpiry(2, middle));
      expect(fit.expiries[2]!.model).toBe("ssvi");
      const surface = surfaceOf(fit);
      expect(distanceFrom(world, surface)).toBeLessThan(0.02);
      expect(checkSurface(surface).free).toBe(true);
    }
  });

  test("alone are a smile too", () => {
    const quote = { type: "call", strike: 60_000, bid: 2_900, ask: 3_000 } as const;
    const surface = fitted([{ years: 0.1, forward: 60_000, quotes: [quote] }]);
    const price = black76Price({
      ...quote,
      forward: 60_000,
      years: 0.1,
      volatility: surfaceVolatility(surface, 60_000, 0.1),
    });
    expect(Math.abs(price - 2_950)).toBeLessThan(1);
  });

  test("give no surface when all of them say nothing", () => {
    const fit = fitSurface(chain.map((expiry) => ({ ...expiry, quotes: [] })));
    expect(fit).toMatchObject({ refusal: "no-expiry-fitted" });
    expect(fit.expiries.map(({ model }) => model)).toEqual(chain.map(() => "no-quotes"));
  });
});

describe("no static arbitrage is left (PRICE-038)", () => {
  test("in chains of noise: every spread on dense grids of prices costs something, and the certificate agrees", () => {
    let repaired = 0;
    for (let seed = 0; seed < 40; seed++) {
      const uniform = uniformOf(`noise ${seed}`);
      const world = makeWorld(`noise ${seed}`, 5);
      // Each expiry is as a whole dearer or cheaper than it should be, so that neighbours cross.
      const chain = quoteWorld(world, seed, {
        noise: between(uniform, 0, 3),
        half: 0.01,
        wrong: 0.05,
        strikes: 12,
      }).map((expiry) => ({ ...expiry, forward: expiry.forward! * (1 + 0.002 * normalOf(uniform)) }));
      const fit = fitSurface(chain);
      const surface = surfaceOf(fit);
      const { butterfly, calendar } = cheapestSpreads(
        surface,
        surface.slices.map(({ years }) => years),
      );
      expect(butterfly, `butterfly, seed ${seed}`).toBeGreaterThanOrEqual(0);
      expect(calendar, `calendar, seed ${seed}`).toBeGreaterThanOrEqual(0);
      expect(checkSurface(surface).free, `seed ${seed}`).toBe(true);
      if (fit.expiries.some(({ repair }) => repair !== undefined && (0 < repair.blend || 0 < repair.lift))) repaired++;
    }
    expect(repaired).toBeGreaterThan(0);
  });

  test("in chains of random prices, of any scale and with holes: a surface that passes, or the reason for none", () => {
    const counts = { surfaces: 0, blended: 0, refused: 0 };
    for (let seed = 0; seed < 120; seed++) {
      const uniform = uniformOf(`random ${seed}`);
      const scale = Math.exp(between(uniform, -12, 12));
      const unit = uniform() < 0.5 ? "coin" : "currency";
      let years = 0;
      const chain = Array.from({ length: 1 + Math.floor(6 * uniform()) }, (): ExpiryQuotes => {
        years += Math.exp(between(uniform, -9, 1));
        const forward = scale * Math.exp(between(uniform, -0.5, 0.5));
        const spread = Math.exp(between(uniform, -3, 1.5));
        const quotes = Array.from({ length: Math.floor(30 * uniform()) }, () => {
          const price = (unit === "coin" ? 1 : forward) * Math.exp(between(uniform, -10, 0.3));
          const sides = uniform();
          return {
            type: uniform() < 0.5 ? ("call" as const) : ("put" as const),
            strike: forward * Math.exp(between(uniform, -spread, spread)),
            bid: sides < 0.15 ? undefined : price * between(uniform, 0.7, 1),
            ask: 0.85 < sides ? undefined : price * between(uniform, 0.95, 1.4),
            ageSeconds: 100 * uniform(),
          };
        });
        return { years, forward: uniform() < 0.7 ? forward : undefined, quotes };
      });
      const fit = fitSurface(chain, { unit, staleAfterSeconds: 90 });
      if ("refusal" in fit) {
        counts.refused++;
        continue;
      }
      counts.surfaces++;
      if (fit.expiries.some(({ repair }) => repair !== undefined && 0 < repair.blend)) counts.blended++;
      expect(checkSurface(fit.surface).free, `seed ${seed}`).toBe(true);
    }
    expect(counts.surfaces).toBeGreaterThan(60);
    expect(counts.blended).toBeGreaterThan(20);
    expect(counts.refused).toBeGreaterThan(0);
  });

  test("when the term structure of the quotes is upside down: later expiries with less variance", () => {
    for (let seed = 0; seed < 10; seed++) {
      const world = makeWorld(`inverted ${seed}`, 6);
      const inverted = { ...world, slices: [...world.slices].reverse() };
      const surface = fitted(quoteWorld(inverted, seed));
      const { butterfly, calendar } = cheapestSpreads(surface, world.years);
      expect(butterfly).toBeGreaterThanOrEqual(0);
      expect(calendar).toBeGreaterThanOrEqual(0);
      expect(checkSurface(surface).free).toBe(true);
    }
  });

  test("between expiries when prices are what is linear in time, nor before the first", () => {
    for (let seed = 0; seed < 5; seed++) {
      const world = makeWorld(`between ${seed}`, 4);
      const surface = fitted(quoteWorld(world, seed, { noise: 1 }), { between: "price" });
      const times = [0.3, 0.7, 1].map((part) => part * world.years[0]!);
      for (const [index, years] of world.years.slice(1).entries()) {
        const early = world.years[index]!;
        times.push(early + 0.3 * (years - early), early + 0.8 * (years - early), years);
      }
      const { butterfly, calendar } = cheapestSpreads(surface, times);
      // Reading a price through a volatility and back costs a few more roundings.
      expect(butterfly).toBeGreaterThanOrEqual(-1e-9);
      expect(calendar).toBeGreaterThanOrEqual(-1e-12);
    }
  });
});

describe("the same quotes give the same bits", () => {
  test("in any order, and those that are written here", () => {
    const world = makeWorld("bits", 6);
    const chain = quoteWorld(world, 6, {
      noise: 1,
      crossed: 0.05,
      bidOnly: 0.1,
      askOnly: 0.1,
      wrong: 0.05,
      strikes: 15,
    });
    const bits = (surface: Surface): string => {
      const numbers = surface.slices.flatMap(({ svi: { a, b, rho, m, s } }) => [a, b, rho, m, s]);
      return createHash("sha256").update(new Float64Array(numbers)).digest("hex");
    };
    const once = bits(fitted(chain));
    expect(bits(fitted(chain))).toBe(once);
    const shuffled = chain.map((expiry) => ({ ...expiry, quotes: [...expiry.quotes].reverse() }));
    expect(bits(fitted(shuffled))).toBe(once);
  });
});

describe("arguments outside their domain are refused by name", () => {
  const quote = { type: "call", strike: 100, bid: 4, ask: 5 } as const;
  const good: ExpiryQuotes = { years: 0.5, forward: 100, quotes: [quote] };
  const cases: readonly (readonly [readonly ExpiryQuotes[], Partial<FitSettings>, string, string])[] = [
    [[], {}, "chain", "empty"],
    [[{ ...good, years: NaN }], {}, "chain[0].years", "not-a-number"],
    [[{ ...good, years: 0 }], {}, "chain[0].years", "not-positive"],
    [[good, good], {}, "chain[1].years", "not-ascending"],
    [[{ ...good, forward: -1 }], {}, "chain[0].forward", "not-positive"],
    [[{ ...good, discount: Infinity }], {}, "chain[0].discount", "not-finite"],
    [[{ ...good, quotes: [quote, { ...quote, bid: NaN }] }], {}, "chain[0].quotes[1].bid", "not-a-number"],
    [[{ ...good, quotes: [{ ...quote, ask: -1 }] }], {}, "chain[0].quotes[0].ask", "negative"],
    [[{ ...good, quotes: [{ ...quote, strike: 0 }] }], {}, "chain[0].quotes[0].strike", "not-positive"],
    [[{ ...good, quotes: [{ ...quote, ageSeconds: NaN }] }], {}, "chain[0].quotes[0].ageSeconds", "not-a-number"],
    [[{ ...good, quotes: [{ ...quote, type: "kall" as "call" }] }], {}, "chain[0].quotes[0].type", "unknown"],
    [[{ ...good, quotes: [{ ...quote, bid: 6 }] }], { crossed: "refuse" }, "chain[0].quotes[0]", "crossed"],
    [[good], { unit: "dollar" as "coin" }, "settings.unit", "unknown"],
    [[good], { staleAfterSeconds: NaN }, "settings.staleAfterSeconds", "not-a-number"],
    [[good], { volatilityErrorMin: 0 }, "settings.volatilityErrorMin", "not-positive"],
    [[good], { after: "flat" as "constant-volatility" }, "rules.after", "unknown"],
  ];
  test.each(cases)("case %#: %j %j is refused for %s", (chain, settings, argument, reason) => {
    let refusal: unknown;
    try {
      fitSurface(chain, settings);
    } catch (error) {
      refusal = error;
    }
    expect(refusal).toBeInstanceOf(PricingRefusal);
    expect(refusal).toMatchObject({ argument, reason });
  });

  test("and so are the slices of a surface", () => {
    const slice = { years: 1, forward: 1, discount: 1, svi: { a: 0.04, b: 0, rho: 0, m: 0, s: 1 } };
    expect(() => makeSurface([])).toThrow("slices must not be empty");
    expect(() => makeSurface([slice, slice])).toThrow("slices[1].years must ascend");
    expect(() => surfaceVolatility(makeSurface([slice]), 1, 0)).toThrow("years must be positive");
    expect(() => surfaceVolatility(makeSurface([slice]), -1, 1)).toThrow("strike must be positive");
    expect(() => surfaceVariance(makeSurface([slice]), NaN, 1)).toThrow("k is not a number");
  });
});
