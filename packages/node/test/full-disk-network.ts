/**
 * Four validators, the first of them on file systems of a few MiB that this process mounts and then really fills. Runs by
 * itself inside a user and mount namespace (`unshare -rm`), where mounting needs no rights and nobody else sees it; prints what
 * it saw as one JSON object. Knows nothing of what is expected: `full-disk.test.ts` does.
 */
import { spawnSync } from "node:child_process";
import { closeSync, cpSync, mkdirSync, openSync, rmSync, statfsSync, writeSync } from "node:fs";
import { join } from "node:path";
import { equalBytes } from "@stoa/base/bytes";
import { activeEd25519 } from "@stoa/base/active-signature";
import type { CommandBody } from "@stoa/protocol/command";
import { chainIdOf } from "@stoa/protocol/genesis";
import { signersOf, validatorSetOf, voteKindOf } from "@stoa/protocol/finality/certificate";
import type { Lots, Ticks } from "@stoa/base/units";
import { readBlockLog } from "../src/storage/block-log.ts";
import { openVoteLog } from "../src/storage/vote-log.ts";
import type { Follower } from "../src/follower.ts";
import { signCommand, testChain, until } from "./network.ts";
import { ProcessNetwork } from "./processes.ts";

/** What was seen of one file system that was filled under a running validator. */
export interface FullDisk {
  readonly code: string;
  readonly message: string;
  readonly bytesFree: number;
  /** Blocks that the log of the stopped validator holds, read as it lay on the full disk. */
  readonly blocksRead: number;
  /** Heights at which its log and that of another validator hold different blocks. */
  readonly blocksDiffering: number;
  /** Its votes in certificates of the others: how many there are, and how many of them its vote log does not hold. */
  readonly votesCertified: number;
  readonly votesUnknown: number;
  /** What became final on three validators while it was down. */
  readonly blocksWithout: number;
  /** What it said when it was started with the disk still full. */
  readonly restartOnFull: string;
  /** Blocks that it executed itself after it was started with space again. */
  readonly blocksAfter: number;
}

const chain = testChain();
const stopped = 0;

/** A quote of many entries: no order, for its prices are far off, but a block that is worth its bytes. */
function bulkyQuote(): CommandBody {
  const side = { priceTicks: 1 as Ticks, sizeLots: 1 as Lots };
  const entry = { instrument: 1, quoteSet: "x".repeat(64), bid: side, ask: side, postOnly: "off" } as const;
  return { kind: "massQuote", quoteId: "1", entries: Array.from({ length: 100 }, () => entry) };
}

function mount(folder: string, size: string): void {
  mkdirSync(folder, { recursive: true });
  const { status, stderr } = spawnSync("mount", ["-t", "tmpfs", "-o", `size=${size}`, "tmpfs", folder]);
  if (status !== 0) throw new Error(`mount of ${folder}: ${stderr.toString()}`);
}

