/**
 * Each fault of the nemesis as two actions: what strikes a validator, and what makes it whole again. A heal resolves when the
 * validator runs as before; what it then still has to catch up is the chain's business.
 */
import {
  closeSync,
  cpSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Prng } from "@stoa/base/prng";
import { Stopped, type Cluster } from "./cluster.ts";
import type { FaultKind } from "./nemesis.ts";

export interface FaultContext {
  readonly cluster: Cluster;
  readonly prng: Prng;
  /** Something that must not be: a validator that starts with a damaged log. */
  readonly onFault: (fact: string) => void;
  readonly say: (line: string) => void;
}

/** Strikes; returns what makes it whole again. */
type Strike = (context: FaultContext, victim: number) => Promise<() => Promise<void>>;

const addedDelayMs = 120;
const narrowBytesPerSecond = 64_000;
const resetEveryMs = 700;
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
    const ballast = join(cluster.votesOf(victim), "ballast");
    cluster.expectEnd(victim);
    fill(ballast);
    return () => emptyAgain(context, victim, ballast);
  },
  "flip-votes": flipping("votes"),
  "flip-blocks": flipping("blocks"),
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

/** It has stopped by itself for want of space, or refuses to start for it; then there is room again. */
async function emptyAgain({ cluster, onFault, say }: FaultContext, victim: number, ballast: string): Promise<void> {
  for (let waitedMs = 0; cluster.isRunning(victim) && waitedMs < noticeMsMax; waitedMs += 50) await delay(50);
  let reason = cluster.stoppedBy(victim);
  if (cluster.isRunning(victim)) {
    // What is reserved for the next votes was on the disk already: started anew, it has to reserve again.
    await cluster.kill(victim);
    reason = await refusal(cluster, victim);
    await cluster.kill(victim);
  }
  await cluster.kill(victim);
  if (reason?.code === "disk-full") say(`validator ${victim} says: ${firstSentence(reason)}`);
  else onFault(`validator ${victim} on a full disk: ${reason === undefined ? "it starts" : reason.message}`);
  rmSync(ballast);
  await cluster.start(victim);
}

/** What a validator says when it refuses to start; `undefined` when it starts and is still there a while later. */
async function refusal(cluster: Cluster, victim: number): Promise<Stopped | undefined> {
  try {
    cluster.expectEnd(victim);
    await cluster.start(victim);
    cluster.expectEnd(victim);
    for (let waitedMs = 0; cluster.isRunning(victim) && waitedMs < noticeMsMax; waitedMs += 50) await delay(50);
    return cluster.stoppedBy(victim);
  } catch (error) {
    if (error instanceof Stopped) return error;
    throw error;
  }
}

const firstSentence = ({ message }: Error): string => message.split(/[.:] /)[0]!;

/**
 * A log is damaged while its validator is down. The node must say so and stay down: one that goes on without its votes may vote
 * twice. Then the log is what it was.
 */
function flipping(log: "votes" | "blocks"): Strike {
  return async (context, victim) => {
    const { cluster, prng, onFault, say } = context;
    const folder = log === "votes" ? cluster.votesOf(victim) : cluster.blocksOf(victim);
    const copy = `${folder}-whole`;
    await cluster.kill(victim);
    cpSync(folder, copy, { recursive: true });
    const where = flipBit(prng, folder);
    const stopped = await refusal(cluster, victim);
    await cluster.kill(victim);
    const refused = stopped?.code === `${log.slice(0, -1)}-log-damaged`;
    // Blocks after the last sync may be torn and are in the logs of others: what is broken there is cut off and fetched again.
    const cut = log === "blocks" && stopped === undefined && cluster.logOf(victim).includes("cut off");
    if (refused) say(`validator ${victim} says: ${firstSentence(stopped)}`);
    else if (cut) say(`validator ${victim} cuts its block log off at ${where}`);
    else onFault(`validator ${victim} with a flipped bit at ${where}: ${stopped?.message ?? "it starts"}`);
    return async () => {
      for (const name of readdirSync(folder)) rmSync(join(folder, name));
      cpSync(copy, folder, { recursive: true });
      rmSync(copy, { recursive: true });
      await cluster.start(victim);
    };
  };
}

/** Flips a bit in the first half of what was written to a log: its last record may be torn, which is no damage. */
function flipBit(prng: Prng, folder: string): string {
  const files = readdirSync(folder).map((name) => join(folder, name));
  const path = files.filter((file) => 0 < statSync(file).size)[0]!;
  const bytes = readFileSync(path);
  const end = bytes.findLastIndex((byte) => byte !== 0);
  const offset = prng.below(Math.max(1, end >> 1));
  bytes[offset]! ^= 1 << prng.below(8);
  writeFileSync(path, bytes);
  return `${path}, byte ${offset}`;
}
