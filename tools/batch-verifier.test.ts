/** The compiled batch verifier in the repository is what its source beside it compiles to. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import {
  buildModule,
  modulePath,
  presentCompiler,
  recordOf,
  recordPath,
  type BuildRecord,
} from "./build-batch-verifier.ts";

const record = JSON.parse(readFileSync(recordPath, "utf8")) as BuildRecord;

test("source and module are those that were recorded together", () => {
  expect(Object.keys(record.sources)).toContain("batch-verifier.c");
  expect(recordOf(record.compiler)).toEqual(record);
});

test("the recorded compiler makes the module again, byte for byte; where it is absent the test before this one has to do", () => {
  const compiler = presentCompiler();
  const isRecorded = compiler === record.compiler;
  console.info(
    `batch verifier: ${isRecorded ? "built again" : "digests only"}, with ${compiler ?? "no clang-19"} here`,
  );
  const built = isRecorded ? buildModule() : readFileSync(modulePath);
  expect(Buffer.compare(built, readFileSync(modulePath))).toBe(0);
}, 60_000);
