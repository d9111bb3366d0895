/**
 * The kernels in WebAssembly SIMD behind the interface of `kernel/kernel.ts`: it gives the module addresses instead of
 * arrays. A column that lies in the module's memory is used where it is; others are copied to a stage and back, a block of rows
 * at a time, which costs about a tenth of the calculation. It computes nothing itself.
 */
import { assert } from "@stoa/base/assert";
import type { BlackColumns, GreekColumns } from "../kernel/black.ts";
import { impliedChain } from "../kernel/implied.ts";
import { checkedCount } from "../kernel/columns.ts";
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
  const stage: Stage = {
    module,
    columns: Array.from({ length: stageColumns }, () => module.allocate(stageRows)),
    statuses: module.allocateBytes(stageRows),
  };
  return {
    form: "wasm-simd",
    allocate: module.allocate,
    allocateStatuses: module.allocateBytes,
    blackChain: (options, out) => blackChain(stage, options, out),
    impliedChain,
    paths: pathKernels(module),
  };
}

type Stage = {
  readonly module: KernelModule;
  readonly columns: readonly Float64Array[];
  readonly statuses: Uint8Array;
};

/** What a function of the module does with columns of options: it reads some, writes others, and counts what it refused. */
type ChainCall = {
  readonly count: number;
  readonly inputs: readonly Float64Array[];
  readonly outputs: readonly Float64Array[];
  readonly status: Uint8Array;
  /** A row that is refused by nothing, to fill up an odd count. */
  readonly filler: readonly number[];
  readonly run: (count: number, ...columns: readonly number[]) => number;
};

function blackChain(stage: Stage, options: BlackColumns, out: GreekColumns): number {
  const { sign, forward, strike, years, discount, volatility } = options;
  const { price, delta, gamma, vega, theta, rho, vanna, status } = out;
  const inputs = { sign, forward, strike, years, discount, volatility };
  const outputs = { price, delta, gamma, vega, theta, rho, vanna };
  return runChain(stage, {
    count: checkedCount({ ...inputs, ...outputs, status }),
    inputs: Object.values(inputs),
    outputs: Object.values(outputs),
    status,
    filler: [1, 1, 1, 1, 1, 1],
    run: stage.module.exports.blackChain,
  });
}

/** All rows: in place when every column is in the memory, else through the stage; an odd last row always goes there. */
function runChain(stage: Stage, call: ChainCall): number {
  const { count, inputs, outputs, status, run } = call;
  const isInside = [...inputs, ...outputs, status].every(stage.module.holds);
  const direct = isInside ? count - (count % 2) : 0;
  let refusedCount = 0;
  if (0 < direct)
    refusedCount += run(direct, ...[...inputs, ...outputs].map((column) => column.byteOffset), status.byteOffset);
  for (let first = direct; first < count; first += stageRows)
    refusedCount += runStaged(stage, call, first, Math.min(stageRows, count - first));
  return refusedCount;
}

function runStaged({ columns, statuses }: Stage, call: ChainCall, first: number, rows: number): number {
  const { inputs, outputs, status, filler, run } = call;
  const even = rows + (rows % 2);
  for (const [index, column] of inputs.entries()) {
    const staged = columns[index]!;
    staged.set(column.subarray(first, first + rows));
    if (rows < even) staged[rows] = filler[index]!;
  }
  const used = columns.slice(0, inputs.length + outputs.length);
  const refusedCount = run(even, ...used.map((column) => column.byteOffset), statuses.byteOffset);
  for (const [index, column] of outputs.entries()) column.set(columns[inputs.length + index]!.subarray(0, rows), first);
  status.set(statuses.subarray(0, rows), first);
  return refusedCount;
}

function pathKernels({ exports, allocate, holds }: KernelModule): PathKernels {
  const at = (column: Float64Array): number => {
    assert(holds(column), "columns of paths are allocated by the kernel that works on them");
    return column.byteOffset;
  };
  return {
    allocate,
    fillUniforms: (out, count, ...counter) => exports.fillUniforms(at(out), count, ...counter),
    fillNormals: (out, count, ...counter) => exports.fillNormals(at(out), count, ...counter),
    normalsOfUniforms: (values, count) => exports.normalsOfUniforms(at(values), count),
    gbmStep: (logs, normals, count, drift, deviation) =>
      exports.gbmStep(at(logs), at(normals), count, drift, deviation),
    exponentials: (out, logs, count) => exports.exponentials(at(out), at(logs), count),
    hestonQeStep: (logs, variances, normals, uniforms, count, constants) =>
      exports.hestonQeStep(at(logs), at(variances), at(normals), at(uniforms), count, at(constants)),
  };
}
