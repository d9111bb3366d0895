/**
 * A node that does not vote: it follows final blocks through the doors of several validators, checks every finality
 * certificate and every signature itself, executes, and keeps its own logs and snapshots. A gateway process runs one; the
 * shape it offers is the port that `gateway` declares. No door is believed: a wrong block is refused and its door left.
 */
import { encode } from "@stoa/base/codec";
import type { Digest } from "@stoa/base/hash";
import { limits } from "@stoa/base/limits";
import type { Divergence } from "@stoa/consensus/effect";
import { finalBlock, type FinalBlock } from "@stoa/protocol/block";
import { commandDigest } from "@stoa/protocol/command";
import { encodeDoorReply, type AdmissionRefusal } from "@stoa/protocol/door";
import { chainIdOf, type Genesis } from "@stoa/protocol/genesis";
import type { ExchangeQuery } from "@stoa/protocol/view";
import { installBatchingCrypto } from "./batching-crypto.ts";
import { createBlockAcceptance } from "./block-acceptance.ts";
import { createChecker, nobody } from "./checker.ts";
import { createCommitGate } from "./commit-gate.ts";
import { openCommit, type Commit } from "./commit.ts";
import { checkAddress, checkGenesis, invalid, storageDefaults, type StorageConfig } from "./config.ts";
import { reportDivergence } from "./divergence-report.ts";
import { openDoorSet, type DoorSet, type DoorState } from "./door-set.ts";
import { NodeError, errorFromData, errorToData } from "./failure.ts";
import { collectWhenIdle } from "./idle-collector.ts";
import { silentLog, type Logger } from "./log.ts";
import { installNativeCrypto } from "./native-crypto.ts";
import type { Address } from "./network/mesh.ts";
import { payloadCommands } from "./payload-names.ts";
import { createRootCheck, divergenceError } from "./root-check.ts";
import { reportOnce, unreadable } from "./report-once.ts";
import { startSignaturePool } from "./signature-pool.ts";
import { lockFolder } from "./storage/folder-lock.ts";
import { createProofs, type Proofs } from "./proofs.ts";
import { heightAtLeast, isStateWanted, joinBySnapshot, watchPruning } from "./state-sync.ts";
import { restoreFromFile } from "./snapshot-file.ts";
import { finishInstallation } from "./storage/state-installation.ts";
import { createSubmissions, type ExecutedBlock, type Outcome } from "./submissions.ts";

export interface FollowerConfig {
  readonly genesis: Genesis;
  readonly dataFolder: string;
  /** The doors of validators; several, so that some may go away. */
  readonly doors: readonly Address[];
  readonly signatureWorkersCount?: number;
  readonly storage?: Partial<StorageConfig>;
  /**
   * Whether to begin with a snapshot of the doors: `when-needed` (unless set) when no door stores the next block any more,
   * `always` also when nothing is stored here yet, `never` to have the whole history or nothing.
   */
  readonly snapshot?: "when-needed" | "always" | "never";
  /** A file as `exportSnapshot` writes it: what is stored here is never given up for it. */
  readonly snapshotFile?: string;
}

export interface FollowerStatus {
  /** The last executed height. */
  readonly height: number;
  readonly timeMs: number;
  readonly submissionsCount: number;
  readonly doors: readonly DoorState[];
}

export interface Follower {
  readonly genesis: Genesis;
  readonly chainId: Digest;
  readonly submit: (command: Uint8Array) => Promise<Outcome>;
  readonly follow: (from: number, listener: (block: ExecutedBlock) => void) => () => void;
  readonly query: ExchangeQuery;
  /** What the chain has proven of validators, as of the last executed header (`convictionsIn` in finality/evidence.ts). */
  readonly convicted: () => Uint8Array;
  /** Headers, parts of the state and events with their proofs, from this node's own chain; the reply is encoded. */
  readonly prove: Proofs["ask"];
  readonly status: () => FollowerStatus;
  /** Resolves when this node has executed all that the best connected door had final when it was asked. */
  readonly caughtUp: Promise<void>;
  /** Resolves when the follower cannot go on: its disk fails, or its state differs from what validators agreed. */
  readonly failure: Promise<NodeError>;
  readonly stop: () => Promise<void>;
}

const verdictsCountMax = 65_536;
const tickIntervalMs = 500;
const syncIntervalMs = 2_000;
/** With more blocks than this waiting to be executed, no more are read. */
const queuedBlocksMax = 64;
const replayChunk = 64;

/** What a follower consists of, for a node that also serves others. */
export interface FollowerInside extends Follower {
  /** Work for whoever asks, within a share of the time; `undefined` when that is used up. */
  readonly within: Proofs["within"];
  readonly commit: Commit;
  readonly doors: DoorSet;
}

