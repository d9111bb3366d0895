/**
 * Makes what npm installs of the packages that people install by themselves: compiled JavaScript with types, without the condition
 * that this repository uses to run its sources, as one .tgz file per package. Works in a folder of its own, so that the
 * tree stays without build products and two runs do not meet. See docs/decisions/0204-packing.md.
 *
 *     npm run pack:packages -- FOLDER      writes stoa-base-0.1.0.tgz, stoa-pricing-0.1.0.tgz and stoa-features-0.1.0.tgz there
 */
import { execFile } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const root = fileURLToPath(new URL("..", import.meta.url));
const runFile = promisify(execFile);

/** In the order in which they need each other. */
export const packedPackages = ["base", "pricing", "features"] as const;

export type PackedPackage = (typeof packedPackages)[number];

/** What the compiler must see of this repository's own node_modules: types of Node, and of libraries that are there or not where it is installed. */
const seenByCompiler = ["@types", "undici-types", "apache-arrow", "flatbuffers", "hyparquet", "hyparquet-writer"];

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly exports: { readonly "./*": Readonly<Record<string, string>> };
  readonly [name: string]: unknown;
}

/** Builds and packs, and returns the paths of the files in the order of `names`, which holds what each of them needs before it. */
export async function packPackages(
  target: string,
  names: readonly PackedPackage[] = packedPackages,
): Promise<string[]> {
  const staging = mkdtempSync(join(tmpdir(), "stoa-pack-"));
  try {
    mkdirSync(join(staging, "node_modules/@stoa"), { recursive: true });
    for (const name of seenByCompiler) {
      symlinkSync(join(root, "node_modules", name), join(staging, "node_modules", name));
    }
    mkdirSync(target, { recursive: true });
    const files: string[] = [];
    for (const name of names) {
      const folder = join(staging, name);
      stage(name, folder);
      await runFile(process.execPath, [join(root, "node_modules/typescript/bin/tsc"), "-p", folder]).catch(
        compilerFailed,
      );
      symlinkSync(folder, join(staging, "node_modules/@stoa", name));
      files.push(await pack(folder, resolve(target)));
    }
    return files;
  } finally {
    rmSync(staging, { recursive: true, force: true });
  }
}

/** The sources, a manifest without what is ours alone, and settings that write JavaScript and types. */
function stage(name: string, folder: string): void {
  const source = join(root, "packages", name);
  cpSync(join(source, "src"), join(folder, "src"), { recursive: true });
  if (existsSync(join(source, "README.md"))) cpSync(join(source, "README.md"), join(folder, "README.md"));
  const manifest = JSON.parse(readFileSync(join(source, "package.json"), "utf8")) as Manifest;
  const { "@stoa/source": _, ...conditions } = manifest.exports["./*"];
  const { engines } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { engines: unknown };
  // Pinned here to what is tested, but no reason to refuse a newer one where it is installed.
  const { peerDependencies } = manifest;
  const peers = Object.entries(peerDependencies ?? {}).map(([peer, version]) => [peer, `^${version}`] as const);
  const published = {
    ...manifest,
    ...(peerDependencies === undefined ? {} : { peerDependencies: Object.fromEntries(peers) }),
    private: undefined,
    engines,
    exports: { "./*": conditions },
    files: ["dist"],
  };
  writeFileSync(join(folder, "package.json"), JSON.stringify(published, null, 2));
  const base = JSON.parse(readFileSync(join(root, "tsconfig.base.json"), "utf8")) as { compilerOptions: object };
  const compilerOptions = {
    ...base.compilerOptions,
    customConditions: [],
    noEmit: false,
    declaration: true,
    rootDir: "src",
    outDir: "dist",
    lib: ["es2025", "dom"],
    types: ["node"],
  };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, include: ["src/**/*.ts"] }));
}

async function pack(folder: string, target: string): Promise<string> {
  const args = ["pack", folder, "--pack-destination", target, "--json", "--silent"];
  const { stdout } = await runFile("npm", args, { cwd: target });
  const packed: unknown = JSON.parse(stdout);
  // npm says a list, and newer ones an object by name.
  const [{ filename }] = (Array.isArray(packed) ? packed : Object.values(packed as object)) as [{ filename: string }];
  return join(target, filename);
}

function compilerFailed(error: { readonly stdout?: string }): never {
  throw new Error(`the packages do not compile:\n${error.stdout}`);
}

if (import.meta.main) {
  const [target] = process.argv.slice(2);
  if (target === undefined) {
    process.stderr.write("pack: say the folder for the packages: npm run pack:packages -- FOLDER\n");
    process.exitCode = 1;
  } else for (const file of await packPackages(target)) console.log(file);
}
