/**
 * Who takes how much of a room that many share, by owner of an account. Nobody may take more than a part of what is still free,
 * so however many come, and however greedy they are, there is something left for one more (the dynamic threshold of Choudhury
 * and Hahne, "Dynamic Queue Length Thresholds for Shared-Memory Packet Switches", 1998).
 */
import { headOffsets } from "./command-head.ts";
import { absent, createDigestTable } from "./digest-table.ts";

/** What is not taken of a room. */
export interface FreeRoom {
  readonly count: number;
  readonly size: number;
}

export interface Shares {
  /**
   * Takes room for a command of its account's owner: the owner's number, under which it is given back; {@link absent} when his
   * share is used up.
   */
  readonly take: (encoded: Uint8Array, free: FreeRoom) => number;
  readonly giveBack: (owner: number, size: number) => void;
}

/** A sixteenth of what is free, and at least one command. */
export const shareDivisor = 16;
export const shareOf = (free: number): number => Math.ceil(free / shareDivisor);

export function createShares(options: {
  /** Commands that the whole room may hold. */
  readonly countMax: number;
  readonly perOwnerCountMax: number;
}): Shares {
  const owners = createDigestTable({ countMax: options.countMax });
  const counts = new Int32Array(options.countMax);
  const sizes = new Float64Array(options.countMax);
  return {
    take(encoded, free) {
      const owner = owners.add(encoded, headOffsets.account);
      if (owner === absent) return absent;
      const isOver = Math.min(options.perOwnerCountMax, shareOf(free.count)) <= counts[owner]!;
      if (isOver || shareOf(free.size) <= sizes[owner]!) {
        if (counts[owner] === 0) owners.remove(owner);
        return absent;
      }
      counts[owner]!++;
      sizes[owner]! += encoded.length;
      return owner;
    },
    giveBack(owner, size) {
      counts[owner]!--;
      sizes[owner]! -= size;
      if (counts[owner] === 0) owners.remove(owner);
    },
  };
}

/** The room of commands that no account answers for yet, by their numbers. Whoever signs them has a share of it like anyone. */
export interface CommonRoom {
  /** Whether there is room; it is taken once for each number. */
  readonly take: (number: number, encoded: Uint8Array) => boolean;
  /** A number that has no room here has nothing to give back. */
  readonly giveBack: (number: number, size: number) => void;
  readonly forEach: (visit: (number: number) => void) => void;
}

export function createCommonRoom(countMax: number, sizeMax: number): CommonRoom {
  const shares = createShares({ countMax, perOwnerCountMax: countMax });
  const owners = new Map<number, number>();
  let size = 0;
  return {
    take(number, encoded) {
      if (owners.has(number)) return true;
      if (countMax <= owners.size || sizeMax < size + encoded.length) return false;
      const owner = shares.take(encoded, { count: countMax - owners.size, size: sizeMax - size });
      if (owner === absent) return false;
      owners.set(number, owner);
      size += encoded.length;
      return true;
    },
    giveBack(number, given) {
      const owner = owners.get(number);
      if (owner === undefined) return;
      shares.giveBack(owner, given);
      owners.delete(number);
      size -= given;
    },
    forEach: (visit) => [...owners.keys()].forEach(visit),
  };
}
