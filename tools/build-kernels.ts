/**
 * Builds the WebAssembly form of the pricing kernels from its AssemblyScript source and writes it as a TypeScript module that
 * holds the bytes in base64, so that the package needs no file beside its code, in Node and in browsers alike.
 * `node tools/build-kernels.ts` writes it; a test builds again and compares. The compiler is a development dependency of
 * an exact version and gives the same bytes on every machine.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const sourceFolder = join(import.meta.dirname, "../packages/pricing/assembly");
const compiler = join(import.meta.dirname, "../node_modules/assemblyscript/bin/asc.js");
export const modulePath = join(import.meta.dirname, "../packages/pricing/src/wasm/kernel-bytes.ts");

/** 32 MiB that never grow, so that columns handed out stay where they are. */
const memoryPages = "512";
const compilerArguments = [
  "index.ts",
  "--enable",
  "simd",
  "--runtime",
  "stub",
  "-O3",
  "--noAssert",
  // Constants begin here; the tables of the host follow at 4,096.
  "--memoryBase",
  "16",
  "--initialMemory",
  memoryPages,
  "--maximumMemory",
  memoryPages,
  // Two doubles never cross the border of the module, which is what the compiler warns of.
  "--disableWarning",
  "112",
];

/**
 * The module's bytes, built now. Throws what the compiler says when it refuses. It is run as a program,
 * because the types of its package declare a console of their own for the whole repository.
 */
export function buildKernels(): Uint8Array {
  const output = mkdtempSync(join(tmpdir(), "stoa-kernels-"));
  try {
    const file = join(output, "kernel.wasm");
    execFileSync(process.execPath, [compiler, ...compilerArguments, "--outFile", file], {
      cwd: sourceFolder,
      stdio: "pipe",
    });
    return readFileSync(file);
  } finally {
    rmSync(output, { recursive: true });
  }
}

/** The text of the TypeScript module that holds the bytes. */
export function moduleText(bytes: Uint8Array): string {
  const lines = Buffer.from(bytes)
    .toString("base64")
    .match(/.{1,114}/g)!;
  return `/**
 * The WebAssembly form of the kernels, in base64: what \`tools/build-kernels.ts\` makes of \`packages/pricing/assembly\`. Not
 * written by hand.
 */
export const kernelBytes =
${lines.map((line) => `  "${line}"`).join(" +\n")};
`;
}

if (import.meta.main) {
  const bytes = buildKernels();
  writeFileSync(modulePath, moduleText(bytes));
  console.log(`${modulePath}: ${bytes.length} bytes`);
}
