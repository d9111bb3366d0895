/**
 * The WebAssembly form of every kernel gives the bits of the TypeScript form: over daily and absurd options, over every
 * combination of edge values, from columns inside and outside of its memory, and over paths with every kind of step.
 */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { createPrng } from "@stoa/base/prng";
import type { BlackColumns, GreekColumns } from "../../src/kernel/columns.ts";
import { typescriptKernel } from "../../src/kernel/kernel.ts";
import { hestonConstants } from "../../src/monte-carlo/heston-constants.ts";
import { installPathKernels } from "../../src/monte-carlo/installed-kernels.ts";
import { typescriptPathKernels } from "../../src/monte-carlo/path-kernels.ts";
import { activeKernel } from "../../src/wasm/active-kernel.ts";
import { createWasmKernel } from "../../src/wasm/wasm-kernel.ts";
import { blackColumns, edgeOptions, greekColumns, greekNames, randomOptions } from "../kernel/chains.ts";

const wasm = createWasmKernel()!;

/** The bits of a column, every NaN as one and the same. */
function bitsOf(column: Float64Array): BigUint64Array {
  return new BigUint64Array(Float64Array.from(column, (value) => (value !== value ? NaN : value)).buffer);
}

function firstDifference(expected: Float64Array, got: Float64Array): number {
  const [a, b] = [bitsOf(expected), bitsOf(got)];
  return a.findIndex((bits, index) => bits !== b[index]);
}

function expectSameRows(options: BlackColumns, got: GreekColumns, expected: GreekColumns): void {
  for (const name of greekNames) {
    const row = firstDifference(expected[name], got[name]);
    const option = Object.entries(options).map(([key, column]) => `${key} ${column[row]}`);
    expect(row, `${name} ${got[name][row]}, not ${expected[name][row]}: ${option.join(", ")}`).toBe(-1);
  }
  expect(got.status).toEqual(expected.status);
}

function inMemory(options: BlackColumns, count: number): [BlackColumns, GreekColumns] {
  const copy = (column: Float64Array): Float64Array => {
    const held = wasm.allocate(count);
    held.set(column);
    return held;
  };
  const { sign, forward, strike, years, discount, volatility } = options;
  const [a, b, c] = [copy(sign), copy(forward), copy(strike)];
  const [d, e, f] = [copy(years), copy(discount), copy(volatility)];
  const columns = { sign: a, forward: b, strike: c, years: d, discount: e, volatility: f };
  const out = Object.fromEntries(greekNames.map((name) => [name, wasm.allocate(count)])) as Omit<
    GreekColumns,
    "status"
  >;
  return [columns, { ...out, status: wasm.allocateStatuses(count) }];
}

