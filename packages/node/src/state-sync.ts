/**
 * Joining a chain from a snapshot (consensus.md 3.14), while it runs: for a node whose next block is stored nowhere any more, or
 * that does not want to execute the whole history. The manifest is believed because its roots stand in a final header, a chunk
 * because of its hash, and the state because it is restored and its roots are computed before anything uses it.
 *
 * No door is believed. One that sends what is wrong is not asked again, and the log says why; another one goes on where it
 * stopped. A snapshot that nobody offers any more is given up for a newer one.
 */
import { existsSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { join } from "node:path";
import { equalBytes, toHex } from "@stoa/base/bytes";
import type { Digest } from "@stoa/base/hash";
import { limits } from "@stoa/base/limits";
import type { DoorReply } from "@stoa/protocol/door";
import type { ExecutedRoots } from "@stoa/protocol/finality/header";
import { payloadMatches } from "@stoa/protocol/finality/lane-payload";
import { verifyFinality, verifyFinalityProof } from "@stoa/protocol/finality/proof";
import { certifiersOf } from "@stoa/protocol/finality/scheme";
import type { Genesis } from "@stoa/protocol/genesis";

import { manifestName, type SnapshotManifest } from "@stoa/protocol/snapshot";
import { addressText, openDoorQuestions, type DoorQuestions } from "./door-questions.ts";
import { NodeError, errorFromData, errorToData } from "./failure.ts";
import type { Address } from "./network/mesh.ts";
import { manifestIn, openChunkFolder, type ChunkFolder } from "./storage/chunk-folder.ts";
import { openBlockLog } from "./storage/block-log.ts";
import { restoreBody, rootsEqual } from "./storage/snapshot-body.ts";
import { finishInstallation, installState, syncFolderOf } from "./storage/state-installation.ts";

export interface StateSyncOptions {
  readonly dataFolder: string;
  readonly genesis: Genesis;
  readonly doors: readonly Address[];
  /** `always`: also when the blocks could still be had, if nothing is stored here yet. */
  readonly mode: "when-needed" | "always";
  readonly report: (fact: string) => void;
  /** Ends the attempt with `start-cancelled`; what was fetched stays for the next one. */
  readonly signal?: AbortSignal | undefined;
}

export interface JoinedState {
  readonly height: number;
  readonly chunksFetched: number;
  /** Chunks that were here from an earlier attempt. */
  readonly chunksKept: number;
}

/** What one door says it has. */
type Offer = Extract<DoorReply, { kind: "snapshot" }>;
interface Surveyed {
  readonly door: DoorQuestions;
  readonly offer: Offer;
}

interface Choice {
  readonly manifest: SnapshotManifest;
  readonly name: string;
  /** Whom to ask for chunks. */
  readonly doors: readonly DoorQuestions[];
  /** Those of them that say that they have it. */
  readonly offeredBy: readonly DoorQuestions[];
}

const retryMs = 1_000;
const watchIntervalMs = 5_000;
const surveyTimeoutMs = 3_000;
const chunksInFlightPerDoor = 4;

/**
 * Fetches and installs a state when the next block of this node cannot be had, and returns what it did; `undefined` when blocks
 * can be had, or when no door answers. The folder is this process's alone and nothing in it is open.
 */
export async function joinBySnapshot(options: StateSyncOptions): Promise<JoinedState | undefined> {
  finishInstallation(options.dataFolder);
  const doors = options.doors.map((address) => openDoorQuestions(address));
  const stopDoors = (): void => doors.forEach((door) => door.stop());
  options.signal?.addEventListener("abort", stopDoors, { once: true });
  try {
    return await joinThrough(doors, options);
  } finally {
    options.signal?.removeEventListener("abort", stopDoors);
    stopDoors();
  }
}

async function joinThrough(
  doors: readonly DoorQuestions[],
  options: StateSyncOptions,
): Promise<JoinedState | undefined> {
  const refused = createRefusals(options.report);
  const stored = lastStoredHeight(options.dataFolder);
  const done = (joined?: JoinedState): JoinedState | undefined => {
    rmSync(wantedPath(options.dataFolder), { force: true });
    return joined;
  };
  let surveyed = await survey(doors, options.signal);
  let verdict = verdictOf(stored, surveyed, doors.length);
  // A door that has the blocks is followed, unless it was found before that nothing came of it.
  const isPruned = verdict.kind === "pruned" && (verdict.storedBy.length === 0 || isStateWanted(options.dataFolder));
  const isWanted = options.mode === "always" && 0 < surveyed.length && stored === 0;
  if (!isPruned && !isWanted) return done();
  if (isPruned) options.report("the next block of this node is stored nowhere any more: a snapshot is fetched");
  for (;;) {
    const choice = verdict.kind === "unknown" ? undefined : choose(options, surveyed, { refused, stored });
    if (choice === undefined && !isPruned) {
      options.report("no door offers a snapshot yet: all blocks are executed instead");
      return undefined;
    }
    if (choice === undefined) refused.say("no door offers a snapshot that can be used; asking again");
    const isStillNeeded = async (): Promise<boolean> =>
      isWanted || verdictOf(stored, await survey(doors, options.signal), doors.length).kind === "pruned";
    const joined = choice === undefined ? undefined : await attempt(options, choice, { refused, isStillNeeded });
    if (joined !== undefined) return done(joined);
    await pause(retryMs, undefined, { signal: options.signal }).catch(() => undefined);
    surveyed = await survey(doors, options.signal);
    verdict = verdictOf(stored, surveyed, doors.length);
    if (verdict.kind === "stored" && !isWanted) {
      options.report("doors store the next block of this node after all: no snapshot is fetched");
      return done();
    }
  }
}

/** Doors and manifests that are not asked for again. */
interface Refusals {
  readonly refuse: (door: DoorQuestions, fact: string, manifest?: string) => void;
  readonly isRefused: (door: DoorQuestions, manifest: string) => boolean;
  readonly giveUp: (manifest: string, fact: string) => void;
  readonly isGivenUp: (manifest: string) => boolean;
  /** Says a thing once. */
  readonly say: (fact: string) => void;
}

function createRefusals(report: (fact: string) => void): Refusals {
  const refused = new Set<string>();
  const said = new Set<string>();
  const say = (fact: string): void => {
    if (said.has(fact)) return;
    said.add(fact);
    report(fact);
  };
  return {
    refuse(door, fact, manifest) {
      const who = addressText(door.address);
      refused.add(manifest === undefined ? who : `${who} ${manifest}`);
      say(`door ${who} ${fact}; refused`);
    },
    giveUp(manifest, fact) {
      refused.add(manifest);
      say(fact);
    },
    isGivenUp: (manifest) => refused.has(manifest),
    isRefused(door, manifest) {
      const who = addressText(door.address);
      return refused.has(who) || refused.has(`${who} ${manifest}`);
    },
    say,
  };
}

// ---- whether, and from whom

/** What the doors have; those that do not answer in time are left out. */
async function survey(doors: readonly DoorQuestions[], signal?: AbortSignal): Promise<readonly Surveyed[]> {
  const late = pause(surveyTimeoutMs, undefined, { ref: false });
  const answers = await Promise.all(
    doors.map(async (door) => {
      const asked = door.ask({ kind: "snapshotWanted" }, "snapshot").catch(() => undefined);
      const offer = await Promise.race([asked, late]);
      return offer === undefined ? [] : [{ door, offer }];
    }),
  );
  if (signal?.aborted === true)
    throw new NodeError("start-cancelled", "the start was cancelled while a snapshot was looked for or fetched");
  return answers.flat();
}

interface Verdict {
  /** Whether the block after `height` is gone; not known as long as too few doors answer. */
  readonly kind: "pruned" | "stored" | "unknown";
  /** How many say that it is gone, and who says that it is there. */
  readonly prunedCount: number;
  readonly storedBy: readonly DoorQuestions[];
}

/**
 * What doors say of the block after `height`. A node that has blocks gives them up only when most of its doors say that the next
 * one is gone, not most of those that happen to answer; one that has none takes the word of these.
 */
function verdictOf(height: number, surveyed: readonly Surveyed[], doorsCount: number): Verdict {
  const next = height + 1;
  const prunedCount = surveyed.filter(({ offer }) => next < offer.firstHeight && next <= offer.lastHeight).length;
  // A door that is as far as this node has the next block as soon as there is one.
  const isThere = ({ offer }: Surveyed): boolean => offer.firstHeight <= next && height <= offer.lastHeight;
  const storedBy = surveyed.filter(isThere).map(({ door }) => door);
  const votersCount = height === 0 ? surveyed.length : doorsCount;
  const kind = votersCount < 2 * prunedCount ? "pruned" : 0 < storedBy.length ? "stored" : "unknown";
  return { kind, prunedCount, storedBy };
}

async function askAll(addresses: readonly Address[], height: number): Promise<Verdict> {
  const doors = addresses.map((address) => openDoorQuestions(address));
  try {
    return verdictOf(height, await survey(doors), doors.length);
  } finally {
    for (const door of doors) door.stop();
  }
}

const wantedPath = (dataFolder: string): string => join(dataFolder, "state-wanted");
/** For the next start: the blocks that this node needs are stored nowhere any more. */
const noteStateWanted = (dataFolder: string): void => writeFileSync(wantedPath(dataFolder), "");
export const isStateWanted = (dataFolder: string): boolean => existsSync(wantedPath(dataFolder));

/** A node is given up for a snapshot when it stood still and most doors said so at this many looks, one after another. */
const looksMin = 6;
/** When a door says that it has the block all the same: so long it may take to give it. */
const looksMinDisputed = 24;

/**
 * Fails with `blocks-pruned` when a node stands still and most doors say, for some time, that they do not store its next block
 * any more, and leaves a note: started again, it begins with a snapshot. A door that is being restarted, or lies, decides nothing.
 */
export function watchPruning(
  { dataFolder, doors }: Pick<StateSyncOptions, "dataFolder" | "doors">,
  heightNow: () => number,
  fail: (error: NodeError) => void,
  intervalMs = watchIntervalMs,
): { readonly stop: () => void } {
  let before = -1;
  let asking = false;
  let stopped = false;
  let looks = 0;
  const look = async (): Promise<void> => {
    const height = heightNow();
    const stands = height === before;
    before = height;
    if (!stands) looks = 0;
    if (!stands || asking || doors.length === 0) return;
    asking = true;
    const verdict = await askAll(doors, height).finally(() => (asking = false));
    if (stopped || heightNow() !== height) return;
    looks = prunedByMost(verdict, doors) ? looks + 1 : 0;
    if (looks < (verdict.storedBy.length === 0 ? looksMin : looksMinDisputed)) return;
    stopped = true;
    noteStateWanted(dataFolder);
    fail(prunedError(height + 1, verdict, doors.length));
  };
  const timer = setInterval(() => {
    if (stopped) return;
    // The note may not be written: the disk is full, or the folder gone.
    look().catch((error: unknown) => fail(errorFromData(errorToData(error))));
  }, intervalMs);
  timer.unref();
  return {
    stop() {
      stopped = true;
      clearInterval(timer);
    },
  };
}

const prunedByMost = ({ prunedCount }: Verdict, doors: readonly Address[]): boolean => doors.length < 2 * prunedCount;

function prunedError(next: number, { prunedCount, storedBy }: Verdict, doorsCount: number): NodeError {
  const liars = storedBy.map(({ address }) => addressText(address)).join(", ");
  const disputed = liars === "" ? "" : ` ${liars} says that it stores it, and has not given it.`;
  return new NodeError(
    "blocks-pruned",
    `block ${next}, which this node needs next, is not stored any more, say ${prunedCount} of ${doorsCount} doors.${disputed} This ` +
      `node stopped; started again, it fetches a snapshot of the state from them and goes on from there.`,
  );
}

/** The first height of the newest segment of the block log: at least so far this node is; 0 when nothing is stored. */
export function heightAtLeast(dataFolder: string): number {
  const folder = join(dataFolder, "blocks");
  const names = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith(".blocks")) : [];
  return Math.max(0, ...names.map((name) => Number.parseInt(name, 10)));
}