/** Writes until the file system takes nothing more. */
function fill(path: string): void {
  const descriptor = openSync(path, "w");
  for (const size of [64 * 1024, 4096]) {
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

const bytesFreeIn = (folder: string): number => {
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize;
};

const message = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** The records of a vote log, from a copy: opening one writes to it. */
function votesOf(network: ProcessNetwork, index: number) {
  const copy = join(network.folder.path, `votes-copy-${index}`);
  cpSync(join(network.folderOf(index), "votes"), copy, { recursive: true });
  const { records, close } = openVoteLog({
    folder: copy,
    chainId: chainIdOf(chain.genesis),
    key: activeEd25519.publicKey(chain.validatorSeeds[index]!),
    epoch: 0,
    historyExists: true,
    report: () => undefined,
  });
  close();
  rmSync(copy, { recursive: true });
  return records;
}

/** Looks for votes that the others hold and the voter does not. */
function compareVotes(network: ProcessNetwork): { readonly votesCertified: number; readonly votesUnknown: number } {
  const own = new Set<string>();
  for (const one of votesOf(network, stopped)) {
    if (one.kind === "voted") own.add(`${one.vote.kind} ${one.vote.view}`);
    if (one.kind === "proposed") own.add(`notarize ${one.view}`);
  }
  const set = validatorSetOf(chainIdOf(chain.genesis), 0, chain.genesis.validators);
  const certified = new Set<string>();
  for (const other of [1, 2, 3])
    for (const one of votesOf(network, other))
      if (one.kind === "certificate" && signersOf(set, one.certificate.signers)?.some((signer) => signer === stopped))
        certified.add(`${voteKindOf[one.certificate.kind]} ${one.certificate.view}`);
  return { votesCertified: certified.size, votesUnknown: [...certified].filter((vote) => !own.has(vote)).length };
}

function compareBlocks(network: ProcessNetwork): { readonly blocksRead: number; readonly blocksDiffering: number } {
  const others = readBlockLog(join(network.folderOf(1), "blocks"));
  let [blocksRead, blocksDiffering] = [0, 0];
  for (const block of readBlockLog(join(network.folderOf(stopped), "blocks"))) {
    blocksRead += 1;
    const other = others.next().value;
    if (other === undefined || !equalBytes(other.payload, block.payload) || other.header.view !== block.header.view)
      blocksDiffering += 1;
  }
  return { blocksRead, blocksDiffering };
}

/** Starts the validator where there is no space, and returns what it says when it stops, at once or at its first blocks. */
async function refusalOnFull(network: ProcessNetwork): Promise<string> {
  const refusal = await network.start(stopped).then(() => undefined, message);
  if (refusal !== undefined) return refusal;
  const failed = await network.failureOf(stopped);
  return failed.kind === "failed" ? failed.message : failed.kind;
}

async function fillUnder(network: ProcessNetwork, follower: Follower, folder: string): Promise<FullDisk> {
  const ballasts = [1, 2].map((number) => join(folder, `ballast-${number}`)) as [string, string];
  const failure = network.failureOf(stopped);
  fill(ballasts[0]);
  let running = true;
  const load = Promise.all(
    [...chain.accountSeeds, ...chain.accountSeeds, ...chain.accountSeeds].map(async (seed) => {
      while (running) await follower.submit(signCommand(chain.genesis, seed, bulkyQuote()));
    }),
  );
  const failed = await failure;
  if (failed.kind !== "failed") throw new Error("the validator did not stop");
  const bytesFree = bytesFreeIn(folder);
  const before = follower.query.height();
  await until(() => before + 5 <= follower.query.height(), "three validators go on");
  const seen = { ...compareBlocks(network), ...compareVotes(network), blocksWithout: follower.query.height() - before };
  // What was too small for the last write is filled as well.
  fill(ballasts[1]);
  const restartOnFull = await refusalOnFull(network);
  running = false;
  await load;
  for (const ballast of ballasts) rmSync(ballast);
  await network.start(stopped);
  const executed = (): number => follower.status().doors[stopped]?.status?.executedHeight ?? 0;
  await until(() => follower.query.height() <= executed() + 3, "the validator has caught up");
  const caughtUp = executed();
  await until(() => caughtUp + 3 <= executed(), "the validator goes on");
  const blocksAfter = executed() - seen.blocksRead;
  return { code: failed.code, message: failed.message, bytesFree, ...seen, restartOnFull, blocksAfter };
}

async function run(): Promise<Readonly<Record<"votes" | "blocks", FullDisk>>> {
  const network = new ProcessNetwork(chain);
  const folder = network.folderOf(stopped);
  const [votesFolder, blocksFolder] = [join(folder, "votes"), join(folder, "blocks")];
  try {
    mount(folder, "48m");
    mount(votesFolder, "8m");
    // Of its own: events are written at the same time, and would say so as often as blocks.
    mount(blocksFolder, "24m");
    await network.startAll();
    const follower = await network.startFollower("follower");
    await until(() => 3 <= follower.query.height(), "blocks");
    const votes = await fillUnder(network, follower, votesFolder);
    const blocks = await fillUnder(network, follower, blocksFolder);
    return { votes, blocks };
  } finally {
    await network.killAll();
    // Lazily: what was killed a moment ago may hold them still.
    spawnSync("umount", ["-l", votesFolder, blocksFolder, folder]);
    await network.stop();
  }
}

process.stdout.write(`${JSON.stringify(await run())}\n`);
process.exit();
