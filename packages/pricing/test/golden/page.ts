/** What runs in the browser: the golden cases on the library's own source files, with either form of the kernels. */
import { typescriptKernel } from "@stoa/pricing/kernel/kernel";
import { activeKernel } from "@stoa/pricing/wasm/active-kernel";
import { goldenCases } from "./cases.ts";
import { goldenBits, type GoldenBits } from "./golden-case.ts";

const actions = {
  typescriptBits: (): GoldenBits => goldenBits(goldenCases, typescriptKernel),
  /** Fails where WebAssembly SIMD is not available. From here on Monte Carlo runs on it too. */
  wasmBits: (): GoldenBits => {
    const kernel = activeKernel();
    if (kernel.form !== "wasm-simd") throw new Error(`WebAssembly SIMD is not available: ${kernel.form}`);
    return goldenBits(goldenCases, kernel);
  },
};

Object.assign(globalThis, actions);
