/** What the module exports to `src/wasm/kernel-module.ts`. Built by `tools/build-kernels.ts`. */
export { blackChain, heapAddress, priceChain } from "./black";
export { tablesAddress, tablesEnd } from "./functions";
export {
  exponentials,
  fillNormals,
  fillUniforms,
  gains,
  gbmStep,
  hestonQeStep,
  normalsOfUniforms,
  sumsInParts,
} from "./paths";
export { impliedChain } from "./implied";
