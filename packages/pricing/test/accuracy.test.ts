import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { errorOf, families, type MeasuredFunction } from "../../../tools/accuracy/measured-function.ts";
import { decodeSamples } from "../../../tools/accuracy/samples.ts";

const fixtures = join(import.meta.dirname, "fixtures", "accuracy");
const loaded = await Promise.all(
  families.map(
    async (family) =>
      (await import(`../../../tools/accuracy/${family}.ts`)) as { readonly functions: readonly MeasuredFunction[] },
  ),
);
const bounded = loaded.flatMap(({ functions }) => functions.filter(({ bounds }) => bounds !== undefined));

describe("against 50-digit values, with no Python needed", () => {
  test("the bounded functions are found", () => {
    const names = bounded.map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(["outOfTheMoneyValue", "black76Price", "impliedVolatility"]));
  });

  test.each(bounded.map((measured) => [measured.name, measured] as const))(
    "%s keeps its bounds (PRICE-014)",
    (name, measured) => {
      const { rows, truths } = decodeSamples(measured, readFileSync(join(fixtures, `${name}.bin`)));
      expect(rows.length).toBeGreaterThanOrEqual(200);
      const unjudged: string[] = [];
      const worst = measured.results.map(() => ({ error: 0, row: [] as readonly number[] }));
      for (const [position, row] of rows.entries()) {
        const values = measured.evaluate(row);
        for (const [index, result] of measured.results.entries()) {
          const truth = truths[position * measured.results.length + index]!;
          if (truth.high !== truth.high) {
            unjudged.push(`${result} at ${row.join(", ")}`);
            continue;
          }
          const error = errorOf(values[result]!, truth);
          if (worst[index]!.error < error) worst[index] = { error, row };
        }
      }
      // A truth that is none would let anything pass: there are 250 points and more of each function, and not one such.
      expect(unjudged).toEqual([]);
      for (const [index, result] of measured.results.entries())
        expect(worst[index]!.error, `${result} at ${worst[index]!.row.join(", ")}`).toBeLessThanOrEqual(
          measured.bounds![result]!,
        );
    },
  );
});

test("an error is counted in units in the last place of the truth, or of the larger term where one is named", () => {
  const three = { high: 1.5, low: 0, exponent: 1, unitExponent: 1 };
  expect(errorOf(3, three)).toBe(0);
  expect(errorOf(3 + 2 ** -51, three)).toBe(1);
  expect(errorOf(3, { ...three, low: 2 ** -54 })).toBe(0.25);
  expect(errorOf(3 + 2 ** -51, { ...three, unitExponent: 4 })).toBe(0.125);
  // Subnormals lie evenly: 2^-1074 * 1.25 rounds to one of them.
  const tiny = { high: 1.25, low: 0, exponent: -1074, unitExponent: -1074 };
  expect(errorOf(5e-324, tiny)).toBe(0.25);
  expect(errorOf(0, tiny)).toBe(1.25);
  expect(errorOf(NaN, three)).toBe(Infinity);
  expect(errorOf(Infinity, three)).toBe(Infinity);
  expect(errorOf(Infinity, { high: 1, low: 0, exponent: 1024, unitExponent: 1024 })).toBe(0);
  expect(errorOf(-Infinity, { high: 1, low: 0, exponent: 1024, unitExponent: 1024 })).toBe(Infinity);
  expect(errorOf(0, { high: 0, low: 0, exponent: 0, unitExponent: -4000 })).toBe(0);
});
