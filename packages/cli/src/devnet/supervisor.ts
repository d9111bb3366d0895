/**
 * The processes that a devnet starts: each is named, its output goes to a log file, it says over IPC when it is ready, and it
 * is ended by its process id when the devnet ends. A child sees the IPC channel close when its parent dies, however that
 * happens, and then ends itself (`child.ts`). A child that dies is reported and not started again: that is the user's move.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { supervisedVariable } from "../child.ts";
import { Failure } from "../failure.ts";

export interface ChildOptions {
  readonly name: string;
  /** The arguments of `stoa`, or of another program when `file` is given. */
  readonly args: readonly string[];
  readonly file?: string;
  readonly logFile: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Whatever the child sends after it is ready. */
  readonly onMessage?: (message: unknown) => void;
  /** When it ends without having been asked to. */
  readonly onDeath?: (death: Death) => void;
}

export interface Death {
  readonly name: string;
  readonly pid: number;
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** What it said was wrong, if it could say anything. */
  readonly reason: string | undefined;
}

export interface Child {
  readonly name: string;
  readonly pid: number;
  /** Resolves with what the child sent as ready; rejects with its own words when it ends before that. */
  readonly ready: Promise<unknown>;
  readonly isAlive: () => boolean;
  /** SIGTERM, then SIGKILL when that has no effect within `patienceMs`. */
  readonly stop: (patienceMs?: number) => Promise<void>;
}

type Word =
  | { readonly kind: "ready"; readonly detail?: unknown }
  | { readonly kind: "failed"; readonly message: string };

const isWord = (message: unknown): message is Word =>
  typeof message === "object" &&
  message !== null &&
  "kind" in message &&
  (message.kind === "ready" || message.kind === "failed");

export function startChild(options: ChildOptions): Child {
  const log = openSync(options.logFile, "a", 0o600);
  const child = spawn(options.file ?? process.execPath, options.args, {
    stdio: ["ignore", log, log, "ipc"],
    env: { ...process.env, ...options.env, [supervisedVariable]: "1" },
  });
  closeSync(log);
  let isStopping = false;
  let reason: string | undefined;
  const ended = new Promise<void>((resolve) => {
    child.once("exit", (code, signal) => {
      if (!isStopping) options.onDeath?.({ name: options.name, pid: child.pid ?? 0, code, signal, reason });
      resolve();
    });
    child.once("error", () => resolve());
  });
  const ready = new Promise<unknown>((resolve, reject) => {
    child.on("message", (message) => {
      if (!isWord(message)) return options.onMessage?.(message);
      if (message.kind === "ready") return resolve(message.detail);
      reason = message.message;
      return reject(new Failure(`${options.name}: ${message.message}`));
    });
    child.once("error", (error) => reject(new Failure(`${options.name} cannot be started: ${error.message}`)));
    void ended.then(() => reject(new Failure(`${options.name} ended before it was ready: see ${options.logFile}`)));
  });
  // Whoever does not wait for readiness must not be ended by its absence.
  ready.catch(() => undefined);

  const isAlive = (): boolean => child.pid !== undefined && child.exitCode === null && child.signalCode === null;
  return {
    name: options.name,
    pid: child.pid ?? 0,
    ready,
    isAlive,
    async stop(patienceMs = 5_000) {
      isStopping = true;
      if (!isAlive()) return;
      child.kill("SIGTERM");
      await Promise.race([ended, delay(patienceMs, undefined, { ref: false })]);
      if (isAlive()) await kill(child, ended);
    },
  };
}

async function kill(child: ChildProcess, ended: Promise<void>): Promise<void> {
  child.kill("SIGKILL");
  await ended;
}
