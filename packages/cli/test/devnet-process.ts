/** A real devnet for tests: the shipped command in a process of its own, on free ports, in a temporary folder. */
import { spawn } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { environment, flags } from "../bin/runtime.mjs";
import type { DevnetReady } from "../src/devnet/devnet.ts";
import { startChild, type Child } from "../src/devnet/supervisor.ts";

export const binFile = fileURLToPath(new URL("../bin/stoa.mjs", import.meta.url));
export const mainFile = fileURLToPath(new URL("../src/main.ts", import.meta.url));

export const newFolder = (): string => mkdtempSync(join(tmpdir(), "stoa-devnet-"));

export interface Devnet {
  readonly folder: string;
  readonly ready: DevnetReady;
  readonly pid: number;
  readonly isAlive: () => boolean;
  readonly stop: () => Promise<void>;
}

export async function startDevnet(folder: string, args: readonly string[] = ["--port", "0"]): Promise<Devnet> {
  const child = stoa(["devnet", "--data", folder, "--quiet", ...args], join(folder, "devnet.log"));
  const ready = (await child.ready) as DevnetReady;
  return { folder, ready, pid: child.pid, isAlive: child.isAlive, stop: () => child.stop(30_000) };
}

/** A long-running `stoa` command. */
export function stoa(args: readonly string[], logFile: string): Child {
  return startChild({ name: args[0]!, args: [...flags, mainFile, ...args], logFile, env: environment });
}

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program of Node to its end. */
export function run(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { env: { ...process.env, ...env } });
    let [stdout, stderr] = ["", ""];
    child.stdout.on("data", (data) => (stdout += String(data)));
    child.stderr.on("data", (data) => (stderr += String(data)));
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, stdout, stderr }));
  });
}

export const runStoa = (...args: readonly string[]): Promise<Ended> => run([binFile, ...args]);

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
