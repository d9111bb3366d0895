/**
 * The chain as its own proof: final blocks from several nodes, each height taken from whoever brings it first, checked, linked to
 * the one before, and handed on once. A node that lies is dropped, one that is slow or withholds costs nothing while
 * another serves. Two different final blocks of one height are reported as a fork: no honest minority can hide that.
 */
import { equalBytes } from "@stoa/base/bytes";
import type { DoorConnection } from "./connect.ts";
import { ClientError } from "./failure.ts";
import type { TrustedChain } from "./trust.ts";
import { isDisbelief, verifyBlock, type VerifiedBlock } from "./verify.ts";

export interface ChainFollower {
  /** The first height that was asked for. */
  readonly from: number;
  /** The last block handed on. */
  readonly last: () => VerifiedBlock | undefined;
  /** Calls back for every later block, in order; returns a function that ends it. */
  readonly watch: (listener: (block: VerifiedBlock) => void) => () => void;
  readonly stop: () => void;
}

export interface FollowOptions {
  readonly chain: TrustedChain;
  readonly doors: readonly DoorConnection[];
  readonly from: number;
  /** Told of doors that were dropped and of forks; following goes on with the others. */
  readonly report?: (error: ClientError) => void;
}

/** Follows final blocks from `from` on, checked, each once and in order. */
export function followChain({ chain, doors, from, report }: FollowOptions): ChainFollower {
  const listeners = new Set<(block: VerifiedBlock) => void>();
  const stops = new Map<DoorConnection, () => void>();
  let last: VerifiedBlock | undefined;
  let next = from;

  const drop = (door: DoorConnection, error: ClientError): void => {
    stops.get(door)?.();
    stops.delete(door);
    report?.(error);
  };

  const take = (door: DoorConnection, block: Parameters<typeof verifyBlock>[1]): void => {
    const { height } = block.header;
    if (height < next) return;
    if (next < height) return drop(door, new ClientError("dishonest", `block ${next} was left out`, door.url));
    const verified = verifyBlock(chain, block);
    if (isDisbelief(verified)) return drop(door, new ClientError("dishonest", verified.fact, door.url));
    if (last !== undefined && !equalBytes(verified.header.parentDigest, last.digest))
      return drop(
        door,
        new ClientError("fork", `block ${height} is final and does not follow block ${height - 1}`, door.url),
      );
    last = verified;
    next = height + 1;
    for (const listener of [...listeners]) listener(verified);
  };

  for (const door of doors) {
    const stop = door.follow(from, { block: (block) => take(door, block), failed: (error) => drop(door, error) });
    stops.set(door, stop);
  }

  return {
    from,
    last: () => last,
    watch(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    stop() {
      for (const stop of stops.values()) stop();
      stops.clear();
      listeners.clear();
    },
  };
}
