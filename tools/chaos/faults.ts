/**
 * Each fault of the nemesis as two actions: what strikes a validator, and what makes it whole again. A heal resolves when the
 * validator runs as before; what it then still has to catch up is the chain's business.
 */
import { closeSync, cpSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Prng } from "@stoa/base/prng";
import { openLooker } from "./client.ts";
import { Stopped, type Cluster } from "./cluster.ts";
import type { FaultKind } from "./nemesis.ts";

export interface FaultContext {
  readonly cluster: Cluster;
  readonly prng: Prng;
  /** Something that must not be: a validator that starts with a damaged log. */
  readonly onFault: (fact: string) => void;
  readonly say: (line: string) => void;
  /** The highest block that a client has seen final. */
  readonly heightNow: () => number;
  /** Reads the votes of a validator that is about to lose its memory of them. */
  readonly gather: (victim: number) => void;
}

/** Strikes; returns what makes it whole again. */
type Strike = (context: FaultContext, victim: number) => Promise<() => Promise<void>>;

const addedDelayMs = 120;
const narrowBytesPerSecond = 64_000;
const resetEveryMs = 700;
/** So long a validator that lost its memory may be silent once it has been started, while the others go on. */
const quarantineMsMax = 60_000;
/** So long a validator is given to notice that its disk is full, before it is started on the full disk instead. */
const noticeMsMax = 3_000;

const strikes: Readonly<Record<FaultKind, Strike>> = {
  async kill({ cluster }, victim) {
    await cluster.kill(victim);
    return () => cluster.start(victim);
  },
  async pause({ cluster }, victim) {
    cluster.signal(victim, "SIGSTOP");
    return async () => cluster.signal(victim, "SIGCONT");
  },
  async cut({ cluster }, victim) {
    cluster.cut(victim, true);
    return async () => cluster.cut(victim, false);
  },
  mute: holding("said"),
  deaf: holding("heard"),
  async narrow({ cluster }, victim) {
    cluster.narrow(victim, narrowBytesPerSecond);
    return async () => cluster.narrow(victim, undefined);
  },
  async delay({ cluster }, victim) {
    cluster.delay(victim, addedDelayMs);
    return async () => cluster.delay(victim, -addedDelayMs);
  },
  async reset({ cluster }, victim) {
    const timer = setInterval(() => cluster.reset(victim), resetEveryMs);
    cluster.reset(victim);
    return async () => clearInterval(timer);
  },
  async "full-disk"(context, victim) {
    const { cluster } = context;
    const ballasts = [cluster.votesOf(victim), cluster.signerOf(victim)].map((folder) => join(folder, "ballast"));
    cluster.expectEnd(victim);
    ballasts.forEach(fill);
    return () => emptyAgain(context, victim, ballasts);
  },
  "flip-votes": forgetting(({ cluster, prng }, victim) => flipBit(prng, cluster.votesOf(victim), ".votes")),
  "lost-votes": forgetting(({ cluster }, victim) => empty(cluster.votesOf(victim))),
  "lost-both": forgetting(
    ({ cluster }, victim) => `${empty(cluster.votesOf(victim))} and ${empty(cluster.signerOf(victim))}`,
  ),
  "lost-all": forgetting(({ cluster }, victim) => {
    for (const folder of cluster.chainOf(victim)) rmSync(folder, { recursive: true, force: true });
    for (const folder of [cluster.votesOf(victim), cluster.signerOf(victim)]) empty(folder);
    return "nothing left";
  }, true),
  "old-votes": rollBack,
  "flip-blocks": flipBlocks,
  async "lost-chain"(context, victim) {
    const { cluster } = context;
    await cluster.kill(victim);
    for (const folder of cluster.chainOf(victim)) rmSync(folder, { recursive: true, force: true });
    return async () => {
      await cluster.start(victim);
      await beOneOfThem(context, victim, "no chain");
    };
  },
};

export const strike = (context: FaultContext, kind: FaultKind, victim: number): Promise<() => Promise<void>> =>
  strikes[kind](context, victim);

function holding(which: "said" | "heard"): Strike {
  return async ({ cluster }, victim) => {
    cluster.hold(victim, true, which, false);
    return async () => cluster.hold(victim, false, which, false);
  };
}

/** Writes until the file system takes nothing more. */
function fill(path: string): void {
  const descriptor = openSync(path, "w");
  for (const size of [256 * 1024, 4096, 1]) {
    const zeros = new Uint8Array(size);
    for (;;) {
      try {
        if (writeSync(descriptor, zeros) < size) break;
      } catch {
        break;
      }
    }
  }
  closeSync(descriptor);
}

/** It has stopped by itself for want of space, or does so when it is started there, or lives on what it had reserved. Then there is room. */
async function emptyAgain(
  { cluster, onFault, say }: FaultContext,
  victim: number,
  ballasts: readonly string[],
): Promise<void> {
  await watchEnd(cluster, victim);
  let reason = cluster.stoppedBy(victim);
  if (cluster.isRunning(victim)) {
    await cluster.kill(victim);
    reason = await refusal(cluster, victim);
  }
  await cluster.kill(victim);
  if (reason === undefined) say(`validator ${victim} lives on what it had reserved`);
  else if (reason.code === "disk-full") say(`validator ${victim} says: ${firstSentence(reason)}`);
  else onFault(`validator ${victim} on a full disk: ${reason.message}`);
  for (const ballast of ballasts) rmSync(ballast);
  await cluster.start(victim);
}

