/**
 * What a simulated node keeps: the shipped vote log, block log and memory of the key on simulated volumes, and snapshots of the
 * exchange. Opening runs the shipped recovery: a vote log that cannot be relied on is put aside, a block log that is refused is
 * a node that does not start. Knows which blocks are on the platter.
 */
import { toHex } from "@stoa/base/bytes";
import { encode } from "@stoa/base/codec";
import type { Prng } from "@stoa/base/prng";
import type { View } from "@stoa/base/units";
import type { DurableRecord } from "@stoa/consensus/effect";
import type { Recovered } from "@stoa/consensus/recovery";
import { openVotes } from "@stoa/node/open-replica";
import { openSigner, type Signer } from "@stoa/node/signer";
import { openBlockLog, type BlockLog } from "@stoa/node/storage/block-log";
import { openVoteLog, type VoteLog, type VoteLogOptions } from "@stoa/node/storage/vote-log";
import { finalBlock, type FinalBlock } from "@stoa/protocol/block";
import { batchDigest } from "@stoa/protocol/finality/lane";
import type { OrderedBatch } from "@stoa/protocol/payload";
import { headerDigest, type ExecutedRoots, type Header, type LaneRange } from "@stoa/protocol/finality/header";
import { createVolume, type Image, type Volume } from "./disk.ts";

/** Small, so that segments end, begin and are forgotten in every run. */
const segmentSizeMax = 48 * 1024;
const votesFolder = "votes";
const blocksFolder = "blocks";
const signerFolder = "signer";
/** Digests that are remembered as stored. */
const storedCountMax = 4_096;
const snapshotsCountMax = 2;

export interface Snapshot {
  readonly height: number;
  readonly roots: ExecutedRoots;
  readonly state: Uint8Array;
}

export interface Store {
  readonly votes: Volume;
  readonly blocks: Volume;
  readonly signer: Volume;
  /** Newest last; written whole or not at all. */
  snapshots: Snapshot[];
  /** By digest, blocks that are on the platter with what they carry: `whole`, or batches are to be found beside them. */
  readonly stored: Map<string, { readonly header: Header; readonly whole: boolean }>;
  /** By digest, batches on the platter. */
  readonly storedBatches: Map<string, OrderedBatch>;
  /** Bytes that were written and lost, for the report. */
  lostSize: number;
  /** Torn ends that were cut off and reported. */
  repairsCount: number;
}

export interface OpenStore {
  readonly voteLog: VoteLog;
  readonly blockLog: BlockLog;
  readonly signer: Signer;
}

/** What opening needs of a running node; a log that is only looked at is opened without. */
export interface OpenOptions {
  readonly signVote?: (message: Uint8Array) => Uint8Array;
  readonly nowMs?: number;
  readonly recoverWith?: (open: OpenStore, records: readonly DurableRecord[], session: number) => Recovered;
}

export type VoteLogIdentity = Pick<VoteLogOptions, "chainId" | "key" | "epoch">;

export function createStore(prng: Prng): Store {
  return {
    votes: createVolume(prng.stream("votes")),
    blocks: createVolume(prng.stream("blocks")),
    signer: createVolume(prng.stream("signer")),
    snapshots: [],
    stored: new Map(),
    storedBatches: new Map(),
    lostSize: 0,
    repairsCount: 0,
  };
}

/** Opens both logs as a node does; throws what a node would stop with. */
export function openStore(
  store: Store,
  identity: VoteLogIdentity,
  report: (fact: string) => void,
  options: OpenOptions = {},
): OpenStore {
  const told = (fact: string): void => {
    store.repairsCount++;
    report(fact);
  };
  const blockLog = openBlockLog(blocksFolder, told, { files: store.blocks.files, segmentSizeMax });
  const sign = options.signVote ?? (() => noSignatures);
  const signer = openSigner({ ...identity, folder: signerFolder, sign, report: told, files: store.signer.files });
  const tip = blockLog.last() === 0 ? undefined : blockLog.read(blockLog.last())!.block;
  const open = { blockLog, signer } as OpenStore;
  const voteLog = openVotes({
    ...identity,
    signer,
    ranBefore: tip !== undefined,
    finalView: (tip?.header.view ?? 0) as View,
    nowMs: options.nowMs ?? 1,
    recoverWith: (records, session) =>
      options.recoverWith?.(open, records, session) ?? {
        kind: "refused",
        about: "chain",
        fact: "nothing is recovered here",
      },
    folder: votesFolder,
    report: told,
    files: store.votes.files,
    segmentSizeMax,
  });
  for (const one of voteLog.records) noteStored(store, one);
  // Opening ends with a sync of what was found.
  store.votes.settle(store.votes.epoch());
  store.blocks.settle(store.blocks.epoch());
  store.signer.settle(store.signer.epoch());
  return { ...open, voteLog };
}

