/**
 * Loaded into the validators of `memory.ts` before anything else, in every thread: on SIGUSR2 each collects its garbage. V8
 * collects lazily, so resident memory as it stands says how much a heap may waste; after a collection it says what is held.
 */
import { Session } from "node:inspector";
import { BroadcastChannel, isMainThread } from "node:worker_threads";

const channel = new BroadcastChannel("collect garbage");
const session = new Session();
session.connect();
const collect = (): void => session.post("HeapProfiler.collectGarbage");
channel.onmessage = collect;
channel.unref();
if (isMainThread) {
  process.on("SIGUSR2", () => {
    channel.postMessage("now");
    collect();
  });
}