describe("a chain", () => {
  test("is available in WebAssembly here, and chosen", () => {
    expect(wasm.form).toBe("wasm-simd");
    expect(activeKernel().form).toBe("wasm-simd");
    expect(activeKernel()).toBe(activeKernel());
  });

  test("is chosen in TypeScript where there is no room for the memory of the other", async () => {
    const file = new URL("../../src/wasm/active-kernel.ts", import.meta.url).href;
    const program = `import { activeKernel } from ${JSON.stringify(file)}; console.log(activeKernel().form);`;
    const flags = ["--wasm-max-mem-pages=100", "--conditions=@stoa/source", "--input-type=module", "--eval", program];
    const { stdout } = await promisify(execFile)(process.execPath, flags);
    expect(stdout).toBe("typescript\n");
  });

  test("hands out no memory twice, whatever lengths are asked for", () => {
    for (const kernel of [wasm, typescriptKernel]) {
      const held = kernel.allocate(4).fill(7);
      for (const length of [-4, NaN, 1.5, "3", undefined] as number[])
        for (const allocate of [kernel.allocate, kernel.allocateStatuses])
          expect(() => allocate(length), `${kernel.form} ${length}`).toThrow("length");
      kernel.allocate(4).fill(9);
      expect([...held]).toEqual([7, 7, 7, 7]);
    }
  });

  test("has the same bits over random options, counts even and odd, staged and in place (PRICE-064)", () => {
    const random = createPrng("same bits");
    for (const count of [1, 2, 3, 2047, 2048, 2049, 40_001]) {
      const options = blackColumns(randomOptions(random, count));
      const [expected, got] = [greekColumns(count), greekColumns(count)];
      expect(wasm.blackChain(options, got)).toBe(typescriptKernel.blackChain(options, expected));
      expectSameRows(options, got, expected);
      const [columns, out] = inMemory(options, count);
      expect(wasm.blackChain(columns, out)).toBe(0);
      expectSameRows(options, out, expected);
    }
  });

  test("has the same bits for every combination of edges, also beside a neighbour that takes another way", () => {
    const rows = edgeOptions();
    expect(rows.length).toBeGreaterThan(20_000);
    for (const order of [rows, rows.slice(1), shuffled(rows)]) {
      const options = blackColumns(order);
      const [expected, got] = [greekColumns(order.length), greekColumns(order.length)];
      const refusedCount = typescriptKernel.blackChain(options, expected);
      expect(wasm.blackChain(options, got)).toBe(refusedCount);
      expect(refusedCount).toBeGreaterThan(1_000);
      expect(order.length - refusedCount).toBeGreaterThan(3_000);
      expectSameRows(options, got, expected);
      for (const kernel of [wasm, typescriptKernel]) {
        const alone = greekColumns(order.length);
        expect(kernel.priceChain(options, alone)).toBe(refusedCount);
        expect(firstDifference(expected.price, alone.price)).toBe(-1);
        expect(alone.status).toEqual(expected.status);
      }
    }
  });
});

describe.each([wasm, typescriptKernel])("$form", (kernel) => {
  test("may write its figures over its arguments, whichever way a row takes", () => {
    const rows = shuffled(edgeOptions()).slice(0, 6_001);
    const options = blackColumns(rows);
    const expected = greekColumns(rows.length);
    typescriptKernel.blackChain(options, expected);
    const held = Object.entries(options).map(([name, column]) => {
      const copy = kernel.allocate(rows.length);
      copy.set(column);
      return [name, copy] as const;
    });
    const columns = Object.fromEntries(held) as BlackColumns;
    const { forward, strike, years, discount, volatility, sign } = columns;
    const over = { price: forward, delta: strike, gamma: years, vega: discount, theta: volatility, rho: sign };
    const out = { ...over, vanna: kernel.allocate(rows.length), status: kernel.allocateStatuses(rows.length) };
    kernel.blackChain(columns, out);
    expectSameRows(options, out, expected);
    const price = impliedPrices(options);
    const apart = { volatility: new Float64Array(rows.length), status: new Uint8Array(rows.length) };
    typescriptKernel.impliedChain({ ...options, price }, apart);
    const status = kernel.allocateStatuses(rows.length);
    kernel.impliedChain({ ...options, price }, { volatility: price, status });
    expect(firstDifference(apart.volatility, price)).toBe(-1);
    expect(status).toEqual(apart.status);
  });
});

/** Prices of options, then prices that are too low, too high, at the bounds, and no numbers. */
function impliedPrices(options: BlackColumns): Float64Array {
  const out = greekColumns(options.sign.length);
  typescriptKernel.blackChain(options, out);
  const random = createPrng("prices");
  return out.price.map((price, row) => {
    const kind = random.below(24);
    const { sign, forward, strike, discount } = options;
    const gain = Math.max(0, sign[row]! * (forward[row]! - strike[row]!));
    if (kind === 0) return discount[row]! * gain;
    if (kind === 1) return discount[row]! * (sign[row] === 1 ? forward[row]! : strike[row]!);
    if (kind === 2) return [NaN, Infinity, -1, 0, -0, 1e101, 5e-324, 1e-300][random.below(8)]!;
    return kind === 3 ? price * 2 * random.nextFloat() : price;
  });
}