export interface FollowerOptions {
  readonly log?: Logger;
  /** Cancels a start that fetches a snapshot: it fails with `start-cancelled`. */
  readonly signal?: AbortSignal | undefined;
  /** A block has been executed; `encoded` is its encoding. */
  readonly onExecuted?: (block: FinalBlock, encoded: Uint8Array) => void;
  /** The answer to a request that was sent over `doors` with a number of {@link relayedIdMin} or more. */
  readonly onRelayed?: (door: number, id: number, refusal: AdmissionRefusal) => void;
}

/** Numbers of requests from here on are not the follower's own. */
export const relayedIdMin = 0x8000_0000;

export const startFollower = (config: FollowerConfig, options: FollowerOptions = {}): Promise<Follower> =>
  openFollower(config, options);

export async function openFollower(config: FollowerConfig, options: FollowerOptions): Promise<FollowerInside> {
  installNativeCrypto();
  installBatchingCrypto();
  collectWhenIdle();
  checkGenesis(config.genesis);
  if (config.doors.length === 0) throw invalid("doors", "at least one address", "none");
  config.doors.forEach((door, index) => checkAddress(`doors[${index}]`, door));
  const log = options.log ?? silentLog();
  const { genesis } = config;
  const chainId = chainIdOf(genesis);
  const { commit, unlock } = await openStored(config, log, options.signal);
  const proofs = createProofs(commit);
  const tip = commit.blocks.read(commit.blocks.last())?.block;
  const acceptance = createBlockAcceptance(genesis, tip);
  let convicted = tip?.header.convicted ?? new Uint8Array(0);
  const failed = Promise.withResolvers<NodeError>();
  const caughtUp = Promise.withResolvers<void>();
  const listeners = new Set<(block: ExecutedBlock) => void>();
  const rootCheck = createRootCheck();
  let queuedBlocks = 0;
  let hasDiverged = false;
  let stopped = false;

  const fail = (error: unknown): void => {
    if (stopped) return;
    const known = errorFromData(errorToData(error));
    log.fatal({ code: known.code, file: known.file, offset: known.offset }, known.message);
    void end().then(() => failed.resolve(known));
  };
  const guarded = (action: () => void): void => {
    if (stopped) return;
    try {
      action();
    } catch (error) {
      fail(error);
    }
  };
  const pool = startSignaturePool(config.signatureWorkersCount ?? 1, fail);
  const checker = createChecker(verdictsCountMax, pool);
  const gate = createCommitGate(checker, (block, encoded, signaturesValid) => {
    queuedBlocks--;
    if (!hasDiverged) guarded(() => execute(block, encoded, signaturesValid));
    if (queuedBlocks < queuedBlocksMax / 4) doors.resume();
  });

  const execute = (block: FinalBlock, encoded: Uint8Array, signaturesValid: Uint8Array): void => {
    const difference = rootCheck.differenceIn(block.header, commit.rootsAt(block.header.executed.height));
    if (difference !== undefined) return diverged(difference);
    const applied = commit.apply(block, encoded, signaturesValid);
    if (applied === undefined) return;
    const executed: ExecutedBlock = { ...applied.committed, finalMs: Date.now() };
    convicted = block.header.convicted;
    proofs.executed(block);
    options.onExecuted?.(block, encoded);
    for (const listener of listeners) listener(executed);
    submissions.executed(executed, payloadCommands(block.payload).packedDigests);
    noticeCaughtUp();
  };
  /** Nothing is executed any more; before the end the doors are asked where the states part. */
  const diverged = (difference: Divergence): void => {
    hasDiverged = true;
    commit.distrust();
    log.fatal({ code: "state-divergence" }, divergenceError(difference).message);
    reportDivergence(difference, {
      folder: config.dataFolder,
      chainId,
      node: "follower",
      doors: config.doors,
      ownChanges: async (wanted) => commit.changes(wanted),
      readBlocks: async (from, countMax) => commit.blocks.readRange(from, countMax, limits.frameSizeMax),
    }).then(
      ({ sentence, path }) => fail(divergenceError(difference, ` ${sentence} All of it is in ${path}.`)),
      (error: unknown) => fail(divergenceError(difference, ` No report could be written: ${String(error)}.`)),
    );
  };
  const reportUnreadable = reportOnce((fact) => log.warn(fact));
  /** Asked by strangers: what cannot be read, such as a damaged record, ends no node. */
  const prove: Proofs["ask"] = (request, answer, asker) => {
    try {
      proofs.ask(request, answer, asker);
    } catch (error) {
      reportUnreadable(`a proof could not be made: ${error instanceof Error ? error.message : String(error)}`);
      answer(encodeDoorReply({ kind: "failure", id: request.id, reason: unreadable, retry: false }));
    }
  };
  const noticeCaughtUp = (): void => {
    const height = doors.credibleHeight();
    if (height !== undefined && height <= commit.height() + 1) caughtUp.resolve();
  };

  const doors = openDoorSet(config.doors, genesis.validators.length, {
    onBlock(block, encoded) {
      const offered = acceptance.offer(block);
      if (offered !== "accepted") return offered === "other";
      if (queuedBlocksMax < ++queuedBlocks) doors.pause();
      const proven = acceptance.proven(block);
      gate.put(proven, proven === block ? encoded : encode(finalBlock, proven));
      return proven === block;
    },
    onSubmitted(door, id, refusal) {
      if (relayedIdMin <= id) options.onRelayed?.(door, id, refusal);
      else guarded(() => submissions.answered(door, id, refusal));
    },
    onUp: (door) => submissions.doorUp(door),
    onStatus: noticeCaughtUp,
    next: acceptance.next,
    busy: () => 0 < queuedBlocks,
    report: (fact) => log.warn(fact),
  });
  const submissions = createSubmissions({
    connected: doors.connected,
    send: doors.send,
    executedAt: (height) => storedBlock(commit, height),
  });
  const ticking = setInterval(() => {
    doors.tick();
    guarded(() => submissions.tick());
    guarded(() => proofs.executed(undefined));
  }, tickIntervalMs);
  const watch = watchPruning(config, commit.height, fail);
  const syncing = setInterval(() => void commit.syncLater().catch(fail), syncIntervalMs);

  const end = async (): Promise<void> => {
    stopped = true;
    clearInterval(ticking);
    clearInterval(syncing);
    watch.stop();
    doors.stop();
    await pool.stop();
    unlock();
  };

  return {
    genesis,
    chainId,
    commit,
    doors,
    submit(encoded) {
      // Checked while it is being ordered, so that its block need not wait for it.
      checker.check({ digest: commandDigest(encoded), encoded }, false, nobody, 0);
      return submissions.submit(encoded);
    },
    follow: (from, listener) => follow({ commit, listeners, log, guarded }, from, listener),
    query: commit.query,
    convicted: () => convicted,
    prove,
    within: proofs.within,
    status: () => ({
      height: commit.height(),
      timeMs: commit.query.timeMs(),
      submissionsCount: submissions.count(),
      doors: doors.states(),
    }),
    caughtUp: caughtUp.promise,
    failure: failed.promise,
    async stop() {
      if (stopped) return;
      stopped = true;
      commit.snapshot();
      commit.close();
      await end();
    },
  };
}

