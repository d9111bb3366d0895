import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { black76 } from "@stoa/pricing/black76";
import { barrier } from "@stoa/pricing/barrier";
import { barrierByFiniteDifferences, knockOuts } from "@stoa/pricing/finite-differences/barrier";
import type { GridOption } from "@stoa/pricing/finite-differences/option";
import { vanillaByFiniteDifferences } from "@stoa/pricing/finite-differences/vanilla";
import { PricingRefusal } from "@stoa/pricing/refusal";

type Row = ["call" | "put", ...number[]];
const { americans, barriers } = JSON.parse(
  readFileSync(new URL("fixtures/american.json", import.meta.url), "utf8"),
) as { americans: Row[]; barriers: Row[] };

function optionOf([type, spot, strike, days, volatility, rate, dividendYield]: Row): GridOption {
  const terms = { spot: spot!, strike: strike!, years: days! / 365, volatility: volatility! };
  return { type, exercise: "american", ...terms, rate: rate!, dividendYield: dividendYield! };
}

/** Price, delta, gamma and theta of the European option, in the spot. */
function closedForm({ type, spot, strike, years, volatility, rate = 0, dividendYield = 0 }: GridOption) {
  const growth = Math.exp((rate - dividendYield) * years);
  const discount = Math.exp(-rate * years);
  const black = black76({ type, forward: spot * growth, strike, years, volatility, discount });
  const { price, theta } = black;
  const delta = black.delta * growth;
  // The forward of a fixed spot shrinks with the time left.
  const spotTheta = theta - (rate - dividendYield) * spot * delta;
  return { price, delta, gamma: black.gamma * growth * growth, theta: spotTheta };
}

/** What is returned, or the refusal that is thrown. */
function outcomeOf<T>(result: () => T): T | PricingRefusal {
  try {
    return result();
  } catch (error) {
    if (error instanceof PricingRefusal) return error;
    throw error;
  }
}

const quantile = (values: readonly number[], part: number): number =>
  [...values].sort((a, b) => a - b)[Math.floor(part * (values.length - 1))]!;

const largest = ["put", "call"].flatMap((type) =>
  [0.05, 0.25, 0.9].map((volatility) => ({
    ...{ type: type as "put" | "call", exercise: "european" as const, spot: 103, strike: 100, years: 0.8, volatility },
    ...{ rate: 0.06, dividendYield: 0.02 },
  })),
);

