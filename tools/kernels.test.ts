/** The built kernels in the repository are what their AssemblyScript source compiles to. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { buildKernels, modulePath, moduleText, readSource } from "./build-kernels.ts";

test("the source makes the module again, byte for byte", async () => {
  expect(moduleText(await buildKernels())).toBe(readFileSync(modulePath, "utf8"));
}, 60_000);

test("another constant in the source is another module", async () => {
  const changed = (name: string): string | undefined =>
    readSource(name)?.replace("0.3989422804014327", "0.3989422804014326");
  expect(moduleText(await buildKernels(changed))).not.toBe(readFileSync(modulePath, "utf8"));
}, 60_000);
