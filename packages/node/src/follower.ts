/**
 * A node that does not vote: it follows final blocks through the doors of several validators, checks every finality
 * certificate and every signature itself, executes, and keeps its own logs and snapshots. A gateway process runs one; the
 * shape it offers is the port that `gateway` declares. No door is believed: a wrong block is refused and its door left.
 */
import { activeEd25519 } from "@stoa/base/active-signature";
import { equalBytes } from "@stoa/base/bytes";
import { zeroDigest, type Digest } from "@stoa/base/hash";
import type { FinalBlock } from "@stoa/protocol/block";
import type { DoorReply, NodeStatus } from "@stoa/protocol/door";
import { ed25519ListScheme, validatorSetOf, type ValidatorSet } from "@stoa/protocol/finality/certificate";
import { headerDigest } from "@stoa/protocol/finality/header";
import { verifyFinality } from "@stoa/protocol/finality/proof";
import { chainIdOf, type Genesis } from "@stoa/protocol/genesis";
import { payloadDigest } from "@stoa/protocol/payload";
import type { ExchangeQuery } from "@stoa/protocol/view";
import { createChecker } from "./checker.ts";
import { createCommitGate } from "./commit-gate.ts";
import { openCommit, type CommittedBlock } from "./commit.ts";
import { checkAddress, invalid, storageDefaults, type StorageConfig } from "./config.ts";
import { openDoorLink, type DoorLink } from "./door-link.ts";
import { nameOf } from "./envelope.ts";
import { NodeError, errorFromData, errorToData } from "./failure.ts";
import { silentLog, type Logger } from "./log.ts";
import { installNativeCrypto } from "./native-crypto.ts";
import type { Address } from "./network/mesh.ts";
import { payloadCommands } from "./payload-names.ts";
import { startSignaturePool } from "./signature-pool.ts";
import { lockFolder } from "./storage/folder-lock.ts";
import { createSubmissions, type ExecutedBlock, type Outcome } from "./submissions.ts";
import { createVerdictCache } from "./verdict.ts";
import { encode } from "@stoa/base/codec";
import { finalBlock } from "@stoa/protocol/block";
import { commandDigest } from "@stoa/protocol/command";

export type { ExecutedBlock, Outcome } from "./submissions.ts";

export interface FollowerConfig {
  readonly genesis: Genesis;
  readonly dataFolder: string;
  /** The doors of validators; several, so that some may go away. */
  readonly doors: readonly Address[];
  readonly signatureWorkersCount?: number;
  readonly storage?: Partial<StorageConfig>;
}

export interface FollowerStatus {
  /** The last executed height. */
  readonly height: number;
  readonly timeMs: number;
  readonly submissionsCount: number;
  /** One per configured door; `status` is what it said last. */
  readonly doors: readonly {
    readonly address: Address;
    readonly connected: boolean;
    readonly following: boolean;
    readonly status: NodeStatus | undefined;
  }[];
}

export interface Follower {
  readonly genesis: Genesis;
  readonly chainId: Digest;
  readonly submit: (command: Uint8Array) => Promise<Outcome>;
  readonly follow: (from: number, listener: (block: ExecutedBlock) => void) => () => void;
  readonly query: ExchangeQuery;
  readonly status: () => FollowerStatus;
  /** Resolves when this node has executed all that the best connected door had final when it was asked. */
  readonly caughtUp: Promise<void>;
  /** Resolves when the follower cannot go on: its disk fails, or its state differs from what validators agreed. */
  readonly failure: Promise<NodeError>;
  readonly stop: () => Promise<void>;
}

const verdictsCountMax = 65_536;
const statusIntervalMs = 500;
/** A door that is this far behind the best one, and brings no block for this long, is left for another. */
const lagBlocksMax = 3;
const stallMsMax = 1_500;
const queuedBlocksMax = 64;
const replayChunk = 64;
const syncIntervalMs = 2_000;