describe("American options", () => {
  test("agree with QuantLib's high precision on 288 of them, as far as the stated error (PRICE-040)", () => {
    expect(americans.length).toBe(288);
    const errors: number[] = [];
    const beyond: string[] = [];
    for (const row of americans) {
      const option = optionOf(row);
      const reference = row[7]!;
      const { price, error } = vanillaByFiniteDifferences({ ...option, priceSteps: 100 });
      const exercise = Math.max(0, option.type === "call" ? option.spot - option.strike : option.strike - option.spot);
      // Where exercise is optimal the reference itself is above it by some 1e-6.
      if (price === exercise && Math.abs(reference - exercise) < 5e-6) continue;
      const off = Math.abs(price - reference);
      errors.push(off);
      if (error.price + 5e-7 < off) beyond.push(`${off} ${error.price} ${JSON.stringify(option)}`);
    }
    expect(beyond).toEqual([]);
    expect(errors.length).toBeGreaterThan(260);
    expect(quantile(errors, 0.5)).toBeLessThan(1e-5);
    expect(quantile(errors, 1)).toBeLessThan(2e-3);
  });

  test("have the delta, gamma and theta of QuantLib's finite differences (PRICE-040)", () => {
    for (const row of americans) {
      const option = optionOf(row);
      const [, , , , , , , reference, gridPrice, delta, gamma, theta] = row as unknown as number[];
      const { years, volatility, spot } = option;
      // Its grid is coarser than ours; where its price is off, so are its derivatives, and a week before expiry they always are.
      if (years < 0.1 || 2e-3 < Math.abs(gridPrice! - reference!)) continue;
      const ours = vanillaByFiniteDifferences({ ...option, priceSteps: 100 });
      // Across the exercise boundary gamma and theta jump: a grid that has it elsewhere by a cell is not comparable there.
      if (ours.gamma === 0) continue;
      const root = volatility * Math.sqrt(years);
      expect(Math.abs(ours.delta - delta!), JSON.stringify(option)).toBeLessThan(2e-4);
      expect(Math.abs(ours.gamma - gamma!) * spot * root, JSON.stringify(option)).toBeLessThan(2e-3);
      expect(Math.abs(ours.theta - theta!) / spot, JSON.stringify(option)).toBeLessThan(2e-3);
    }
  });

  test("converge with the second order, and with the extrapolation faster (PRICE-041)", () => {
    const put = {
      type: "put",
      exercise: "american",
      spot: 36,
      strike: 40,
      years: 1,
      volatility: 0.2,
      rate: 0.06,
    } as const;
    const truth = 4.4866744190271275; // QdFpAmericanEngine, high precision scheme
    const runs = [100, 200, 400].map((priceSteps) => vanillaByFiniteDifferences({ ...put, priceSteps }));
    for (const [index, { price, error }] of runs.entries()) {
      expect(Math.abs(price - truth)).toBeLessThan(error.price);
      if (index === 0) continue;
      const order = Math.log2(runs[index - 1]!.error.price / error.price);
      expect(order).toBeGreaterThan(1.7);
      expect(order).toBeLessThan(2.4);
    }
    expect(Math.abs(runs[2]!.price - truth)).toBeLessThan(5e-7);
  });

  test("state an error beside the boundary of exercise that covers what exercise leaves out, and none far beyond it (PRICE-041)", () => {
    const terms = { strike: 130.5748, years: 2.178, volatility: 0.1107, rate: 0.0157, dividendYield: 0.003 };
    const at = (spot: number, priceSteps: number) =>
      vanillaByFiniteDifferences({ type: "put", exercise: "american", spot, ...terms, priceSteps });
    let exercised = 0;
    let waits = 0;
    for (let spot = 106; spot < 107.2; spot += 0.1) {
      const { price, error } = at(spot, 100);
      if (price !== terms.strike - spot) continue;
      exercised++;
      const off = Math.abs(at(spot, 400).price - price);
      if (0 < off) waits++;
      expect(error.price, `at ${spot}`).toBeGreaterThan(off);
      expect(Math.min(error.delta, error.gamma, error.theta), `at ${spot}`).toBeGreaterThan(0);
    }
    expect(exercised).toBeGreaterThan(3);
    expect(waits).toBeGreaterThan(1);
    expect(at(60, 100)).toMatchObject({ price: 130.5748 - 60, error: { price: 0, delta: 0, gamma: 0, theta: 0 } });
  });

  test("a call is the put with spot and strike, rate and yield exchanged, negative rates too (PRICE-042)", () => {
    const rates = [0.07, 0.02, 0, -0.01, -0.04];
    for (const rate of rates)
      for (const dividendYield of rates) {
        const terms = { exercise: "american", years: 2, volatility: 0.25, priceSteps: 100 } as const;
        const call = vanillaByFiniteDifferences({ ...terms, type: "call", spot: 110, strike: 95, rate, dividendYield });
        const put = vanillaByFiniteDifferences({
          ...{ ...terms, type: "put", spot: 95, strike: 110, rate: dividendYield, dividendYield: rate },
        });
        const slack = call.error.price + put.error.price + 1e-7;
        expect(Math.abs(call.price - put.price), `${rate} ${dividendYield}`).toBeLessThan(slack);
      }
  });

  test("are worth no less than exercise and than the European option (PRICE-043)", () => {
    const anyOption = fc.record({
      type: fc.constantFrom("call" as const, "put" as const),
      spot: fc.double({ min: 50, max: 200, noNaN: true }),
      years: fc.double({ min: 0.001, max: 5, noNaN: true }),
      volatility: fc.double({ min: 0.02, max: 1.7, noNaN: true }),
      rate: fc.double({ min: -0.1, max: 0.2, noNaN: true }),
      dividendYield: fc.double({ min: -0.1, max: 0.2, noNaN: true }),
    });
    const check = fc.property(anyOption, (terms) => {
      const option = { ...terms, strike: 100, priceSteps: 40 };
      const american = vanillaByFiniteDifferences({ ...option, exercise: "american" });
      const european = closedForm({ ...option, exercise: "european" });
      const exercise = Math.max(0, option.type === "call" ? option.spot - 100 : 100 - option.spot);
      expect(american.price).toBeGreaterThanOrEqual(exercise);
      expect(american.price).toBeGreaterThan(european.price - american.error.price - 1e-5);
    });
    fc.assert(check, { numRuns: 150, seed: 4 });
  });
});

describe("European options", () => {
  test.each(largest)("have all values of the closed form, with the second order: %o (PRICE-041)", (option) => {
    const truth = closedForm(option);
    const runs = [100, 200, 400].map((priceSteps) => vanillaByFiniteDifferences({ ...option, priceSteps }));
    for (const name of ["price", "delta", "gamma", "theta"] as const) {
      const scale = Math.abs(truth[name]) + 1e-3 * option.spot;
      for (const { [name]: value, error } of runs)
        expect(Math.abs(value - truth[name]), name).toBeLessThan(error[name] + 1e-8 * scale);
    }
    expect(Math.log2(runs[0]!.error.price / runs[1]!.error.price)).toBeGreaterThan(1.7);
    expect(Math.log2(runs[1]!.error.price / runs[2]!.error.price)).toBeGreaterThan(1.7);
    expect(Math.abs(runs[2]!.price - truth.price)).toBeLessThan(2e-6);
  });
});

