/**
 * Prints the golden bits as JSON, as one engine computes them: `run.ts typescript` or `run.ts wasm`. A process of its own, so that
 * the same code meets another version of Node or other flags. With `wasm` it fails where there is no WebAssembly SIMD.
 */
import { writeFileSync } from "node:fs";
import { typescriptKernel } from "@stoa/pricing/kernel/kernel";
import { goldenCases } from "./cases.ts";
import { goldenBits } from "./golden-case.ts";

let kernel = typescriptKernel;
if (process.argv[2] === "wasm") {
  const { activeKernel } = await import("@stoa/pricing/wasm/active-kernel");
  kernel = activeKernel();
  if (kernel.form !== "wasm-simd") throw new Error(`WebAssembly SIMD is not available: ${kernel.form}`);
}
writeFileSync(1, JSON.stringify({ engine: `${process.version} ${kernel.form}`, bits: goldenBits(goldenCases, kernel) }));