export async function startFollower(
  config: FollowerConfig,
  options: { readonly log?: Logger } = {},
): Promise<Follower> {
  installNativeCrypto();
  if (config.doors.length === 0) throw invalid("doors", "at least one address", "none");
  config.doors.forEach((door, index) => checkAddress(`doors[${index}]`, door));
  const log = options.log ?? silentLog();
  const { genesis } = config;
  const chainId = chainIdOf(genesis);
  const set = validatorSetOf(chainId, 0, genesis.validators);
  const lock = lockFolder(config.dataFolder);
  const failed = Promise.withResolvers<NodeError>();
  const caughtUp = Promise.withResolvers<void>();
  let stopped = false;

  const commit = attempt(lock.release, () =>
    openCommit({
      folder: config.dataFolder,
      genesis,
      ...storageDefaults,
      ...config.storage,
      report: (fact) => log.warn(fact),
    }),
  );
  const fail = (error: unknown): void => {
    if (stopped) return;
    const known = errorFromData(errorToData(error));
    log.fatal({ code: known.code }, known.message);
    void stop().then(() => failed.resolve(known));
  };

  const pool = startSignaturePool(config.signatureWorkersCount ?? 1, fail);
  const checker = createChecker(createVerdictCache(verdictsCountMax), pool);
  const listeners = new Set<(block: ExecutedBlock) => void>();
  const tip = commit.blocks.read(commit.blocks.last())?.block;
  /** The last block that was found final: the next one must name it as its parent. */
  let accepted = {
    height: commit.blocks.last(),
    digest: tip === undefined ? zeroDigest : headerDigest(tip.header),
  };
  let queuedBlocks = 0;
  let progressMs = performance.now();
  let source: number | undefined;
  const statuses: (NodeStatus | undefined)[] = config.doors.map(() => undefined);

  const gate = createCommitGate(checker, (block, signaturesValid) => {
    queuedBlocks--;
    if (stopped) return;
    try {
      execute(block, signaturesValid);
    } catch (error) {
      fail(error);
    }
    if (queuedBlocks < queuedBlocksMax / 4 && source !== undefined) links[source]!.resume();
  });

  const execute = (block: FinalBlock, signaturesValid: Uint8Array): void => {
    checkRoots(block);
    const applied = commit.apply(block, encode(finalBlock, block), signaturesValid);
    if (applied === undefined) return;
    const executed: ExecutedBlock = { ...applied.committed, finalMs: Date.now() };
    for (const listener of listeners) listener(executed);
    submissions.executed(executed, payloadCommands(block.payload).names);
    noticeCaughtUp();
  };

  /** The header carries what a quorum got for an earlier height; a follower that got something else must not serve. */
  const checkRoots = ({ header }: FinalBlock): void => {
    const own = commit.rootsKnown().find((roots) => roots.height === header.executed.height);
    if (own === undefined) return;
    const module = own.moduleRoots.findIndex(
      (root, index) => !equalBytes(root, header.executed.moduleRoots[index] ?? zeroDigest),
    );
    const hex = (digest: Digest | undefined): string => Buffer.from(digest ?? []).toString("hex");
    if (0 <= module)
      throw new NodeError(
        "state-divergence",
        `at height ${own.height} module ${module} has root ${hex(own.moduleRoots[module])} here and ` +
          `${hex(header.executed.moduleRoots[module])} in the final block ${header.height}. This node stopped.`,
      );
    if (!equalBytes(own.resultsRoot, header.executed.resultsRoot))
      throw new NodeError(
        "state-divergence",
        `at height ${own.height} the results have root ${hex(own.resultsRoot)} here and ${hex(header.executed.resultsRoot)} in ` +
          `the final block ${header.height}. This node stopped.`,
      );
  };

  const onBlock = (door: number, block: FinalBlock): void => {
    if (door !== source || block.header.height !== accepted.height + 1) return;
    if (!isFinal(set, block) || !follows(block, accepted)) {
      log.error(
        { door: config.doors[door], height: block.header.height },
        "a door sent a block that is not final; left",
      );
      return links[door]!.renew();
    }
    accepted = { height: block.header.height, digest: headerDigest(block.header) };
    progressMs = performance.now();
    if (queuedBlocksMax < ++queuedBlocks) links[door]!.pause();
    gate.put(block);
  };

  const onReply = (door: number, reply: DoorReply): void => {
    switch (reply.kind) {
      case "block":
        return onBlock(door, reply.block);
      case "submitted":
        return submissions.answered(door, reply.id, reply.refusal);
      case "status":
        statuses[door] = reply.status;
        return noticeCaughtUp();
      case "failure":
        log.warn({ door: config.doors[door], reason: reply.reason }, "a door could not answer");
        if (door === source) links[door]!.renew();
        return;
      case "genesis":
      case "receipt":
        return;
    }
  };

  const noticeCaughtUp = (): void => {
    const heights = statuses.filter((one) => one !== undefined).map((one) => one.height);
    if (heights.length > 0 && Math.max(...heights) <= commit.height() + 1) caughtUp.resolve();
  };

  const followFrom = (door: number): void => {
    source = door;
    progressMs = performance.now();
    links[door]!.send({ kind: "follow", id: 1, from: (accepted.height + 1) as never });
  };

  const links: readonly DoorLink[] = config.doors.map((address, door) =>
    openDoorLink(address, {
      onUp() {
        links[door]!.send({ kind: "status", id: 2 });
        if (source === undefined) followFrom(door);
        submissions.doorUp(door);
      },
      onDown() {
        statuses[door] = undefined;
        if (source !== door) return;
        source = undefined;
        const other = links.findIndex((link) => link.connected());
        if (0 <= other) followFrom(other);
      },
      onReply: (reply) => onReply(door, reply),
    }),
  );

  const submissions = createSubmissions({
    connected() {
      const doors = links.flatMap((link, door) => (link.connected() ? [door] : []));
      const names = new Set(doors.map((door) => statuses[door]?.validator));
      return { doors, everyone: !names.has(undefined) && names.size === genesis.validators.length };
    },
    send: (door, request) => links[door]!.sendEncoded(request),
    executedAt(height) {
      const committed = height < 0 ? undefined : commit.committedAt(height);
      return committed === undefined ? undefined : { ...committed, finalMs: committed.timeMs };
    },
  });

  const watch = setInterval(() => {
    for (const link of links) link.send({ kind: "status", id: 2 });
    submissions.tick();
    if (source === undefined || queuedBlocks > 0) return;
    const best = Math.max(0, ...statuses.map((one) => one?.height ?? 0));
    const stalled = progressMs + stallMsMax < performance.now() && commit.height() + lagBlocksMax < best;
    if (!stalled) return;
    log.warn(
      { door: config.doors[source], height: commit.height(), best },
      "a door brings no blocks; left for another",
    );
    links[source]!.renew();
  }, statusIntervalMs);
  const syncing = setInterval(() => {
    try {
      commit.sync();
    } catch (error) {
      fail(error);
    }
  }, syncIntervalMs);

  const stop = async (): Promise<void> => {
    if (stopped) return;
    stopped = true;
    clearInterval(watch);
    clearInterval(syncing);
    for (const link of links) link.stop();
    await pool.stop();
    lock.release();
  };

  return {
    genesis,
    chainId,
    submit(encoded) {
      // Checked while it is being ordered, so that its block need not wait for it.
      checker.check(nameOf(commandDigest(encoded)), encoded, false, () => undefined);
      return submissions.submit(encoded);
    },
    follow: (from, listener) => followStored(from, listener),
    query: commit.query,
    status: () => ({
      height: commit.height(),
      timeMs: commit.query.timeMs(),
      submissionsCount: submissions.count(),
      doors: config.doors.map((address, door) => ({
        address,
        connected: links[door]!.connected(),
        following: source === door,
        status: statuses[door],
      })),
    }),
    caughtUp: caughtUp.promise,
    failure: failed.promise,
    async stop() {
      if (stopped) return;
      await stop();
      commit.snapshot();
      commit.close();
    },
  };

  /** Stored blocks first, a chunk at a time so that others get their turn; then live ones. */
  function followStored(from: number, listener: (block: ExecutedBlock) => void): () => void {
    let next = Math.max(0, from);
    let ended = false;
    const replay = (): void => {
      for (let count = 0; count < replayChunk && !ended; count++) {
        if (commit.height() < next) return void listeners.add(listener);
        const committed: CommittedBlock | undefined = commit.committedAt(next);
        if (committed !== undefined) listener({ ...committed, finalMs: committed.timeMs });
        else log.warn({ height: next }, "a follower asked for a block that is pruned here; skipped");
        next++;
      }
      if (!ended) setImmediate(replay);
    };
    replay();
    return () => {
      ended = true;
      listeners.delete(listener);
    };
  }
}

function attempt<T>(onFailure: () => void, action: () => T): T {
  try {
    return action();
  } catch (error) {
    onFailure();
    throw error;
  }
}

/** A quorum made it final, and the payload is the one that the header names. */
function isFinal(set: ValidatorSet, block: FinalBlock): boolean {
  const { header, descendants, certificates, payload } = block;
  if (header.payload.size !== payload.length) return false;
  const digest = header.payload.form === "none" ? zeroDigest : payloadDigest(payload);
  if (!equalBytes(digest, header.payload.digest)) return false;
  return verifyFinality(ed25519ListScheme(activeEd25519), set, { header, descendants, certificates });
}

function follows({ header }: FinalBlock, parent: { readonly height: number; readonly digest: Digest }): boolean {
  return header.height === parent.height + 1 && equalBytes(header.parentDigest, parent.digest);
}
