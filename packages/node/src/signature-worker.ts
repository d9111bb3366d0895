/** A thread that checks commands, batch by batch; its one partner is `signature-pool.ts`. */
import { parentPort } from "node:worker_threads";
import { present } from "@stoa/base/assert";
import { installNativeCrypto } from "./native-crypto.ts";
import { judge } from "./verdict.ts";

/** Commands one after another in `bytes`, their ends in `ends`. */
export interface CheckRequest {
  readonly bytes: Uint8Array;
  readonly ends: Uint32Array;
}

installNativeCrypto();
const port = present(parentPort, "the signature worker runs on a thread of its own");
port.on("message", ({ bytes, ends }: CheckRequest) => {
  const verdicts = new Uint32Array(ends.length);
  let start = 0;
  for (let index = 0; index < ends.length; index++) {
    verdicts[index] = judge(bytes.subarray(start, ends[index]));
    start = ends[index]!;
  }
  port.postMessage(verdicts, [verdicts.buffer]);
});
