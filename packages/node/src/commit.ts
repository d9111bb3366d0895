/**
 * Commit: final blocks in, exchange state and stored results out, the same for a validator and for a follower. A block is
 * stored, executed, and its events stored; a node that starts again restores its newest snapshot and executes the blocks
 * after it. Relies on the caller having checked finality and every signature.
 *
 * Nothing here is synced per block: what was not yet on disk when the power failed is fetched again or, on a validator, is
 * still in its vote log, whose segments stay until `sync` has reported their height.
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { assert, present } from "@stoa/base/assert";
import { encode, type EncodedItems } from "@stoa/base/codec";
import type { Digest } from "@stoa/base/hash";
import { limits } from "@stoa/base/limits";
import {
  allAuthorities,
  authoritiesChanged,
  type AccountAuthorities,
  type AuthorityChanges,
} from "@stoa/exchange/machine/authority";
import { createExchange, execute } from "@stoa/exchange/machine/execute";
import { prove, type ProvedRecord } from "@stoa/exchange/machine/prove";
import { createQuery } from "@stoa/exchange/machine/query";
import { observeChanges } from "@stoa/exchange/machine/roots";
import { encodeSnapshot } from "@stoa/exchange/machine/snapshot";
import type { FinalBlock } from "@stoa/protocol/block";
import type { ChangesAnswer, ChangesRequest } from "@stoa/protocol/changes";
import { decodeCommand } from "@stoa/protocol/command";
import { decodeEvent, type Event } from "@stoa/protocol/event";
import { headerDigest, type ExecutedRoots } from "@stoa/protocol/finality/header";
import { chainIdOf, type Genesis } from "@stoa/protocol/genesis";
import type { Module } from "@stoa/protocol/state-record";
import type { ExchangeQuery } from "@stoa/protocol/view";
import { NodeError } from "./failure.ts";
import { createChangeJournal } from "./change-journal.ts";
import { createRootsHistory } from "./roots-history.ts";
import { createSnapshotOffers, type SnapshotOffers } from "./snapshot-offers.ts";
import { guarded } from "./storage/append-file.ts";
import { openBlockLog, type BlockLog } from "./storage/block-log.ts";
import { openEventLog, type EventLog } from "./storage/event-log.ts";
import { restoreBody, snapshotBody, type RestoredState } from "./storage/snapshot-body.ts";
import { damaged, openSnapshotStore, type SnapshotStore } from "./storage/snapshot-store.ts";
import { payloadCommands } from "./payload-names.ts";

export interface CommitOptions {
  readonly folder: string;
  readonly genesis: Genesis;
  /** Blocks to keep; fewer are deleted only when a snapshot covers them. */
  readonly retentionBlocks: number;
  /** Blocks between snapshots. */
  readonly snapshotBlocks: number;
  readonly snapshotsKept: number;
  readonly snapshotChunkSize: number;
  readonly segmentSize: number;
  readonly report: (fact: string) => void;
}

/** An executed block. */
export interface CommittedBlock {
  readonly height: number;
  readonly timeMs: number;
  readonly digest: Digest;
  /** Decoded when they are asked for. */
  readonly events: readonly Event[];
}

export interface Applied {
  readonly committed: CommittedBlock;
  readonly encodedEvents: EncodedItems;
  readonly roots: ExecutedRoots;
  /** Who may speak for an account otherwise than before the block; to be asked before the next one is applied. */
  readonly authoritiesChanged: () => AuthorityChanges;
}

export interface Commit {
  readonly query: ExchangeQuery;
  readonly genesisRoots: ExecutedRoots;
  /** The last executed height. */
  readonly height: () => number;
  /** Roots of the last executed heights, ascending; at least the last one. */
  readonly rootsKnown: () => readonly ExecutedRoots[];
  /** Those of one of these heights. */
  readonly rootsAt: (height: number) => ExecutedRoots | undefined;
  /** Takes the next final block. `signaturesValid` has one bit per command, least significant first. */
  readonly apply: (block: FinalBlock, encoded: Uint8Array, signaturesValid: Uint8Array) => Applied | undefined;
  /** Everyone who may speak for an account now. */
  readonly authorities: () => Iterable<AccountAuthorities>;
  /** What a module holds under a key now, provable under its newest root. */
  readonly prove: (module: Module, key: Uint8Array) => ProvedRecord;
  readonly blocks: Pick<BlockLog, "first" | "last" | "read" | "readRange">;
  /** Height 0 holds the events of genesis. `undefined` when not stored. */
  readonly committedAt: (height: number) => CommittedBlock | undefined;
  /** The lowest height above 0 whose events are stored, or will be. */
  readonly eventsFirst: () => number;
  readonly encodedEventsAt: (height: number) => readonly Uint8Array[] | undefined;
  /** Returns the height through which everything is on disk. */
  readonly sync: () => number;
  /** The same without holding up this thread. */
  readonly syncLater: () => Promise<number>;
  readonly snapshot: () => void;
  /** The state is not the agreed one: no more snapshots of it are saved. */
  readonly distrust: () => void;
  /** What a recent block changed. */
  readonly changes: (wanted: ChangesRequest) => ChangesAnswer;
  /** Snapshots for nodes that join. */
  readonly offers: SnapshotOffers;
  readonly close: () => void;
}

