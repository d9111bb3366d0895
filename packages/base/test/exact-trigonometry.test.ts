import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { atan2, cos, sin } from "@stoa/base/exact-trigonometry";
import { createPrng } from "@stoa/base/prng";

const tables = JSON.parse(readFileSync(new URL("fixtures/trigonometry.json", import.meta.url), "utf8")) as Record<
  string,
  string[][]
>;
const functions: Record<string, (...values: number[]) => number> = {
  sin: (x) => sin(x!),
  cos: (x) => cos(x!),
  atan2: (y, x) => atan2(y!, x!),
};

const view = new DataView(new ArrayBuffer(8));
const double = (hexadecimal: string): number => {
  view.setBigUint64(0, BigInt(`0x${hexadecimal}`));
  return view.getFloat64(0);
};

/** The distance to the next double away from zero. */
function unitOf(x: number): number {
  view.setFloat64(0, Math.abs(x));
  const bits = view.getBigUint64(0);
  view.setBigUint64(0, bits + 1n);
  return view.getFloat64(0) - Math.abs(x);
}

describe.each(["sin", "cos", "atan2"])("%s", (name) => {
  test("is within 0.7 units in the last place of 400-digit arithmetic", () => {
    const rows = tables[name]!;
    expect(rows.length).toBeGreaterThan(1_000);
    let worst = 0;
    for (const row of rows) {
      const values = row.map(double);
      const [high, low] = values.slice(-2) as [number, number];
      const ours = functions[name]!(...values.slice(0, -2));
      const error = Math.abs(ours - high - low) / unitOf(high);
      if (!(error <= 0.7)) expect.fail(`${name}(${values.slice(0, -2)}) = ${ours}, ${error} units off`);
      worst = Math.max(worst, error);
    }
    expect(worst).toBeGreaterThan(0.4);
  });
});

test("signs, zeros and infinities are those of Math", () => {
  const specials = [0, -0, 1, -1, Infinity, -Infinity, NaN, 5e-324, -5e-324, 1e308];
  for (const y of specials) {
    if (Math.abs(y) <= 1 || !Number.isFinite(y)) {
      expect(Object.is(sin(y), Math.sin(y)), `sin ${y}`).toBe(true);
      expect(Object.is(cos(y), Math.cos(y)), `cos ${y}`).toBe(true);
    }
    for (const x of specials) expect(Object.is(atan2(y, x), Math.atan2(y, x)), `atan2 ${y} ${x}`).toBe(true);
  }
});

test("no bit changes unnoticed", () => {
  const prng = createPrng(7);
  const hash = createHash("sha256");
  const values = new Float64Array(30_000);
  for (let index = 0; index < values.length; index += 3) {
    const x = (prng.nextFloat() - 0.5) * 2 ** (prng.nextFloat() * 40 - 10);
    values[index] = sin(x);
    values[index + 1] = cos(x);
    values[index + 2] = atan2(x, prng.nextFloat() - 0.5);
  }
  expect(hash.update(new Uint8Array(values.buffer)).digest("hex")).toMatchInlineSnapshot(
    `"bf1b734be69ae5724988ac56fac3aa945010238cf0e7a612910cf0cc8adc637a"`,
  );
});
