/**
 * A Parquet table on a thread of its own: blocks are handed over without a copy, so that the features of the next rows are computed while those
 * before are compressed. Two blocks may be under way; who brings a third waits.
 */
import { Worker } from "node:worker_threads";
import { OutputRefusal } from "./output-refusal.ts";
import type { ParquetCompression } from "./parquet.ts";
import type { OutputSchema } from "./output-schema.ts";
import type { RowBlock, TableWriter } from "./table.ts";

export type ParquetTask =
  | {
      readonly kind: "open";
      readonly path: string;
      readonly schema: OutputSchema;
      readonly compression: ParquetCompression;
    }
  | { readonly kind: "write"; readonly block: RowBlock }
  | { readonly kind: "finish" }
  | { readonly kind: "abort" };

export type ParquetAnswer =
  | { readonly kind: "done" }
  | { readonly kind: "refused"; readonly message: string }
  | { readonly kind: "failed"; readonly message: string };

const blocksInFlightMax = 2;

export async function parquetTableOnThread(
  path: string,
  schema: OutputSchema,
  compression: ParquetCompression = "zstd",
): Promise<TableWriter> {
  const thread = startThread();
  const waiting: Promise<void>[] = [];
  const ask = (task: ParquetTask): Promise<void> => {
    const answer = thread.ask(task);
    // Whoever waits for it later is told; until then it is not an error that nobody handles.
    answer.catch(() => undefined);
    return answer;
  };
  try {
    await ask({ kind: "open", path, schema, compression });
  } catch (error) {
    await thread.end();
    throw error;
  }
  return {
    async write(block) {
      waiting.push(ask({ kind: "write", block }));
      while (blocksInFlightMax <= waiting.length) await waiting.shift();
    },
    async finish() {
      while (0 < waiting.length) await waiting.shift();
      await ask({ kind: "finish" });
      await thread.end();
    },
    async abort() {
      await ask({ kind: "abort" }).catch(() => undefined);
      await thread.end();
    },
  };
}

interface Thread {
  /** Answered in the order of asking. */
  ask(task: ParquetTask): Promise<void>;
  end(): Promise<void>;
}

function startThread(): Thread {
  const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";
  const worker = new Worker(new URL(`./parquet-worker.${extension}`, import.meta.url), {
    name: "stoa-parquet",
    execArgv: extension === "ts" ? ["--conditions=@stoa/source"] : [],
  });
  const asked: { resolve(): void; reject(error: Error): void }[] = [];
  let dead: Error | undefined;
  const die = (error: Error): void => {
    dead ??= error;
    for (const one of asked.splice(0)) one.reject(dead);
  };
  worker.on("message", (answer: ParquetAnswer) => {
    const one = asked.shift();
    if (answer.kind === "done") one?.resolve();
    else one?.reject(answer.kind === "refused" ? new OutputRefusal(answer.message) : new Error(answer.message));
  });
  worker.on("error", (error) => die(error as Error));
  worker.on("exit", (code) => die(new Error(`the thread that writes Parquet ended with code ${code}`)));
  return {
    ask: (task) =>
      new Promise((resolve, reject) => {
        if (dead !== undefined) return reject(dead);
        asked.push({ resolve, reject });
        const buffers = task.kind === "write" ? [task.block.timeNs.buffer, task.block.values.buffer] : [];
        worker.postMessage(task, buffers);
      }),
    end: async () => void (await worker.terminate()),
  };
}