/**
 * The stored chain of a follower, executed up to its end; the folder is this process's alone. Where nothing is stored, or an
 * earlier run found that its next block is gone everywhere, it begins with a snapshot.
 */
async function openStored(
  config: FollowerConfig,
  log: Logger,
  signal: AbortSignal | undefined,
): Promise<{ readonly commit: Commit; readonly unlock: () => void }> {
  const lock = lockFolder(config.dataFolder);
  try {
    const { dataFolder, genesis, doors, snapshot = "when-needed" } = config;
    finishInstallation(dataFolder);
    const report = (fact: string): void => log.warn(fact);
    if (config.snapshotFile !== undefined) restoreFromFile({ dataFolder, genesis, report }, config.snapshotFile);
    if (snapshot !== "never" && (heightAtLeast(dataFolder) === 0 || isStateWanted(dataFolder)))
      await joinBySnapshot({ dataFolder, genesis, doors, mode: snapshot, report, signal });
    const commit = openCommit({
      folder: config.dataFolder,
      genesis: config.genesis,
      ...storageDefaults,
      ...config.storage,
      report: (fact) => log.warn(fact),
    });
    return { commit, unlock: lock.release };
  } catch (error) {
    lock.release();
    throw error;
  }
}

/** A block that was executed earlier; when it became final is no longer known, so its own time stands for that. */
function storedBlock(commit: Commit, height: number): ExecutedBlock | undefined {
  const committed = height < 0 ? undefined : commit.committedAt(height);
  return committed === undefined ? undefined : { ...committed, finalMs: committed.timeMs };
}

/** Stored blocks first, a chunk at a time so that others get their turn; then live ones. */
function follow(
  node: {
    readonly commit: Commit;
    readonly listeners: Set<(block: ExecutedBlock) => void>;
    readonly log: Logger;
    readonly guarded: (action: () => void) => void;
  },
  from: number,
  listener: (block: ExecutedBlock) => void,
): () => void {
  const { commit, listeners, log, guarded } = node;
  let next = Math.max(0, from);
  let ended = false;
  const replay = (): void => {
    for (let count = 0; count < replayChunk && !ended; count++) {
      if (commit.height() < next) return void listeners.add(listener);
      const block = storedBlock(commit, next);
      if (block !== undefined) listener(block);
      const after = block === undefined ? Math.max(next + 1, commit.eventsFirst()) : next + 1;
      if (block === undefined)
        log.warn(`someone follows from height ${next}; what is below ${after} is not stored here and was left out`);
      next = after;
    }
    if (!ended) setImmediate(() => guarded(replay));
  };
  guarded(replay);
  return () => {
    ended = true;
    listeners.delete(listener);
  };
}
