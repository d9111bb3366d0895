/** Starts a thread of this package from source or from its compiled form, whichever is running. */
import { Worker, type Transferable } from "node:worker_threads";

/**
 * V8 lets the young generation of a busy thread grow to 64 MiB, which five threads a node and four nodes a machine do not
 * need: at a fifth of that, throughput is the same and a validator is 90 MiB smaller (bench/memory.ts).
 */
const youngGenerationMbMax = 12;

export function startThread(
  name: string,
  workerData: unknown,
  options: { readonly transferList?: readonly Transferable[]; readonly heapMbMax?: number } = {},
): Worker {
  const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";
  return new Worker(new URL(`./${name}.${extension}`, import.meta.url), {
    name,
    workerData,
    transferList: [...(options.transferList ?? [])],
    execArgv: extension === "ts" ? ["--conditions=@stoa/source"] : [],
    resourceLimits: {
      maxYoungGenerationSizeMb: youngGenerationMbMax,
      ...(options.heapMbMax === undefined ? {} : { maxOldGenerationSizeMb: options.heapMbMax }),
    },
  });
}