/** How far the blocks go that are stored here; 0 when there are none. Reads the whole log. */
export function lastStoredHeight(dataFolder: string): number {
  if (heightAtLeast(dataFolder) === 0) return 0;
  const log = openBlockLog(join(dataFolder, "blocks"), () => undefined);
  const last = log.last();
  log.close();
  return last;
}

/**
 * The snapshot to fetch: the one that was begun, as long as anyone gives chunks of it, for doors keep what is being fetched
 * though they offer newer ones; else the newest, and of one height the most offered.
 */
function choose(
  options: StateSyncOptions,
  surveyed: readonly Surveyed[],
  { refused, stored }: { readonly refused: Refusals; readonly stored: number },
): Choice | undefined {
  const choices = new Map<string, Choice & { readonly doors: DoorQuestions[] }>();
  for (const { door, offer } of surveyed) {
    const { manifest } = offer;
    if (manifest === undefined) continue;
    const name = toHex(manifestName(manifest));
    if (refused.isRefused(door, name)) continue;
    const fault = manifestFault(options.genesis, manifest) ?? uselessness(manifest, surveyed, stored);
    if (fault !== undefined) {
      refused.refuse(door, `offers a snapshot ${fault}`, name);
      continue;
    }
    const offeredBy: DoorQuestions[] = [];
    const choice = choices.get(name) ?? { manifest, name, doors: offeredBy, offeredBy };
    choices.set(name, choice);
    choice.doors.push(door);
  }
  const begun = begunChoice(options, surveyed, { refused, stored });
  const heightOf = ({ manifest }: Choice): number => manifest.block.header.height;
  const best = [...choices.values()].sort(
    (left, right) => heightOf(right) - heightOf(left) || right.doors.length - left.doors.length,
  )[0];
  return begun ?? best;
}

