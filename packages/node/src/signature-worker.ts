/** A thread that checks commands, batch by batch; its one partner is `signature-pool.ts`. */
import { parentPort } from "node:worker_threads";
import { present } from "@stoa/base/assert";
import { createBatchVerifier } from "./batch-verifier/batch-verifier.ts";
import { collectWhenIdle } from "./idle-collector.ts";
import { installNativeCrypto } from "./native-crypto.ts";
import { judgeAll } from "./verdict-batch.ts";

/** Commands one after another in `bytes`, their ends in `ends`. */
export interface CheckRequest {
  readonly bytes: Uint8Array;
  readonly ends: Uint32Array;
}

installNativeCrypto();
collectWhenIdle();
const verifier = createBatchVerifier();
if (!verifier.isBatching)
  process.emitWarning("signatures are checked one by one, which is slower: this machine cannot run the batch verifier");
const port = present(parentPort, "the signature worker runs on a thread of its own");
port.on("message", ({ bytes, ends }: CheckRequest) => {
  const commands: Uint8Array[] = [];
  let start = 0;
  for (const end of ends) {
    commands.push(bytes.subarray(start, end));
    start = end;
  }
  const verdicts = judgeAll(commands, verifier);
  port.postMessage(verdicts, [verdicts.buffer as ArrayBuffer]);
});
