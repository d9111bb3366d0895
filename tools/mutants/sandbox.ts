/**
 * A copy of the packages in a temporary folder, in which a mutant is put and then checked. The working tree is only read. The
 * copy has the same shape, so that imports between packages, and the tests, find each other there.
 */
import { execFile } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import type { Check } from "./check.ts";

const root = join(import.meta.dirname, "../..");

/** Packages whose tests may notice a mutant. */
const testedPackages = ["consensus", "protocol", "exchange", "node", "client"];

export interface Sandbox {
  readonly folder: string;
  readonly remove: () => void;
}

export function createSandbox(): Sandbox {
  const folder = mkdtempSync(join(tmpdir(), "stoa-mutants-"));
  for (const name of readdirSync(join(root, "packages"))) {
    for (const part of ["package.json", "src", "test"]) {
      const from = join(root, "packages", name, part);
      if (!existsSync(from) || (part === "test" && !testedPackages.includes(name))) continue;
      cpSync(from, join(folder, "packages", name, part), { recursive: true });
    }
  }
  for (const name of ["package.json", "vitest.config.ts"]) cpSync(join(root, name), join(folder, name));
  cpSync(join(import.meta.dirname, "child.ts"), join(folder, "child.ts"));
  mkdirSync(join(folder, "node_modules/@stoa"), { recursive: true });
  for (const name of readdirSync(join(root, "node_modules"))) {
    if (name === "@stoa" || name.startsWith(".")) continue;
    symlinkSync(join(root, "node_modules", name), join(folder, "node_modules", name));
  }
  for (const name of readdirSync(join(folder, "packages"))) {
    symlinkSync(join(folder, "packages", name), join(folder, "node_modules/@stoa", name));
  }
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/** The text of a file of the working tree with one place changed; the place must be there exactly once. */
export function mutatedText(file: string, find: string, replace: string): string {
  const text = readFileSync(join(root, "packages", file), "utf8");
  const count = text.split(find).length - 1;
  if (count !== 1) throw new Error(`${file} must hold exactly once, and holds ${count} times:\n${find}`);
  return text.replace(find, () => replace);
}

/** Runs `act` while a file of the sandbox has another text. */
export async function withText<T>(sandbox: Sandbox, file: string, text: string, act: () => Promise<T>): Promise<T> {
  const path = join(sandbox.folder, "packages", file);
  const before = readFileSync(path, "utf8");
  writeFileSync(path, text);
  try {
    return await act();
  } finally {
    writeFileSync(path, before);
  }
}

const checkMsMax = 150_000;

/** What a check says of the sandbox as it is: the fact that it found, or nothing. */
export function runCheck({ folder }: Sandbox, check: Check): Promise<string | undefined> {
  return check.by === "test" ? runTest(folder, check.file, check.name) : runChild(folder, check);
}

function runChild(folder: string, check: Check): Promise<string | undefined> {
  const words = ["--conditions=@stoa/source", join(folder, "child.ts"), JSON.stringify(check)];
  return new Promise((resolve) => {
    execFile(process.execPath, words, { cwd: folder, timeout: checkMsMax }, (error, stdout, stderr) => {
      if (error !== null) resolve(error.killed === true ? "does not end" : lastLineOf(stderr));
      else resolve((JSON.parse(stdout) as { fact?: string }).fact);
    });
  });
}

/** An error that nobody catches is noticed, too. */
const lastLineOf = (text: string): string =>
  text.split("\n").find((line) => /^\w*Error/.test(line)) ?? text.trim().slice(0, 200);

interface TestReport {
  readonly testResults: readonly {
    readonly message: string;
    readonly assertionResults: readonly {
      readonly status: string;
      readonly fullName: string;
      readonly failureMessages: readonly string[];
    }[];
  }[];
}

function runTest(folder: string, file: string, name: string): Promise<string | undefined> {
  const out = join(folder, "report.json");
  rmSync(out, { force: true });
  const vitest = join(root, "node_modules/vitest/vitest.mjs");
  const pattern = name.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  const words = [vitest, "run", "--root", folder, "--reporter=json", `--outputFile=${out}`, "-t", pattern, file];
  return new Promise((resolve, reject) => {
    execFile(
      process.execPath,
      words,
      { cwd: folder, timeout: checkMsMax, maxBuffer: 1 << 26 },
      (error, stdout, stderr) => {
        if (error?.killed === true) return resolve("does not end");
        if (!existsSync(out)) return reject(new Error(`${basename(file)} did not run: ${stdout}${stderr}`));
        const report = JSON.parse(readFileSync(out, "utf8")) as TestReport;
        const ran = report.testResults
          .flatMap((one) => one.assertionResults)
          .filter(({ status }) => status !== "skipped");
        const failed = ran.find(({ status }) => status === "failed");
        if (ran.length === 0)
          return reject(new Error(`${file} has no test "${name}": ${report.testResults[0]?.message}`));
        resolve(
          failed === undefined ? undefined : (failed.failureMessages[0] ?? "fails").split("\n")[0]!.slice(0, 160),
        );
      },
    );
  });
}
