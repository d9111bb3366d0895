/**
 * What a kernel offers, whichever form computes it: this one in TypeScript, or that of `src/wasm` in WebAssembly. Both give the
 * same bits for every input, so which of them runs is a matter of speed alone. Knows no WebAssembly: who wants the fastest
 * form of a machine asks `activeKernel()` of `@stoa/pricing/wasm/active-kernel`.
 */
import { typescriptPathKernels, type PathKernels } from "../monte-carlo/path-kernels.ts";
import { blackChain, priceChain } from "./black.ts";
import { checkedLength, type BlackColumns, type GreekColumns } from "./columns.ts";
import { impliedChain, type PriceColumns, type VolatilityColumns } from "./implied.ts";

export type Kernel = {
  readonly form: "typescript" | "wasm-simd";
  /**
   * A zeroed column in the memory that the kernel works on. Columns from here are read and written where they are; others are
   * copied, a block of rows at a time. They live as long as the kernel: take them once and use them again.
   * A result may be written over an argument's column; columns that overlap row by other row have no defined result.
   */
  readonly allocate: (length: number) => Float64Array;
  /** The same for a column of statuses. */
  readonly allocateStatuses: (length: number) => Uint8Array;
  /** See `black.ts`. */
  readonly blackChain: (options: BlackColumns, out: GreekColumns) => number;
  /** The prices alone. */
  readonly priceChain: (options: BlackColumns, out: Pick<GreekColumns, "price" | "status">) => number;
  /** See `implied.ts`. */
  readonly impliedChain: (options: PriceColumns, out: VolatilityColumns) => number;
  /** The inner loops of Monte Carlo, for `installPathKernels`. */
  readonly paths: PathKernels;
};

/** The form that runs everywhere. */
export const typescriptKernel: Kernel = {
  form: "typescript",
  allocate: (length) => new Float64Array(checkedLength(length)),
  allocateStatuses: (length) => new Uint8Array(checkedLength(length)),
  blackChain,
  priceChain,
  impliedChain,
  paths: typescriptPathKernels,
};
