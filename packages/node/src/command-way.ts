/**
 * How each command that waits gets into a block. *Loose*: a leader takes it into the list that it carries itself. *Lane*: it is
 * in a batch of some validator's lane, and leaders order that batch. *Expected*: its client gave it to every validator, and the
 * one that is home to its account puts it into its lane. An account has one home, so that its commands do not overtake each
 * other.
 *
 * A validator may fail with a command in its hands, so nothing but loose is for ever.
 */
import { digestSize } from "@stoa/base/hash";
import type { ValidatorIndex } from "@stoa/protocol/primitives";
import { headOffsets } from "./command-head.ts";
import { createRecentDigests } from "./recent-digests.ts";

export const ways = ["loose", "expected", "lane"] as const;
export type Way = (typeof ways)[number];

export interface CommandWays {
  /** A command begins to wait: in a lane when a batch is known to hold it, else loose. Its digest lies under its number in `keys`. */
  readonly arrived: (number: number, keys: Uint8Array, nowMs: number) => void;
  readonly set: (number: number, way: Way, nowMs: number) => void;
  readonly of: (number: number) => Way;
  /** A batch holds the command with the digest at `offset`. */
  readonly held: (digests: Uint8Array, offset: number, nowMs: number) => void;
  /** Whether a leader may take it: it is loose, or has gone the other way for too long. */
  readonly isLoose: (number: number, nowMs: number) => boolean;
}

/** Digests of commands in lanes that are remembered, for copies of them that come later. */
const heldCountMax = 16_384;
/**
 * So long a command may be expected in a lane, or lie in one, before a leader takes it all the same. Long, because it does no good
 * to a crowd to order it twice: a validator that does not put it into its lane takes it when it leads, and one that goes is seen
 * to go.
 */
export const wayMsMax = { expected: 2_000, lane: 30_000 } as const;

export function createCommandWays(numbersCount: number): CommandWays {
  const wayOf = new Uint8Array(numbersCount);
  const sinceMs = new Float64Array(numbersCount);
  /** When the batch was seen that holds the command. */
  const held = createRecentDigests(heldCountMax);
  const set = (number: number, way: Way, nowMs: number): void => {
    wayOf[number] = ways.indexOf(way);
    sinceMs[number] = nowMs;
  };
  const of = (number: number): Way => ways[wayOf[number]!]!;
  return {
    arrived(number, keys, nowMs) {
      const heldMs = held.get(keys, digestSize * number);
      set(number, heldMs === undefined ? "loose" : "lane", heldMs ?? nowMs);
    },
    set,
    of,
    held: (digests, offset, nowMs) => held.set(digests, nowMs, offset),
    isLoose(number, nowMs) {
      const way = of(number);
      return way === "loose" || sinceMs[number]! + wayMsMax[way] <= nowMs;
    },
  };
}

/** The validator in whose lane the commands of an account belong that clients give to all: by its key, among those that will do. */
export function homeOf(encoded: Uint8Array, count: number, willDo: (index: number) => boolean): ValidatorIndex {
  const { account } = headOffsets;
  const first = (encoded[account]! | (encoded[account + 1]! << 8)) % count;
  for (let step = 0; step < count; step++) {
    const index = (first + step) % count;
    if (willDo(index)) return index as ValidatorIndex;
  }
  return first as ValidatorIndex;
}