/** What the vote log on `image` holds, one text per record; `undefined` when it is refused. */
export function votesOn(image: Image, identity: VoteLogIdentity, prng: Prng): readonly DurableRecord[] | undefined {
  const volume = createVolume(prng);
  volume.restore(image);
  try {
    const { files } = volume;
    const options = { ...identity, folder: votesFolder, historyExists: false, report: () => undefined };
    const { records, loss } = openVoteLog({ ...options, files, segmentSizeMax });
    return loss === undefined ? records : undefined;
  } catch {
    return undefined;
  }
}

/** The digests of the blocks that a node could still find on its platter, by the shipped recovery, were the power to go now. */
export function blocksOnPlatter(store: Store, identity: VoteLogIdentity, prng: Prng): Set<string> {
  const [votes, blocks, signer] = [createVolume(prng), createVolume(prng), createVolume(prng)];
  votes.restore(store.votes.platter());
  blocks.restore(store.blocks.platter());
  signer.restore(store.signer.platter());
  const copy: Store = { ...store, votes, blocks, signer, stored: new Map(), storedBatches: new Map() };
  const { blockLog } = openStore(copy, identity, () => undefined);
  const found = new Set([...copy.stored.keys()].filter((digest) => isStored(copy, digest)));
  for (let height = blockLog.first(); height <= blockLog.last(); height++) {
    found.add(toHex(headerDigest(blockLog.read(height)!.block.header)));
  }
  return found;
}

export function noteStored({ stored, storedBatches }: Store, one: DurableRecord): void {
  if (one.kind === "batch") {
    storedBatches.set(toHex(batchDigest(one.batch)), one.batch);
    forgetOldest(storedBatches);
  }
  if (!("header" in one) || one.header === undefined || one.payload === undefined) return;
  const { header, payload } = one;
  const digest = toHex(headerDigest(header));
  const whole = payload.length === header.payload.size || stored.get(digest)?.whole === true;
  stored.set(digest, { header, whole });
  forgetOldest(stored);
}

function forgetOldest(map: Map<string, unknown>): void {
  for (const oldest of map.keys()) {
    if (map.size <= storedCountMax) break;
    map.delete(oldest);
  }
}

/** Whether a block is on the platter, with all batches that it orders. */
export function isStored({ stored, storedBatches }: Store, digest: string): boolean {
  const block = stored.get(digest);
  if (block === undefined || block.whole) return block !== undefined;
  return block.header.ranges.every((range) => isRangeStored(storedBatches, block.header, range));
}

function isRangeStored(
  batches: ReadonlyMap<string, OrderedBatch>,
  { tips }: Header,
  { lane, count }: LaneRange,
): boolean {
  let { digest } = tips[lane]!;
  for (let index = 0; index < count; index++) {
    const batch = batches.get(toHex(digest));
    if (batch === undefined) return false;
    digest = batch.previous;
  }
  return true;
}

/** The simulated exchange checks signatures itself, so the log remembers none. */
const noSignatures = new Uint8Array(0);

export function appendBlock(blockLog: BlockLog, block: FinalBlock): void {
  blockLog.append(block.header.height, encode(finalBlock, block), noSignatures);
}

export function saveSnapshot(store: Store, snapshot: Snapshot): void {
  store.snapshots = [...store.snapshots, snapshot].slice(-snapshotsCountMax);
}

export function losePower(store: Store, prng: Prng): void {
  store.lostSize += store.votes.losePower(prng) + store.blocks.losePower(prng) + store.signer.losePower(prng);
}