describe("knock-out options", () => {
  test("agree with the closed form of QuantLib on 96 of them (PRICE-044)", () => {
    expect(barriers.length).toBe(96);
    const errors: number[] = [];
    for (const row of barriers) {
      const [level, reference] = [row[7]!, row[8]!];
      const knockOut = level < row[1]! ? "down-and-out" : "up-and-out";
      const option = { ...optionOf(row), exercise: "european", knockOut, barrier: level, priceSteps: 200 } as const;
      const { price, error } = barrierByFiniteDifferences(option);
      const off = Math.abs(price - reference);
      expect(off, JSON.stringify(option)).toBeLessThan(error.price + 1e-6);
      errors.push(off);
    }
    expect(quantile(errors, 0.5)).toBeLessThan(1e-6);
    expect(quantile(errors, 1)).toBeLessThan(2e-5);
  });

  test("agree with our closed form wherever they are not refused, as far as the stated error (PRICE-044)", () => {
    let compared = 0;
    const anyKnockOut = fc.record({
      type: fc.constantFrom("call" as const, "put" as const),
      knockOut: fc.constantFrom(...knockOuts),
      spot: fc.double({ min: 40, max: 250, noNaN: true }),
      away: fc.double({ min: 0.01, max: 0.7, noNaN: true }),
      years: fc.double({ min: 0.01, max: 6, noNaN: true }),
      volatility: fc.double({ min: 0.03, max: 1.5, noNaN: true }),
      rate: fc.double({ min: -0.05, max: 0.15, noNaN: true }),
      dividendYield: fc.double({ min: -0.05, max: 0.15, noNaN: true }),
    });
    const check = fc.property(anyKnockOut, ({ away, ...terms }) => {
      const option = { ...terms, strike: 100 };
      const level = option.spot * (option.knockOut === "down-and-out" ? 1 - away : 1 + away);
      const grid = outcomeOf(() =>
        barrierByFiniteDifferences({ ...option, exercise: "european", barrier: level, priceSteps: 60 }),
      );
      if (grid instanceof PricingRefusal) {
        expect(grid.reason).toBe("outside-range");
        return;
      }
      const { price } = barrier({ ...option, knock: option.knockOut, barrier: level });
      expect(Math.abs(grid.price - price)).toBeLessThan(grid.error.price + 1e-4);
      compared++;
    });
    fc.assert(check, { numRuns: 300, seed: 12, endOnFailure: true });
    expect(compared).toBeGreaterThan(100);
  });

  test("are worth nothing at the barrier, and the American one is between European and exercise at once (PRICE-044)", () => {
    const terms = {
      type: "put",
      strike: 100,
      years: 1,
      volatility: 0.3,
      rate: 0.05,
      knockOut: "down-and-out",
    } as const;
    const at = (spot: number, exercise: "european" | "american") =>
      barrierByFiniteDifferences({ ...terms, spot, exercise, barrier: 80 }).price;
    expect(at(80, "american")).toBe(0);
    expect(at(79, "european")).toBe(0);
    for (const spot of [81, 90, 100, 120]) {
      const whole = vanillaByFiniteDifferences({ ...terms, spot, exercise: "american" }).price;
      expect(at(spot, "american")).toBeGreaterThanOrEqual(Math.max(at(spot, "european"), 100 - spot));
      expect(at(spot, "american")).toBeLessThanOrEqual(whole + 1e-6);
    }
  });
});

test("what is outside the domain is refused by name (PRICE-002)", () => {
  const good: GridOption = { type: "put", exercise: "american", spot: 1, strike: 1, years: 1, volatility: 0.2 };
  const bad: readonly (readonly [Partial<Record<keyof GridOption, unknown>>, string, string])[] = [
    [{ type: "straddle" }, "type", "unknown"],
    [{ exercise: "bermudan" }, "exercise", "unknown"],
    [{ spot: 0 }, "spot", "not-positive"],
    [{ strike: NaN }, "strike", "not-a-number"],
    [{ years: -1 }, "years", "not-positive"],
    [{ volatility: Infinity }, "volatility", "not-finite"],
    [{ volatility: 4.1 }, "volatility * sqrt(years)", "outside-range"],
    [{ rate: 21 }, "rate * years", "outside-range"],
    [{ dividendYield: -21 }, "dividendYield * years", "outside-range"],
    [{ spot: 1e60 }, "spot / strike", "outside-range"],
    [{ priceSteps: 2.5 }, "priceSteps", "not-an-integer"],
    [{ timeSteps: 9 }, "timeSteps", "outside-range"],
  ];
  for (const [change, argument, reason] of bad) {
    let refusal: unknown;
    try {
      vanillaByFiniteDifferences({ ...good, ...change } as GridOption);
    } catch (error) {
      refusal = error;
    }
    expect(refusal).toBeInstanceOf(PricingRefusal);
    expect(refusal).toMatchObject({ argument, reason });
  }
  const knocked = { ...good, knockOut: "down-and-out", barrier: -1 } as const;
  expect(() => barrierByFiniteDifferences(knocked)).toThrow("barrier must be positive: -1");
});
