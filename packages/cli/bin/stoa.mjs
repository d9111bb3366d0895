#!/usr/bin/env node
// The door to every `stoa` command. Plain JavaScript that an old Node can still parse: it finds a Node that can run the
// TypeScript sources (this one, or the one that `npm ci` put into node_modules), and hands over to `src/main.ts` in it. It
// knows nothing of the commands themselves.
import { existsSync } from "node:fs";
import { spawn } from "node:child_process";
import { constants } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { environment, flags } from "./runtime.mjs";

const nodeMajorMin = 24;
const here = dirname(fileURLToPath(import.meta.url));
const main = join(here, "..", "src", "main.ts");
// Compiled sources are kept for the next start and for the processes and threads that this one starts.
const env = { NODE_COMPILE_CACHE: cacheFolder(), ...environment, ...process.env };
const forwarded = ["SIGINT", "SIGTERM", "SIGHUP"];

const isNewEnough = Number(process.versions.node.split(".")[0]) >= nodeMajorMin;
const runtime = isNewEnough ? process.execPath : installedNode();

if (runtime === undefined) {
  process.stderr.write(
    `stoa: Node ${process.versions.node} is too old: run "npm ci" first (it brings Node 26 on Linux), or use Node ${nodeMajorMin} or later\n`,
  );
  process.exitCode = 1;
} else {
  start(runtime, [...flags, main, ...process.argv.slice(2)]);
}

/** The Node 26 that npm installed for this system. */
function installedNode() {
  const candidate = join(modulesFolder(), `node-linux-${process.arch}`, "bin", "node");
  return process.platform === "linux" && existsSync(candidate) ? candidate : undefined;
}

/** The nearest `node_modules` that has a Node, or else the nearest one of all. */
function modulesFolder() {
  let nearest;
  for (let folder = here; folder !== dirname(folder); folder = dirname(folder)) {
    const candidate = join(folder, "node_modules");
    if (existsSync(join(candidate, `node-linux-${process.arch}`))) return candidate;
    if (nearest === undefined && existsSync(candidate)) nearest = candidate;
  }
  return nearest ?? join(here, "node_modules");
}

/** Beside the code that it caches, so that nobody can write to one and not to the other. */
function cacheFolder() {
  return join(modulesFolder(), ".cache", "stoa");
}

/** Becomes that process where the system can, so that signals and the exit code need no go-between; else stands before it. */
function start(file, args) {
  if (typeof process.execve === "function" && process.platform !== "win32" && process.send === undefined) {
    process.removeAllListeners("warning");
    process.execve(file, [file, ...args], env);
  }
  const child = spawn(file, args, { env, stdio: ["inherit", "inherit", "inherit", "ipc"] });
  for (const signal of forwarded) process.on(signal, () => child.kill(signal));
  child.on("error", (error) => {
    process.stderr.write(`stoa: cannot start ${file}: ${error.message}\n`);
    process.exitCode = 1;
  });
  child.on("exit", (code, signal) => process.exit(code ?? 128 + (constants.signals[signal] ?? 0)));
}