export function openCommit(options: CommitOptions): Commit {
  const { folder, genesis, report } = options;
  guarded(folder, "mkdir", () => mkdirSync(folder, { recursive: true }));
  const chainId = chainIdOf(genesis);
  const snapshots = openSnapshotStore(join(folder, "snapshots"), chainId, options.snapshotsKept);
  const blocks = openBlockLog(join(folder, "blocks"), report, { segmentSizeMax: options.segmentSize });
  const events = openEventLog(join(folder, "events"), report, options.segmentSize);
  const beginning = createExchange(genesis);
  const genesisBlock: CommittedBlock = {
    height: 0,
    timeMs: genesis.timeMs,
    digest: chainId,
    events: beginning.events,
  };
  const start = restore(options, snapshots, beginning, startHeight(options, snapshots, blocks, events));
  if (blocks.last() < start.height) throw blocksMissing(folder, blocks.last(), start.height);
  const { state } = start;
  const journal = createChangeJournal();
  observeChanges(state, journal.changed);
  let height = start.height;
  let snapshotHeight = start.height;
  let snapshotsWanted = true;
  const roots = createRootsHistory(start.roots, limits.executionLagMax);

  const store = (
    committedHeight: number,
    timeMs: FinalBlock["header"]["timeMs"],
    digest: Digest,
    encoded: EncodedItems,
  ): void => {
    if (events.last() === 0 || events.last() + 1 === committedHeight)
      events.append(committedHeight, timeMs, digest, encoded);
  };

  const run = (block: FinalBlock, signaturesValid: Uint8Array): Applied => {
    const { header, payload } = block;
    assert(header.height === height + 1, `blocks are executed in order: ${header.height} after ${height}`);
    const { commands, digests } = payloadCommands(payload);
    const result = execute(state, {
      height: header.height,
      timeMs: header.timeMs,
      commands: commands.map((encoded, index) => ({
        digest: digests[index]!,
        command: decodeCommand(encoded),
        signatureValid: (signaturesValid[index >> 3]! & (1 << (index & 7))) !== 0,
      })),
    });
    const digest = headerDigest(header);
    height = header.height;
    journal.executed(height);
    roots.push(result.roots);
    store(height, header.timeMs, digest, result.encodedEvents);
    const committed = {
      height,
      timeMs: header.timeMs,
      digest,
      get events() {
        return result.events;
      },
    };
    return {
      committed,
      encodedEvents: result.encodedEvents,
      roots: result.roots,
      authoritiesChanged: () => authoritiesChanged(state, result),
    };
  };

  const offers = createSnapshotOffers({
    snapshots,
    blocks,
    chunkSize: options.snapshotChunkSize,
    report: options.report,
  });
  /** Headers carry the roots of checkpoints; with fewer blocks between snapshots than between those, each is taken. */
  const isProvable = (at: number): boolean =>
    options.snapshotBlocks < limits.checkpointBlocks || at % limits.checkpointBlocks === 0;

  const save = (): void => {
    if (!snapshotsWanted) return;
    blocks.sync();
    events.sync();
    const body = { roots: roots.newest(), height, exchange: encodeSnapshot(state) };
    snapshots.save({ height, bytes: encode(snapshotBody, body) }, offers.held());
    snapshotHeight = height;
    const kept = Math.min(snapshots.heights()[0] ?? 0, height - options.retentionBlocks);
    blocks.prune(kept);
    events.prune(kept);
  };

  reconcile(folder, height, blocks, events, report);
  for (let next = height + 1; next <= blocks.last(); next++) {
    const stored = present(blocks.read(next), `block ${next} is stored after the snapshot of ${snapshotHeight}`);
    run(stored.block, stored.signaturesValid);
  }

  return {
    query: createQuery(state),
    genesisRoots: beginning.roots,
    height: () => height,
    rootsKnown: roots.all,
    rootsAt: roots.at,
    apply(block, encoded, signaturesValid) {
      const next = block.header.height;
      if (blocks.last() === 0 ? true : next === blocks.last() + 1) blocks.append(next, encoded, signaturesValid);
      if (next <= height) return undefined;
      const applied = run(block, signaturesValid);
      if (snapshotHeight + options.snapshotBlocks <= height && isProvable(height)) save();
      return applied;
    },
    authorities: () => allAuthorities(state),
    prove: (module, key) => prove(state, module, key),
    blocks,
    committedAt(wanted) {
      if (wanted === 0) return genesisBlock;
      const stored = events.read(wanted);
      if (stored === undefined) return undefined;
      return { height: wanted, timeMs: stored.timeMs, digest: stored.digest, events: stored.events.map(decodeEvent) };
    },
    eventsFirst: () => (events.last() === 0 ? height + 1 : events.first()),
    encodedEventsAt: (wanted) => events.read(wanted)?.events,
    async syncLater() {
      const heights = await Promise.all([blocks.syncLater(), events.syncLater()]);
      return Math.min(...heights);
    },
    sync() {
      blocks.sync();
      events.sync();
      return Math.min(blocks.last(), height);
    },
    snapshot() {
      if (snapshotHeight < height) save();
    },
    distrust: () => void (snapshotsWanted = false),
    offers,
    changes: journal.answer,
    close() {
      blocks.close();
      events.close();
    },
  };
}