describe("implied volatilities", () => {
  test.each([
    ["random options", () => randomOptions(createPrng("implied bits"), 60_001)],
    ["edges", edgeOptions],
    ["edges beside other neighbours", () => shuffled(edgeOptions())],
  ])("have the same bits for %s", (_, rows) => {
    const options = blackColumns(rows());
    const count = options.sign.length;
    const priced = { ...options, price: impliedPrices(options) };
    const column = (): { volatility: Float64Array; status: Uint8Array } => ({
      volatility: new Float64Array(count),
      status: new Uint8Array(count),
    });
    const [expected, got] = [column(), column()];
    const refusedCount = typescriptKernel.impliedChain(priced, expected);
    expect(wasm.impliedChain(priced, got)).toBe(refusedCount);
    const row = firstDifference(expected.volatility, got.volatility);
    const option = Object.entries(priced).map(([key, values]) => `${key} ${values[row]}`);
    expect(row, `${got.volatility[row]}, not ${expected.volatility[row]}: ${option.join(", ")}`).toBe(-1);
    expect(got.status).toEqual(expected.status);
    expect(new Set(expected.status).size).toBeGreaterThan(4);
  });
});

function shuffled<T>(items: readonly T[]): T[] {
  const random = createPrng("shuffled");
  const list = [...items];
  for (let index = list.length - 1; 0 < index; index--) {
    const other = random.below(index + 1);
    [list[index], list[other]] = [list[other]!, list[index]!];
  }
  return list;
}