function begunChoice(
  options: StateSyncOptions,
  surveyed: readonly Surveyed[],
  { refused, stored }: { readonly refused: Refusals; readonly stored: number },
): Choice | undefined {
  const manifest = manifestIn(syncFolderOf(options.dataFolder));
  if (manifest === undefined) return undefined;
  const name = toHex(manifestName(manifest));
  const fault = manifestFault(options.genesis, manifest);
  const isUseful = uselessness(manifest, surveyed, stored) === undefined;
  if (fault !== undefined || !isUseful || refused.isGivenUp(name)) return undefined;
  const doors = surveyed.map(({ door }) => door).filter((door) => !refused.isRefused(door, name));
  return doors.length === 0 ? undefined : { manifest, name, doors, offeredBy: [] };
}

/** What is wrong with a manifest by itself, in words after "a snapshot". */
export function manifestFault(genesis: Genesis, manifest: SnapshotManifest): string | undefined {
  const { carrier, block, size, chunkSize, chunks } = manifest;
  const { set, scheme } = certifiersOf(genesis);
  if (!equalBytes(block.header.chainId, set.chainId)) return "of another chain";
  if (!verifyFinalityProof(scheme, set, carrier)) return "whose roots stand in no final header";
  if (!verifyFinality(scheme, set, block) || !payloadMatches(block.header, block.payload))
    return "with a block that is not final";
  if (carrier.header.executed.height !== block.header.height)
    return `of height ${block.header.height} with the roots of height ${carrier.header.executed.height}`;
  if (limits.snapshotSizeMax < size) return `of ${size} bytes, more than the ${limits.snapshotSizeMax} of any state`;
  const isSound = 0 < chunkSize && chunkSize <= limits.snapshotChunkSizeMax && 0 < size;
  return isSound && chunks.length === Math.ceil(size / chunkSize)
    ? undefined
    : "whose chunks do not add up to its size";
}

