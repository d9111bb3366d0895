/**
 * The kernels in WebAssembly SIMD behind the interface of `kernel/kernel.ts`: it gives the module addresses instead of
 * arrays. A column that lies in the module's memory is used where it is; others are copied to a stage and back, a block of rows
 * at a time, which costs about a tenth of the calculation. It computes nothing itself.
 */
import { assert } from "@stoa/base/assert";
import { blackColumnsOf, blackNames, priceColumnsOf, priceNames } from "../kernel/black.ts";
import { impliedColumnsOf, impliedNames, type PriceColumns, type VolatilityColumns } from "../kernel/implied.ts";
import { checkedCount, type BlackColumns, type GreekColumns } from "../kernel/columns.ts";
import type { Kernel } from "../kernel/kernel.ts";
import type { PathKernels } from "../monte-carlo/path-kernels.ts";
import { createKernelModule, type KernelModule } from "./kernel-module.ts";

/** Rows of a block: small enough to stay in a processor's second cache with all its columns. */
const stageRows = 2048;
const stageColumns = 16;

/** A kernel with a memory of 32 MiB of its own, for one thread; `undefined` where WebAssembly SIMD is not available. */
export function createWasmKernel(): Kernel | undefined {
  const module = createKernelModule();
  if (module === undefined) return undefined;
  const columns = Array.from({ length: stageColumns }, () => module.allocate(stageRows));
  const stage: Stage = {
    module,
    columns,
    addresses: columns.map((column) => column.byteOffset),
    statuses: module.allocateBytes(stageRows),
  };
  return {
    form: "wasm-simd",
    allocate: module.allocate,
    allocateStatuses: module.allocateBytes,
    blackChain: (options, out) => blackChain(stage, options, out),
    priceChain: (options, out) => priceChain(stage, options, out),
    impliedChain: (options, out) => impliedChain(stage, options, out),
    // A memory of its own: whoever takes all of the other for columns leaves simulations theirs.
    paths: pathKernels(createKernelModule() ?? module),
  };
}

type Stage = {
  readonly module: KernelModule;
  readonly columns: readonly Float64Array[];
  readonly addresses: readonly number[];
  readonly statuses: Uint8Array;
};

/** What a function of the module does with columns of options: it reads some, writes the rest, and counts what it refused. */
type ChainCall = {
  readonly columns: readonly Float64Array[];
  /** So many of the columns are read; the others are written. */
  readonly inputsCount: number;
  readonly status: Uint8Array;
  readonly run: (count: number, ...columns: readonly number[]) => number;
};

function blackChain(stage: Stage, options: BlackColumns, out: GreekColumns): number {
  const columns = blackColumnsOf(options, out);
  const { status } = out;
  checkedCount(blackNames, [...columns, status]);
  return runChain(stage, { columns, inputsCount: 6, status, run: stage.module.exports.blackChain });
}

function priceChain(stage: Stage, options: BlackColumns, out: Pick<GreekColumns, "price" | "status">): number {
  const columns = priceColumnsOf(options, out);
  const { status } = out;
  checkedCount(priceNames, [...columns, status]);
  return runChain(stage, { columns, inputsCount: 6, status, run: stage.module.exports.priceChain });
}

function impliedChain(stage: Stage, options: PriceColumns, out: VolatilityColumns): number {
  const columns = impliedColumnsOf(options, out);
  const { status } = out;
  checkedCount(impliedNames, [...columns, status]);
  return runChain(stage, { columns, inputsCount: 6, status, run: stage.module.exports.impliedChain });
}

/** All rows: in place when every column is in the memory, else through the stage; an odd last row always goes there. */
function runChain(stage: Stage, call: ChainCall): number {
  const { columns, status, run } = call;
  const { holds } = stage.module;
  const count = status.length;
  const direct = holds(status) && columns.every(holds) ? count - (count % 2) : 0;
  let refusedCount = 0;
  if (0 < direct) refusedCount += run(direct, ...columns.map((column) => column.byteOffset), status.byteOffset);
  for (let first = direct; first < count; first += stageRows)
    refusedCount += runStaged(stage, call, first, Math.min(stageRows, count - first));
  return refusedCount;
}

/** An odd count is filled up with a row that nothing refuses. */
function runStaged(
  { columns: staged, statuses, addresses }: Stage,
  call: ChainCall,
  first: number,
  rows: number,
): number {
  const { columns, inputsCount, status, run } = call;
  for (let index = 0; index < inputsCount; index++) {
    copyRows(columns[index]!, first, staged[index]!, 0, rows);
    if (rows % 2 === 1) staged[index]![rows] = fillers[index]!;
  }
  const refusedCount = run(rows + (rows % 2), ...addresses.slice(0, columns.length), statuses.byteOffset);
  for (let index = inputsCount; index < columns.length; index++)
    copyRows(staged[index]!, 0, columns[index]!, first, rows);
  status.set(statuses.subarray(0, rows), first);
  return refusedCount;
}

/** PERF: views of a part are made where there is much to copy; they cost as much as some hundred rows. */
function copyRows(source: Float64Array, from: number, target: Float64Array, to: number, rows: number): void {
  if (128 < rows) target.set(source.subarray(from, from + rows), to);
  else for (let row = 0; row < rows; row++) target[to + row] = source[from + row]!;
}

/** A call on its strike over a year: the last is a good volatility and a good price. */
const fillers = [1, 1, 1, 1, 1, 0.25];

function pathKernels({ exports, allocate, holds }: KernelModule): PathKernels {
  const at = (column: Float64Array): number => {
    assert(holds(column), "columns of paths are allocated by the kernel that works on them");
    return column.byteOffset;
  };
  return {
    allocate,
    fillUniforms: (out, count, low, high, pairLow, pairHigh, dimension, stream) =>
      exports.fillUniforms(at(out), count, low, high, pairLow, pairHigh, dimension, stream),
    fillNormals: (out, count, low, high, pairLow, pairHigh, dimension, stream) =>
      exports.fillNormals(at(out), count, low, high, pairLow, pairHigh, dimension, stream),
    normalsOfUniforms: (values, count) => exports.normalsOfUniforms(at(values), count),
    gbmStep: (logs, normals, count, drift, deviation) =>
      exports.gbmStep(at(logs), at(normals), count, drift, deviation),
    exponentials: (out, logs, count) => exports.exponentials(at(out), at(logs), count),
    gains: (out, values, count, strike, sign, discount) =>
      exports.gains(at(out), at(values), count, strike, sign, discount),
    sumsInParts: (values, count, parts) => exports.sumsInParts(at(values), count, at(parts)) !== 0,
    hestonQeStep: (logs, variances, normals, uniforms, count, constants) =>
      exports.hestonQeStep(at(logs), at(variances), at(normals), at(uniforms), count, at(constants)),
  };
}
