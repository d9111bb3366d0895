/** Starts a thread of this package from source or from its compiled form, whichever is running. */
import { Worker, type Transferable } from "node:worker_threads";

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
    ...(options.heapMbMax === undefined ? {} : { resourceLimits: { maxOldGenerationSizeMb: options.heapMbMax } }),
  });
}