async function watchEnd(cluster: Cluster, victim: number): Promise<void> {
  for (let waitedMs = 0; cluster.isRunning(victim) && waitedMs < noticeMsMax; waitedMs += 50) await delay(50);
}

/** What a validator says when it refuses to start; `undefined` when it starts and is still there a while later. */
async function refusal(cluster: Cluster, victim: number): Promise<Stopped | undefined> {
  try {
    cluster.expectEnd(victim);
    await cluster.start(victim);
    cluster.expectEnd(victim);
    await watchEnd(cluster, victim);
    return cluster.stoppedBy(victim);
  } catch (error) {
    if (error instanceof Stopped) return error;
    throw error;
  }
}

const firstSentence = ({ message }: Error): string => message.split(/[.:] /)[0]!;

/** A block log is damaged while its validator is down: the node says so and does not start. Then the log is what it was. */
async function flipBlocks(context: FaultContext, victim: number): Promise<() => Promise<void>> {
  const { cluster, prng, onFault, say } = context;
  const folder = cluster.blocksOf(victim);
  const copy = `${folder}-whole`;
  await cluster.kill(victim);
  cpSync(folder, copy, { recursive: true });
  const where = flipBit(prng, folder, ".blocks");
  const stopped = await refusal(cluster, victim);
  await cluster.kill(victim);
  // Blocks after the last sync may be torn and are in the logs of others: what is broken there is cut off and fetched again.
  const isCut = stopped === undefined && cluster.logOf(victim).includes("cut off");
  if (stopped?.code === "block-log-damaged") say(`validator ${victim} says: ${firstSentence(stopped)}`);
  else if (isCut) say(`validator ${victim} cuts its block log off at ${where}`);
  else onFault(`validator ${victim} with ${where}: ${stopped?.message ?? "it starts"}`);
  return async () => {
    empty(folder);
    cpSync(copy, folder, { recursive: true });
    rmSync(copy, { recursive: true });
    await cluster.start(victim);
  };
}

/** A validator loses its memory of votes while it is down; `lose` says how, in words. */
function forgetting(lose: (context: FaultContext, victim: number) => string, votesLost = false): Strike {
  return async (context, victim) => {
    await context.cluster.kill(victim);
    context.gather(victim);
    const what = lose(context, victim);
    return () => comeBack(context, victim, what, votesLost);
  };
}

/** It goes on voting, and then finds its vote log as it was before. */
async function rollBack(context: FaultContext, victim: number): Promise<() => Promise<void>> {
  const { cluster } = context;
  const folder = cluster.votesOf(victim);
  const copy = `${folder}-old`;
  await cluster.kill(victim);
  cpSync(folder, copy, { recursive: true });
  await cluster.start(victim);
  return async () => {
    await cluster.kill(victim);
    context.gather(victim);
    empty(folder);
    cpSync(copy, folder, { recursive: true });
    rmSync(copy, { recursive: true });
    await comeBack(context, victim, `an older copy of ${folder}`, false);
  };
}

/** It starts, says that it does not know what it signed, votes on nothing until the others are past that, and is one of them again. */
async function comeBack(context: FaultContext, victim: number, what: string, votesLost: boolean): Promise<void> {
  const { cluster, onFault } = context;
  const said = cluster.logOf(victim).length;
  await cluster.start(victim, votesLost);
  if (!cluster.logOf(victim).slice(said).includes("quarantine"))
    return onFault(`validator ${victim} with ${what}: it does not say that it lost its memory`);
  await beOneOfThem(context, victim, what);
}

/** It has executed blocks that became final after it was started, and votes. Until then no other may be hit. */
async function beOneOfThem(
  { cluster, heightNow, onFault, say }: FaultContext,
  victim: number,
  what: string,
): Promise<void> {
  const startMs = performance.now();
  const goal = heightNow() + 3;
  const looker = openLooker(cluster.doorOf(victim));
  try {
    for (;;) {
      const status = await looker.status();
      const waited = `${Math.round(performance.now() - startMs)} ms after its start`;
      if (status !== undefined && status.quarantine === undefined && goal <= status.executedHeight)
        return say(`validator ${victim} with ${what} is one of them again ${waited}`);
      if (quarantineMsMax < performance.now() - startMs)
        return onFault(`validator ${victim} with ${what}, ${waited}: ${status?.quarantine ?? "it does not go on"}`);
      await delay(50);
    }
  } finally {
    looker.close();
  }
}

function empty(folder: string): string {
  for (const name of readdirSync(folder)) rmSync(join(folder, name), { recursive: true });
  return `an empty ${folder}`;
}

/** Flips a bit in the first half of what was written to a log: its last record may be torn, which is no damage. */
function flipBit(prng: Prng, folder: string, suffix: string): string {
  const files = readdirSync(folder).filter((name) => name.endsWith(suffix));
  const path = join(folder, files.sort()[0]!);
  const bytes = readFileSync(path);
  const end = bytes.findLastIndex((byte) => byte !== 0);
  const offset = prng.below(Math.max(1, end >> 1));
  bytes[offset]! ^= 1 << prng.below(8);
  writeFileSync(path, bytes);
  return `a flipped bit in ${path}, byte ${offset}`;
}
