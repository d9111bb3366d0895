/**
 * Which form of the kernels a process uses: WebAssembly SIMD where it is available, else TypeScript. Both give the same bits
 * (the tests compare them over large random and edge inputs), so nothing but time depends on the choice.
 */
import { typescriptKernel, type Kernel } from "../kernel/kernel.ts";
import { installPathKernels } from "../monte-carlo/installed-kernels.ts";
import { createWasmKernel } from "./wasm-kernel.ts";

let active: Kernel | undefined;

/**
 * The fastest form that runs here, the same object each time; one per thread. From the first call on Monte Carlo uses its
 * inner loops too.
 *
 * @example activeKernel().blackChain(options, greeks)
 */
export function activeKernel(): Kernel {
  if (active !== undefined) return active;
  active = createWasmKernel() ?? typescriptKernel;
  installPathKernels(active.paths);
  return active;
}
