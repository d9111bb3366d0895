/**
 * The network under test, as a user has it: `stoa node` processes from a folder that `stoa` itself prepares, and, where a
 * bench is about the API, `stoa devnet` with its gateway. Everything lives below `.stoa/` in the current folder and is removed
 * at the end; every process is ended by its id.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { SecretSeed } from "@stoa/base/signature";
import type { DevnetReady } from "@stoa/cli/devnet/devnet";
import { createDevnet, folderOf, loadGenesis, type Address, type NodeFile } from "@stoa/cli/devnet/folder";
import { devnetParticipants, validatorsCount } from "@stoa/cli/devnet/participants";
import { freePorts, host } from "@stoa/cli/devnet/ports";
import { startChild, type Child, type Death } from "@stoa/cli/devnet/supervisor";
import { openDoor, type Door } from "@stoa/cli/door-client";
import { loadKey } from "@stoa/cli/key-file";
import { installNativeCrypto } from "@stoa/node/native-crypto";
import type { NodeStatus } from "@stoa/protocol/door";
import type { Genesis } from "@stoa/protocol/genesis";
import { environment, flags } from "../packages/cli/bin/runtime.mjs";

export type Network = {
  readonly folder: string;
  readonly genesis: Genesis;
  readonly doors: readonly Address[];
  readonly metrics: readonly Address[];
  /** The processes by validator index; replaced when one is started again. */
  readonly validators: Child[];
  /** Seeds of the funded accounts of genesis. */
  readonly owners: readonly SecretSeed[];
  readonly startValidator: (index: number) => Promise<void>;
  readonly stop: () => Promise<void>;
};

const mainFile = fileURLToPath(import.meta.resolve("@stoa/cli/main"));

/** A folder for a bench, below `.stoa`, where validators would keep theirs; removed at the end, also after Ctrl-C. */
export function newFolder(): string {
  const parent = join(process.cwd(), ".stoa");
  mkdirSync(parent, { recursive: true });
  const folder = mkdtempSync(join(parent, "bench-"));
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));

/** Where a validator lives when not on the loopback interface. */
export interface Home {
  /** Where the others find it, and where clients do. */
  readonly meshHost: string;
  readonly doorHost: string;
  /** The command that runs another one there. */
  readonly inside: (command: readonly string[]) => readonly string[];
}

export interface NetworkOptions {
  /** Validators collect their garbage on SIGUSR2. */
  readonly canCollect?: boolean;
  /** Whether commands go into lanes. */
  readonly lanes?: string;
  /** By validator. */
  readonly homes?: readonly Home[];
}

/** Four validators with the devnet's genesis, ready when every door answers. Their prices come from the seeded path. */
export async function startNetwork({ canCollect, lanes = "auto", homes }: NetworkOptions = {}): Promise<Network> {
  installNativeCrypto();
  const folder = newFolder();
  const ports = await freePorts(validatorsCount);
  createDevnet(folder, { ports, seed: 1, indexFile: undefined, startMs: Date.now() });
  const paths = folderOf(folder);
  if (homes !== undefined) homes.forEach((_, index) => moveHome(paths.validator(index), homes));
  const validators: Child[] = [];
  const startValidator = async (index: number): Promise<void> => {
    const logFile = join(paths.log, `validator-${index}.log`);
    const args = ["node", "--data", paths.validator(index), "--lanes", lanes];
    validators[index] = startStoa(args, logFile, { canCollect, inside: homes?.[index]?.inside });
    await validators[index].ready;
  };
  const stop = async (): Promise<void> => {
    await Promise.all(validators.map((child) => child.stop(10_000)));
    rmSync(folder, { recursive: true, force: true });
  };
  const network: Network = {
    folder,
    genesis: loadGenesis(folder),
    doors: ports.validators.map(({ door }, index) => ({ host: homes?.[index]?.doorHost ?? host, port: door })),
    metrics: ports.validators.map(({ metrics }, index) => ({ host: homes?.[index]?.doorHost ?? host, port: metrics })),
    validators,
    owners: devnetParticipants.map(({ name }) => loadKey(paths.accountKey(name))),
    startValidator,
    stop,
  };
  try {
    await Promise.all(network.doors.map((_, index) => startValidator(index)));
    return network;
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Writes the places of all validators into the configuration of one. */
function moveHome(folder: string, homes: readonly Home[]): void {
  const file = join(folder, "node.json");
  const config = JSON.parse(readFileSync(file, "utf8")) as NodeFile;
  const home = homes[config.index]!;
  const moved: NodeFile = {
    ...config,
    mesh: { ...config.mesh, host: home.meshHost },
    door: { ...config.door, host: home.doorHost },
    metrics: { ...config.metrics, host: home.doorHost },
    peers: config.peers.map((peer, index) => ({ ...peer, host: homes[index]!.meshHost })),
    doors: undefined,
  };
  writeFileSync(file, JSON.stringify(moved));
}

interface StartOptions {
  readonly canCollect?: boolean | undefined;
  readonly inside?: Home["inside"] | undefined;
}

/** A long-running `stoa` command, its output in a file. */
export function startStoa(args: readonly string[], logFile: string, { canCollect, inside }: StartOptions = {}): Child {
  // The log goes with the folder, so what a process said at its death is shown.
  const onDeath = ({ name, reason }: Death): void =>
    console.error(`stoa ${name} ended by itself: ${reason ?? ""}\n${readFileSync(logFile, "utf8").slice(-2_000)}`);
  const collector =
    canCollect === true ? { NODE_OPTIONS: `--import=${import.meta.resolve("./collect-garbage.ts")}` } : {};
  const env = { ...environment, ...collector };
  const command = [process.execPath, ...flags, mainFile, ...args];
  const [file, ...rest] = inside?.(command) ?? command;
  return startChild({ name: args[0]!, file: file!, args: rest, logFile, onDeath, env });
}

export type BenchDevnet = { readonly folder: string; readonly ready: DevnetReady; readonly stop: () => Promise<void> };

/** `stoa devnet` without the simulated market, on free ports. */
export async function startDevnet(): Promise<BenchDevnet> {
  const folder = newFolder();
  const child = startStoa(
    ["devnet", "--data", folder, "--port", "0", "--no-market", "--quiet"],
    join(folder, "devnet.log"),
  );
  const stop = async (): Promise<void> => {
    await child.stop(30_000);
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    return { folder, ready: (await child.ready) as DevnetReady, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

export async function statusOf(door: Door): Promise<NodeStatus> {
  return (await door.ask({ kind: "status" }, "status")).status;
}

/** Asks a validator for its status until `accept` says that it will do. */
export async function waitForStatus(
  address: Address,
  accept: (status: NodeStatus) => boolean,
  { patienceMs = 60_000, pauseMs = 10 } = {},
): Promise<NodeStatus> {
  const untilMs = performance.now() + patienceMs;
  let door: Door | undefined;
  try {
    while (performance.now() < untilMs) {
      try {
        door ??= await openDoor(address);
        const status = await statusOf(door);
        if (accept(status)) return status;
      } catch {
        door?.close();
        door = undefined;
      }
      await delay(pauseMs);
    }
  } finally {
    door?.close();
  }
  throw new Error(`the validator at ${address.port} did not get there within ${patienceMs} ms`);
}

/** Resident memory of a process in MiB, as the kernel counts it. */
export function residentMiB(pid: number): number {
  const line = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
  return Number(line![1]) / 1024;
}
