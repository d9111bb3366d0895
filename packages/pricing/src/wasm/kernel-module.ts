/**
 * Instantiates the WebAssembly form of the kernels and lays out its memory: the tables of the TypeScript form, copied in, so
 * that both forms have the same constants; what the module's loops hand on to each other; then what is handed out as
 * columns. The memory never grows, so a column that was handed out stays valid. Knows nothing of options and paths.
 */
import { assert } from "@stoa/base/assert";
import { expTable } from "@stoa/base/exact/tables";
import { checkedLength } from "../kernel/columns.ts";
import { logTable, quantileTable, ratioTable, tailTable } from "../kernel/tables.ts";
import { PricingRefusal } from "../refusal.ts";
import { kernelBytes } from "./kernel-bytes.ts";

type Address = number;

/** What the module exports; columns are given by their addresses. */
export type KernelExports = {
  readonly memory: WebAssembly.Memory;
  /** Where the tables begin and end, and where columns may begin. */
  readonly tablesAddress: { readonly value: Address };
  readonly tablesEnd: { readonly value: Address };
  readonly heapAddress: { readonly value: Address };
  readonly blackChain: (count: number, ...columns: readonly Address[]) => number;
  readonly priceChain: (count: number, ...columns: readonly Address[]) => number;
  readonly impliedChain: (count: number, ...columns: readonly Address[]) => number;
  readonly fillUniforms: (out: Address, count: number, ...counter: readonly number[]) => void;
  readonly fillNormals: (out: Address, count: number, ...counter: readonly number[]) => void;
  readonly normalsOfUniforms: (values: Address, count: number) => void;
  readonly gbmStep: (logs: Address, normals: Address, count: number, drift: number, deviation: number) => void;
  readonly exponentials: (out: Address, logs: Address, count: number) => void;
  readonly gains: (
    out: Address,
    values: Address,
    count: number,
    strike: number,
    sign: number,
    discount: number,
  ) => void;
  readonly sumsInParts: (values: Address, count: number, parts: Address) => number;
  readonly hestonQeStep: (
    logs: Address,
    variances: Address,
    normals: Address,
    uniforms: Address,
    count: number,
    constants: Address,
  ) => void;
};

export type KernelModule = {
  readonly exports: KernelExports;
  /** Zeroed, at a multiple of 16 bytes. Refuses when the memory is used up. */
  readonly allocate: (length: number) => Float64Array;
  readonly allocateBytes: (length: number) => Uint8Array;
  /** Whether an array lies in the module's memory, so that its address is its offset. */
  readonly holds: (column: Float64Array | Uint8Array) => boolean;
};

/** A new instance with a memory of its own; `undefined` where there is no WebAssembly, or none with SIMD. */
export function createKernelModule(): KernelModule | undefined {
  const exports = instantiate();
  if (exports === undefined) return undefined;
  const { buffer } = exports.memory;
  let address = exports.tablesAddress.value;
  for (const table of [expTable, logTable, ratioTable, tailTable, quantileTable]) {
    new Float64Array(buffer, address, table.length).set(table);
    address += table.byteLength;
  }
  assert(address === exports.tablesEnd.value, "the tables are as long as the module expects them");
  let free = exports.heapAddress.value;
  assert(address <= free, "columns begin behind the tables");
  const take = (size: number): Address => {
    if (buffer.byteLength - free < size)
      throw new PricingRefusal(
        "length",
        "outside-range",
        size,
        `does not fit into ${buffer.byteLength} bytes of memory`,
      );
    const taken = free;
    free += Math.ceil(size / 16) * 16;
    return taken;
  };
  return {
    exports,
    allocate: (length) => new Float64Array(buffer, take(8 * checkedLength(length)), length),
    allocateBytes: (length) => new Uint8Array(buffer, take(checkedLength(length)), length),
    holds: (column) => column.buffer === buffer,
  };
}

/**
 * An engine without SIMD refuses to compile the module, and so does a page whose rules forbid compiling (CompileError); one that has
 * no room for the memory, or compiles nothing so large at once, says RangeError.
 */
function instantiate(): KernelExports | undefined {
  if (typeof WebAssembly === "undefined") return undefined;
  const bytes = Uint8Array.from(atob(kernelBytes), (character) => character.charCodeAt(0));
  try {
    return new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports as KernelExports;
  } catch (error) {
    if (error instanceof RangeError || (error instanceof Error && error.name === "CompileError")) return undefined;
    throw error;
  }
}