/**
 * The height whose state to start from: that of the newest snapshot, or, when the event log ends before it, of one before
 * that end, so that the missing events are computed again; 0 is genesis. `undefined`: there is no snapshot.
 */
function startHeight(
  { folder, report }: CommitOptions,
  snapshots: SnapshotStore,
  blocks: BlockLog,
  events: EventLog,
): number | undefined {
  const heights = snapshots.heights();
  const newest = heights.at(-1);
  if (newest === undefined || newest <= events.last()) return newest;
  const hasBlocksAfter = (height: number): boolean => blocks.first() <= height + 1 && newest <= blocks.last();
  const missing = `events of heights ${events.last() + 1} to ${newest}`;
  const earlier = [0, ...heights].findLast((height) => height <= events.last() && hasBlocksAfter(height));
  if (earlier !== undefined) {
    report(`${folder}: ${missing} are missing; computed again from height ${earlier}`);
    return earlier;
  }
  report(
    `${folder}: ${missing} are missing and their blocks are not stored any more: the history here begins after them`,
  );
  events.cutAbove(0);
  return newest;
}

/** The exchange as of a snapshot, checked to have the roots that it had when it was saved; that of genesis at height 0. */
function restore(
  options: CommitOptions,
  snapshots: SnapshotStore,
  beginning: ReturnType<typeof createExchange>,
  height: number | undefined,
): RestoredState {
  const snapshot = height === undefined || height === 0 ? undefined : snapshots.load(height);
  if (snapshot === undefined) return { state: beginning.state, roots: beginning.roots, height: 0 };
  const path = join(options.folder, "snapshots", `${String(snapshot.height).padStart(16, "0")}.snapshot`);
  const restored = restoreBody(options.genesis, snapshot);
  if ("fault" in restored) throw damaged(path, 0, restored.fault);
  return restored;
}

/** A snapshot is saved only when its blocks are on disk: they were moved away, or lost. */
function blocksMissing(folder: string, last: number, snapshotHeight: number): NodeError {
  const path = join(folder, "blocks");
  return new NodeError(
    "block-log-missing",
    `the block log ${path} ends at height ${last}, but the snapshots beside it go to height ${snapshotHeight}. Restore the blocks ` +
      `from a copy, or move the folders blocks, events and snapshots away, all three (the folder votes must stay), and let the ` +
      `node fetch its history from its peers again.`,
    { file: path },
  );
}

/** After a crash the logs may end at different heights; events are computed again, so what is ahead of the blocks goes. */
function reconcile(
  folder: string,
  height: number,
  blocks: BlockLog,
  events: EventLog,
  report: (fact: string) => void,
): void {
  const last = Math.max(height, blocks.last());
  if (last < events.last()) {
    report(`${folder}: events of heights ${last + 1} to ${events.last()} have no block; cut off, to be computed again`);
    events.cutAbove(last);
  }
}
