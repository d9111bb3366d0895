/**
 * Builds the WebAssembly form of the pricing kernels from its AssemblyScript source and writes it as a TypeScript module that
 * holds the bytes in base64, so that the package needs no file beside its code, in Node and in browsers alike.
 * `node tools/build-kernels.ts` writes it; a test builds again and compares. The compiler is a development dependency of
 * an exact version and gives the same bytes on every machine.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import asc from "assemblyscript/asc";

const sourceFolder = join(import.meta.dirname, "../packages/pricing/assembly");
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
  "--initialMemory",
  memoryPages,
  "--maximumMemory",
  memoryPages,
  // Two doubles never cross the border of the module, which is what the compiler warns of.
  "--disableWarning",
  "112",
  "--outFile",
  "kernel.wasm",
];

/** The module's bytes, built now from `source(file)`, the text of a file of the folder. Throws what the compiler says. */
export async function buildKernels(source = readSource): Promise<Uint8Array> {
  let bytes: Uint8Array | undefined;
  const { error, stderr } = await asc.main(compilerArguments, {
    readFile: (name) => source(name) ?? null,
    writeFile: (_, content) => {
      if (typeof content !== "string") bytes = content;
    },
    listFiles: () => [],
  });
  if (error !== null || bytes === undefined) throw new Error(`the kernels do not compile: ${stderr.toString()}`);
  return bytes;
}

/** A file of the folder; `undefined` for one that is not there, where the compiler looks elsewhere. */
export function readSource(name: string): string | undefined {
  try {
    return readFileSync(join(sourceFolder, name), "utf8");
  } catch {
    return undefined;
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
  const bytes = await buildKernels();
  writeFileSync(modulePath, moduleText(bytes));
  console.log(`${modulePath}: ${bytes.length} bytes`);
}