describe("paths", () => {
  test("have the same bits on the probes of the simulation, so that it takes them", () => {
    installPathKernels(wasm.paths);
    installPathKernels(typescriptPathKernels);
  });

  test("draw the same uniforms and normals for every count and counter", () => {
    const random = createPrng("draws");
    for (const count of [2, 4, 6, 8, 10, 254, 256, 4096]) {
      const [got, expected] = [wasm.paths.allocate(count + 2).fill(7), new Float64Array(count + 2).fill(7)];
      for (let round = 0; round < 8; round++) {
        const word = (): number => random.nextU32() | 0;
        const counter = [word(), word(), round * 1_000, word(), random.below(1_000), random.below(3)] as const;
        for (const name of ["fillUniforms", "fillNormals"] as const) {
          wasm.paths[name](got, count, ...counter);
          typescriptPathKernels[name](expected, count, ...counter);
          expect(firstDifference(expected, got), `${name} ${counter.join(" ")}`).toBe(-1);
        }
      }
    }
  });

  test("take the same quantiles and exponentials, at the ends too", () => {
    const random = createPrng("ends");
    const special = [0, -0, 1, -1, 0.5, 0.125, 0.875, 5e-324, 1e-310, NaN, Infinity, -Infinity, 2, 1 - 2 ** -53, 709.8];
    const values = [...special, ...Array.from({ length: 20_001 }, (_, k) => 2 ** -(k % 1075) * random.nextFloat())];
    const logs = [
      ...special,
      -745.2,
      709.78,
      -708.4,
      ...Array.from({ length: 20_000 }, () => 1_500 * (random.nextFloat() - 0.5)),
    ];
    const [got, expected] = [wasm.paths.allocate(values.length), Float64Array.from(values)];
    got.set(values);
    wasm.paths.normalsOfUniforms(got, values.length);
    typescriptPathKernels.normalsOfUniforms(expected, values.length);
    expect(firstDifference(expected, got)).toBe(-1);
    const held = wasm.paths.allocate(logs.length);
    held.set(logs);
    const [out, wanted] = [wasm.paths.allocate(logs.length), new Float64Array(logs.length)];
    wasm.paths.exponentials(out, held, logs.length);
    typescriptPathKernels.exponentials(wanted, Float64Array.from(logs), logs.length);
    expect(firstDifference(wanted, out)).toBe(-1);
  });

  test("gain the same, and have the same sums", () => {
    const random = createPrng("gains and sums");
    const [given, held] = [new Float64Array(256), wasm.paths.allocate(256)];
    const [gains, heldGains] = [new Float64Array(256), wasm.paths.allocate(256)];
    const [parts, heldParts] = [new Float64Array(4), wasm.paths.allocate(4)];
    const answers = new Set<boolean>();
    for (let round = 0; round < 400; round++) {
      for (let path = 0; path < 256; path++) given[path] = 2 ** ((round % 8) * 6 * (random.nextFloat() - 0.5));
      if (round % 10 === 0) given[random.below(256)] = [NaN, Infinity, 0, 1e-310, 1e200][(round / 10) % 5]!;
      held.set(given);
      const [strike, sign, discount] = [random.nextFloat(), round % 2 === 0 ? 1 : -1, random.nextFloat()] as const;
      typescriptPathKernels.gains(gains, given, 256, strike, sign, discount);
      wasm.paths.gains(heldGains, held, 256, strike, sign, discount);
      expect(firstDifference(gains, heldGains)).toBe(-1);
      const expected = typescriptPathKernels.sumsInParts(gains, 256, parts);
      expect(wasm.paths.sumsInParts(heldGains, 256, heldParts)).toBe(expected);
      if (expected) expect(firstDifference(parts, heldParts)).toBe(-1);
      answers.add(expected);
    }
    expect(answers.size).toBe(2);
  });

  test("take the same steps of Heston's model, whichever formula each path needs", () => {
    const random = createPrng("heston");
    const count = 4096;
    for (let round = 0; round < 40; round++) {
      const constants = hestonConstants({
        years: [1 / 365, 0.05, 0.5, 4, 30][round % 5]!,
        drift: 0.02 * random.nextFloat() - 0.01,
        meanReversion: 0.1 + 3 * random.nextFloat(),
        longVariance: 0.01 + 0.2 * random.nextFloat(),
        volatilityOfVariance: round === 39 ? 1e-90 : 0.05 + 1.5 * random.nextFloat(),
        correlation: 1.98 * random.nextFloat() - 0.99,
      });
      const draw = (index: number): number =>
        index % 17 === 0 ? 0 : (random.nextFloat() + 1e-17) * (index % 3 === 0 ? 1 : 0.05);
      const columns = [0, 1, 2, 3].map((k) =>
        Float64Array.from({ length: count }, (_, index) => (k === 3 ? random.nextFloat() * 0.999 + 1e-9 : draw(index))),
      );
      const held = [...columns, constants].map((column) => {
        const copy = wasm.paths.allocate(column.length);
        copy.set(column);
        return copy;
      });
      const [x, v, z, u] = columns as [Float64Array, Float64Array, Float64Array, Float64Array];
      const [hx, hv, hz, hu, hc] = held as [Float64Array, Float64Array, Float64Array, Float64Array, Float64Array];
      for (let step = 0; step < 3; step++) {
        typescriptPathKernels.hestonQeStep(x, v, z, u, count, constants);
        wasm.paths.hestonQeStep(hx, hv, hz, hu, count, hc);
        expect(firstDifference(v, hv)).toBe(-1);
        expect(firstDifference(x, hx)).toBe(-1);
      }
      typescriptPathKernels.gbmStep(x, z, count, -0.01, 0.3);
      wasm.paths.gbmStep(hx, hz, count, -0.01, 0.3);
      expect(firstDifference(x, hx)).toBe(-1);
    }
  });

  test("of another memory are refused", () => {
    expect(() => wasm.paths.exponentials(new Float64Array(2), new Float64Array(2), 2)).toThrow(
      /allocated by the kernel/,
    );
  });
});
