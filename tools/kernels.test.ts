/** The built kernels in the repository are what their AssemblyScript source compiles to. */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { buildKernels, modulePath, moduleText, sourceFolder } from "./build-kernels.ts";

test("the source makes the module again, byte for byte", () => {
  expect(moduleText(buildKernels())).toBe(readFileSync(modulePath, "utf8"));
}, 60_000);

test("another constant in the source is another module", () => {
  const folder = mkdtempSync(join(tmpdir(), "stoa-kernel-source-"));
  try {
    cpSync(sourceFolder, folder, { recursive: true });
    const file = join(folder, "black.ts");
    const text = readFileSync(file, "utf8");
    expect(text).toContain("0.3989422804014327");
    writeFileSync(file, text.replace("0.3989422804014327", "0.3989422804014326"));
    expect(moduleText(buildKernels(folder))).not.toBe(readFileSync(modulePath, "utf8"));
  } finally {
    rmSync(folder, { recursive: true });
  }
}, 60_000);
