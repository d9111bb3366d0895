/**
 * Peers of the pricing benches: C++ programs of `bench/peers`, compiled when a bench starts into a temporary folder, which
 * answer on their standard output how long a measurement took; and npm packages, installed at exact versions into one.
 * A peer that is lacking on a machine is said to be so in one line, and the bench goes on without it.
 */
import { execFile, spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";

const run = promisify(execFile);

export type Answer = { readonly nanoseconds: number; readonly checksum: number };

/** A running C++ peer. */
export type Peer = { readonly measure: (name: string, milliseconds: number) => Promise<Answer> };

export type Workshop = {
  /** Compiles `bench/peers/<source>.cpp`, starts it on a file of `columns`; `undefined`, and a line why, when it cannot. */
  readonly startPeer: (source: string, columns: readonly Float64Array[]) => Promise<Peer | undefined>;
  /** Installs packages, `name@version` each, and gives a `require` that finds them; `undefined`, and a line why. */
  readonly installPackages: (packages: readonly string[]) => Promise<NodeJS.Require | undefined>;
  /** Ends the peers and removes the folder. */
  readonly close: () => void;
};

export function openWorkshop(): Workshop {
  const folder = mkdtempSync(join(tmpdir(), "stoa-peers-"));
  const children: ChildProcess[] = [];
  const programs = new Map<string, Promise<unknown>>();
  return {
    startPeer: async (source, columns) => {
      const program = join(folder, source);
      try {
        if (!programs.has(source)) programs.set(source, run("g++", compilerArguments(source, program)));
        await programs.get(source);
      } catch (error) {
        console.log(
          `(without ${source}.cpp: ${firstLine(error)}; it takes g++, and libquantlib0-dev where it names QuantLib)`,
        );
        return undefined;
      }
      const data = `${program}.${children.length}.columns`;
      writeFileSync(data, Buffer.concat(columns.map((column) => new Uint8Array(Float64Array.from(column).buffer))));
      const child = spawn(program, [data], { stdio: ["pipe", "pipe", "inherit"] });
      children.push(child);
      const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
      await lines.next();
      return {
        measure: async (name, milliseconds) => {
          child.stdin.write(`${name} ${milliseconds}\n`);
          const [nanoseconds, checksum] = String((await lines.next()).value)
            .split(" ")
            .map(Number) as [number, number];
          return { nanoseconds, checksum };
        },
      };
    },
    installPackages: async (packages) => {
      try {
        await run("npm", ["install", "--prefix", folder, "--no-audit", "--no-fund", "--ignore-scripts", ...packages]);
      } catch (error) {
        console.log(`(without ${packages.join(", ")}: ${firstLine(error)})`);
        return undefined;
      }
      return createRequire(join(folder, "package.json"));
    },
    close: () => {
      for (const child of children) child.kill();
      rmSync(folder, { recursive: true });
    },
  };
}

function compilerArguments(source: string, program: string): string[] {
  const isQuantlib = source.startsWith("quantlib");
  const file = join(import.meta.dirname, "peers", `${source}.cpp`);
  return [
    "-O3",
    "-std=c++17",
    ...(isQuantlib ? [] : ["-march=native"]),
    file,
    "-o",
    program,
    ...(isQuantlib ? ["-lQuantLib"] : []),
  ];
}

function firstLine(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.split("\n").find((line) => /error|not found|ENOENT/i.test(line)) ?? text.split("\n")[0]!;
}
