/**
 * Builds the WebAssembly module of the batch verifier from its C source by Debian's clang, and says what source and module
 * belong together. `node tools/build-batch-verifier.ts` writes both beside the source: `batch-verifier.wasm`, and
 * `batch-verifier.json`, the digests that the tests compare on machines without that compiler.
 */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";

export interface BuildRecord {
  /** First line of `clang --version`: another compiler gives other bytes. */
  readonly compiler: string;
  /** SHA-256 by file, of every file that goes into the module. */
  readonly sources: Readonly<Record<string, string>>;
  readonly module: string;
}

/** Debian 12's packages clang-19 and lld-19. */
const compilerCommand = "clang-19";
const folder = join(import.meta.dirname, "../packages/node/src/batch-verifier");
const exportedArrays = [
  "keys",
  "signatures",
  "coefficients",
  "message_ends",
  "messages",
  "key_seed",
  "verdicts",
  "workspace",
  "words",
];
const compilerArguments = [
  "--target=wasm32",
  "-std=gnu11",
  "-O3",
  "-msimd128",
  "-mrelaxed-simd",
  "-mbulk-memory",
  "-mnontrapping-fptoint",
  "-ffreestanding",
  "-nostdlib",
  "-Wall",
  "-Wextra",
  "-Werror",
  "-Wl,--no-entry",
  "-Wl,--strip-all",
  ...exportedArrays.map((name) => `-Wl,--export=${name}`),
];

export const modulePath = join(folder, "batch-verifier.wasm");
export const recordPath = join(folder, "batch-verifier.json");

/** The compiler that is here; `undefined` when there is none by that name. */
export function presentCompiler(): string | undefined {
  try {
    return execFileSync(compilerCommand, ["--version"], { encoding: "utf8", stdio: "pipe" }).split("\n")[0];
  } catch {
    return undefined;
  }
}

/** Without what npm puts before the rest of the path: clang runs whatever `wasm-opt` it finds there, and that of a package is another one. */
const env = {
  ...process.env,
  PATH: (process.env["PATH"] ?? "")
    .split(delimiter)
    .filter((place) => !place.includes("node_modules"))
    .join(delimiter),
};

/** The module's bytes, built now. Throws what the compiler says when it refuses. */
export function buildModule(): Uint8Array {
  const output = mkdtempSync(join(tmpdir(), "stoa-batch-verifier-"));
  try {
    const file = join(output, "module.wasm");
    execFileSync(compilerCommand, [...compilerArguments, "-o", file, "batch-verifier.c"], { cwd: folder, env });
    return readFileSync(file);
  } finally {
    rmSync(output, { recursive: true });
  }
}

/** What the record should say of the files as they are, with the compiler given. */
export function recordOf(compiler: string): BuildRecord {
  const sources = readdirSync(folder)
    .filter((name) => /\.[ch]$/.test(name))
    .sort()
    .map((name) => [name, sha256(readFileSync(join(folder, name)))] as const);
  return { compiler, sources: Object.fromEntries(sources), module: sha256(readFileSync(modulePath)) };
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

if (import.meta.main) {
  const compiler = presentCompiler();
  if (compiler === undefined)
    throw new Error(`${compilerCommand} was expected on the path: apt install clang-19 lld-19`);
  writeFileSync(modulePath, buildModule());
  writeFileSync(recordPath, `${JSON.stringify(recordOf(compiler), undefined, 2)}\n`);
  console.log(`${modulePath}: ${readFileSync(modulePath).length} bytes by ${compiler}`);
}
