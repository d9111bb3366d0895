/**
 * The finality floor: what four processes on this machine cannot do faster without leaving something out. A leader sends a
 * signed proposal of 1 KiB over raw mutual-TLS sockets; everybody votes twice, all to all, ed25519 by libsodium, with one
 * fdatasync before each vote leaves; every vote is verified until three of four are there. No mempool, no execution, no
 * gateway, no recovery. `finality` benches print their figure beside this one from the same run.
 *
 * `npm run bench -- bench/floor.ts`, or import {@link measureFloor}.
 */
import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { randomBytes } from "node:crypto";
import type { PeerReport, PeerSetup } from "./floor-peer.ts";
import { median, percentile, withSpread } from "./statistics.ts";

export type FloorOptions = {
  readonly runsCount?: number;
  readonly roundsCount?: number;
  readonly warmupCount?: number;
  /** Made, used and removed; on the disk that the validators use, or fdatasync costs something else. */
  readonly parentFolder?: string;
};

/** Milliseconds from the leader's proposal to the third finalize vote that the leader has verified or cast. */
export type Floor = {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly runs: readonly { readonly p50Ms: number; readonly p99Ms: number }[];
};

export type OpenFloor = {
  /** The latencies of so many rounds, one after another, in milliseconds. */
  readonly run: (roundsCount: number) => Promise<readonly number[]>;
  readonly close: () => Promise<void>;
};

export const floorValidatorsCount = 4;

/** Starts four processes, measures, ends them. Takes about a second per run of 300 rounds. */
export async function measureFloor(options: FloorOptions = {}): Promise<Floor> {
  const { runsCount = 5, roundsCount = 300, warmupCount = 100 } = options;
  const floor = await openFloor(options.parentFolder);
  try {
    await floor.run(warmupCount);
    const runs: (readonly number[])[] = [];
    for (let run = 0; run < runsCount; run++) runs.push(await floor.run(roundsCount));
    return summarise(runs);
  } finally {
    await floor.close();
  }
}

/** Medians over runs, each a list of latencies. */
export function summarise(latencies: readonly (readonly number[])[]): Floor {
  const runs = latencies.map((run) => ({ p50Ms: percentile(run, 0.5), p99Ms: percentile(run, 0.99) }));
  return { p50Ms: median(runs.map((run) => run.p50Ms)), p99Ms: median(runs.map((run) => run.p99Ms)), runs };
}

/** The four processes, idle until asked: for benches that alternate runs of the floor with their own. */
export async function openFloor(parentFolder = join(process.cwd(), ".stoa")): Promise<OpenFloor> {
  mkdirSync(parentFolder, { recursive: true });
  const folder = mkdtempSync(join(parentFolder, "bench-floor-"));
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  const peers = Array.from({ length: floorValidatorsCount }, startPeer);
  const close = async (): Promise<void> => {
    await Promise.all(peers.map(stopPeer));
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await connectPeers(peers, folder);
  } catch (error) {
    await close();
    throw error;
  }
  return { run: (roundsCount) => runRounds(peers[0]!, roundsCount), close };
}

function startPeer(): ChildProcess {
  return fork(new URL("floor-peer.ts", import.meta.url), {
    execArgv: ["--conditions=@stoa/source"],
    stdio: ["ignore", "inherit", "inherit", "ipc"],
    serialization: "advanced",
  });
}

async function connectPeers(peers: readonly ChildProcess[], folder: string): Promise<void> {
  const seeds = peers.map(() => new Uint8Array(randomBytes(32)));
  const ports: number[] = [];
  for (const [index, peer] of peers.entries()) {
    const setup: PeerSetup = { kind: "setup", index, seeds, file: join(folder, `votes-${index}`) };
    peer.send(setup);
    const report = await reportOf(peer);
    if (report.kind === "listening") ports.push(report.port);
  }
  const connected = peers.map(reportOf);
  for (const peer of peers) peer.send({ kind: "connect", ports });
  await Promise.all(connected);
}

async function runRounds(leader: ChildProcess, roundsCount: number): Promise<readonly number[]> {
  leader.send({ kind: "rounds", roundsCount });
  const report = await reportOf(leader);
  if (report.kind !== "latencies") throw new Error(`the leader answered ${report.kind}`);
  return report.latenciesMs;
}

/** The next report of a peer; rejects when it ends instead. */
function reportOf(peer: ChildProcess): Promise<PeerReport> {
  return new Promise((resolve, reject) => {
    const onExit = (): void => reject(new Error("a process of the floor ended early"));
    peer.once("exit", onExit);
    peer.once("message", (report) => {
      peer.off("exit", onExit);
      resolve(report as PeerReport);
    });
  });
}

async function stopPeer(peer: ChildProcess): Promise<void> {
  if (peer.exitCode !== null || peer.signalCode !== null) return;
  const ended = once(peer, "exit");
  peer.kill("SIGKILL");
  await ended;
}

/** The floor as lines to print. */
export function describeFloor(floor: Floor): string {
  const p50 = withSpread(floor.runs.map((run) => run.p50Ms));
  const p99 = withSpread(floor.runs.map((run) => run.p99Ms));
  return `finality floor, ${floorValidatorsCount} processes, median of ${floor.runs.length} runs [range]\n  p50 ${p50} ms\n  p99 ${p99} ms`;
}

if (import.meta.main) console.log(describeFloor(await measureFloor()));
