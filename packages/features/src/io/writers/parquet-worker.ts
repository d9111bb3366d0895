/** The other end of `parquet-thread.ts`: does what it is asked, one thing after the other, and says how it went. */
import { parentPort } from "node:worker_threads";
import { OutputRefusal } from "./output-refusal.ts";
import { parquetTable } from "./parquet.ts";
import type { ParquetAnswer, ParquetTask } from "./parquet-thread.ts";
import type { TableWriter } from "./table.ts";

let table: TableWriter | undefined;
let last: Promise<void> = Promise.resolve();

async function run(task: ParquetTask): Promise<void> {
  if (task.kind === "open") table = await parquetTable(task.path, task.schema, task.compression);
  if (task.kind === "write") await table?.write(task.block);
  if (task.kind === "finish") await table?.finish();
  if (task.kind === "abort") await table?.abort();
}

function answer(answered: ParquetAnswer): void {
  parentPort?.postMessage(answered);
}

parentPort?.on("message", (task: ParquetTask) => {
  last = last.then(() =>
    run(task).then(
      () => answer({ kind: "done" }),
      (error: unknown) =>
        answer({
          kind: error instanceof OutputRefusal ? "refused" : "failed",
          message: error instanceof Error ? error.message : String(error),
        }),
    ),
  );
});
