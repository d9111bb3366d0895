/**
 * The snapshots of this node for nodes that join: the newest for which a stored final header carries the roots, with the hash of
 * each chunk, and the chunks themselves, read from the file one at a time. A snapshot that someone is fetching stays for a while
 * when newer ones are saved. One that cannot be read is said once and not offered any more: the node itself does not need it to go on.
 */
import { createHash } from "node:crypto";
import { setImmediate as nextTurn } from "node:timers/promises";
import { equalBytes } from "@stoa/base/bytes";
import { encode } from "@stoa/base/codec";
import type { Digest } from "@stoa/base/hash";
import { limits } from "@stoa/base/limits";
import { executedRoots } from "@stoa/protocol/finality/header";
import type { FinalBlock } from "@stoa/protocol/block";
import { finalityProofOf } from "@stoa/protocol/finality/proof";
import { manifestName, type SnapshotManifest } from "@stoa/protocol/snapshot";
import { NodeError } from "./failure.ts";
import type { BlockLog } from "./storage/block-log.ts";
import type { SnapshotStore } from "./storage/snapshot-store.ts";

export interface SnapshotOffers {
  /** `undefined` while no snapshot here can be proven. */
  readonly manifest: () => Promise<SnapshotManifest | undefined>;
  /** `undefined` when that snapshot is not kept (any more), or has no such chunk. */
  readonly chunk: (manifest: Uint8Array, index: number) => Uint8Array | undefined;
  /** The heights of snapshots that someone is fetching. */
  readonly held: () => ReadonlySet<number>;
}

interface Offer {
  readonly height: number;
  readonly manifest: SnapshotManifest;
  readonly name: Digest;
}

const noBytes = new Uint8Array(0);
/** So long after the last chunk that was asked for, a snapshot is not deleted. */
const heldMs = 60_000;
const offersCountMax = 4;

export function createSnapshotOffers(parts: {
  readonly snapshots: Pick<SnapshotStore, "heights" | "size" | "readPart">;
  readonly blocks: Pick<BlockLog, "read">;
  readonly chunkSize: number;
  readonly report: (fact: string) => void;
}): SnapshotOffers {
  const { blocks, chunkSize, report } = parts;
  const snapshots = leavingOutDamaged(parts.snapshots, report);
  const offers = new Map<number, Promise<Offer | undefined>>();
  const known = new Map<number, Offer>();
  /** When a chunk of a height was last asked for: who fetches one snapshot must not cost another its own. */
  const fetchedMs = new Map<number, number>();

  const make = async (height: number): Promise<Offer | undefined> => {
    const [block, carrier] = [blocks.read(height)?.block, carrierOf(blocks, height)];
    const size = snapshots.size(height);
    if (block === undefined || carrier === undefined || size === undefined) return undefined;
    // What was computed here may be something else; the roots stand at the beginning of a snapshot.
    const roots = encode(executedRoots, carrier.header.executed);
    if (!equalBytes(snapshots.readPart(height, 0, roots.length) ?? noBytes, roots)) return undefined;
    const chunks: Digest[] = [];
    for (let offset = 0; offset < size; offset += chunkSize) {
      const bytes = snapshots.readPart(height, offset, Math.min(chunkSize, size - offset));
      if (bytes === undefined) return undefined;
      chunks.push(createHash("sha256").update(bytes).digest() as Uint8Array as Digest);
      // Blocks that wait to be executed go first.
      await nextTurn();
    }
    const manifest = { carrier: finalityProofOf(carrier), block, size, chunkSize, chunks };
    return { height, manifest, name: manifestName(manifest) };
  };
  const offerOf = async (height: number): Promise<Offer | undefined> => {
    const made = known.get(height);
    if (made !== undefined) return made;
    const making = offers.get(height) ?? make(height);
    offers.set(height, making);
    const offer = await making.finally(() => offers.delete(height));
    if (offer !== undefined) known.set(height, offer);
    for (const oldest of known.keys()) if (offersCountMax < known.size) known.delete(oldest);
    return offer;
  };

  return {
    async manifest() {
      for (const height of snapshots.heights().toReversed()) {
        const offer = await offerOf(height);
        if (offer !== undefined) return offer.manifest;
      }
      return undefined;
    },
    chunk(manifest, index) {
      for (const { height, name, manifest: offered } of known.values()) {
        if (!equalBytes(name, manifest) || offered.chunks.length <= index) continue;
        fetchedMs.set(height, performance.now());
        const offset = index * chunkSize;
        return snapshots.readPart(height, offset, Math.min(chunkSize, offered.size - offset));
      }
      return undefined;
    },
    held() {
      for (const [height, atMs] of fetchedMs) if (atMs + heldMs < performance.now()) fetchedMs.delete(height);
      return new Set(fetchedMs.keys());
    },
  };
}

/** The same snapshots without those that turn out to be unreadable. */
function leavingOutDamaged(
  snapshots: Pick<SnapshotStore, "heights" | "size" | "readPart">,
  report: (fact: string) => void,
): Pick<SnapshotStore, "heights" | "size" | "readPart"> {
  const unreadable = new Set<number>();
  const attempt = <T>(height: number, read: () => T): T | undefined => {
    if (unreadable.has(height)) return undefined;
    try {
      return read();
    } catch (error) {
      if (!(error instanceof NodeError)) throw error;
      unreadable.add(height);
      report(`the snapshot of height ${height} is not offered to others any more: ${error.message}`);
      return undefined;
    }
  };
  return {
    heights: () => snapshots.heights().filter((height) => !unreadable.has(height)),
    size: (height) => attempt(height, () => snapshots.size(height)),
    readPart: (height, offset, size) => attempt(height, () => snapshots.readPart(height, offset, size)),
  };
}

/** A stored block whose header carries the roots of exactly this height. */
function carrierOf(blocks: Pick<BlockLog, "read">, height: number): FinalBlock | undefined {
  const first = height + limits.executionLagMin;
  for (let next = first; next <= height + limits.executionLagMax; next++) {
    const block = blocks.read(next)?.block;
    if (block === undefined || height < block.header.executed.height) return undefined;
    if (block.header.executed.height === height) return block;
  }
  return undefined;
}