/** Why a sound snapshot is of no use here. */
function uselessness({ block }: SnapshotManifest, surveyed: readonly Surveyed[], own: number): string | undefined {
  const { height } = block.header;
  if (height <= own) return `of height ${height}, which this node is beyond`;
  const follows = surveyed.some(({ offer }) => offer.firstHeight <= height + 1 && height <= offer.lastHeight);
  return follows ? undefined : `of height ${height}, which is too old: no door stores the block after it`;
}

// ---- fetching

/** One snapshot, as far as its doors carry; `undefined` when another attempt is needed. */
async function attempt(
  options: StateSyncOptions,
  choice: Choice,
  { refused, isStillNeeded }: { readonly refused: Refusals; readonly isStillNeeded: () => Promise<boolean> },
): Promise<JoinedState | undefined> {
  const { manifest, name, offeredBy } = choice;
  const folder = openChunkFolder(syncFolderOf(options.dataFolder), manifest);
  const chunksKept = manifest.chunks.length - folder.missing().length;
  const { height } = manifest.block.header;
  options.report(
    `snapshot of height ${height}: ${manifest.size} bytes, ${manifest.chunks.length} chunks, ${chunksKept} of them are here`,
  );
  const givers = await fetchMissing(folder, choice, refused, () => options.signal?.aborted === true);
  const left = folder.missing().length;
  if (left > 0) {
    if (left + chunksKept === manifest.chunks.length)
      refused.giveUp(name, `nobody gives chunks of the snapshot of height ${height} any more`);
    return undefined;
  }
  // What is stored here is deleted by it: whoever came back meanwhile may have the blocks.
  if (!(await isStillNeeded())) return undefined;
  const snapshot = folder.assemble();
  const restored = restoreBody(options.genesis, { height, bytes: snapshot });
  const fault = "fault" in restored ? restored.fault : rootsFault(restored.roots, manifest);
  if (fault !== undefined) {
    // Not for this one alone: whoever has such a state would cost as many downloads as it can make up others.
    for (const door of new Set([...offeredBy, ...givers]))
      refused.refuse(door, `offers a snapshot of height ${height} that ${fault}`);
    refused.giveUp(name, `the snapshot of height ${height} is given up`);
    return undefined;
  }
  installState(options.dataFolder, options.genesis, { block: manifest.block, snapshot });
  const chunksFetched = manifest.chunks.length - chunksKept;
  options.report(`state of height ${height} restored; ${chunksFetched} chunks were fetched, ${chunksKept} were here`);
  return { height, chunksFetched, chunksKept };
}

