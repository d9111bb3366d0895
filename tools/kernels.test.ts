/** The built kernels in the repository are what their AssemblyScript source compiles to. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { buildKernels, modulePath, moduleText } from "./build-kernels.ts";

test("the source makes the module of the kernels again, byte for byte", () => {
  expect(moduleText(buildKernels())).toBe(readFileSync(modulePath, "utf8"));
}, 60_000);
