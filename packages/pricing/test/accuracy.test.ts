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
      const worst = measured.results.map(() => ({ error: 0, row: [] as readonly number[] }));
      for (const [position, row] of rows.entries()) {
        const values = measured.evaluate(row);
        for (const [index, result] of measured.results.entries()) {
          const truth = truths[position * measured.results.length + index]!;
          if (truth.high !== truth.high) continue;
          const error = errorOf(values[result]!, truth);
          if (worst[index]!.error < error) worst[index] = { error, row };
        }
      }
      for (const [index, result] of measured.results.entries())
        expect(worst[index]!.error, `${result} at ${worst[index]!.row.join(", ")}`).toBeLessThanOrEqual(
          measured.bounds![result]!,
        );
    },
  );
});