async function chunkOf(
  door: DoorQuestions,
  manifest: Digest,
  index: number,
  refused: Refusals,
): Promise<Uint8Array | undefined> {
  try {
    return (await door.ask({ kind: "chunkWanted", manifest, index }, "chunk")).bytes;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    refused.say(`door ${addressText(door.address)} gives no more chunks: ${reason}`);
    return undefined;
  }
}

export const rootsFault = (roots: ExecutedRoots, { carrier }: SnapshotManifest): string | undefined =>
  rootsEqual(roots, carrier.header.executed)
    ? undefined
    : "holds a state whose roots are not those of the final header";

/** From all doors at once, a few chunks each; ends when nothing is missing or no door is left. Returns who gave any. */
async function fetchMissing(
  folder: ChunkFolder,
  { manifest, name, doors }: Choice,
  refused: Refusals,
  stopped: () => boolean,
): Promise<ReadonlySet<DoorQuestions>> {
  const queue = [...folder.missing()];
  const givers = new Set<DoorQuestions>();
  const identity = manifestName(manifest);
  const fetchFrom = async (door: DoorQuestions): Promise<void> => {
    for (let index = queue.shift(); index !== undefined && !stopped(); index = queue.shift()) {
      const bytes = await chunkOf(door, identity, index, refused);
      if (bytes !== undefined && folder.put(index, bytes)) {
        givers.add(door);
        continue;
      }
      if (bytes !== undefined) refused.refuse(door, `sent a chunk ${index} that is not the one of its hash`);
      queue.push(index);
      return;
    }
  };
  const workers = doors.flatMap((door) => Array.from({ length: chunksInFlightPerDoor }, () => door));
  // Whoever is left takes up what another let fall.
  for (let left = workers; 0 < left.length && 0 < folder.missing().length && !stopped(); ) {
    const before = folder.missing().length;
    await Promise.all(left.map(fetchFrom));
    if (folder.missing().length === before) return givers;
    left = left.filter((door) => !refused.isRefused(door, name));
  }
  return givers;
}
