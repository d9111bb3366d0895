/**
 * Who leads a view: smooth weighted round robin over the validators of the epoch, so that every validator leads as often as
 * its stake says and no one leads long in a row. It depends on the set alone: nobody can grind it. Stakes are reduced to at
 * most a few thousand slots, since the order must be computed without walking through all earlier views.
 */
import { assert } from "@stoa/base/assert";
import { encode, list, record, u32, u53 } from "@stoa/base/codec";
import { taggedHash } from "@stoa/base/hash";
import { limits } from "@stoa/base/limits";
import type { View } from "@stoa/base/units";
import type { ValidatorSet } from "@stoa/protocol/finality/certificate";
import { digest, publicKey, type ValidatorIndex } from "@stoa/protocol/primitives";

const slotsCountMax = 4_096;

export interface LeaderSchedule {
  /** One turn of the wheel, which then repeats. */
  readonly turn: readonly ValidatorIndex[];
  readonly offset: number;
}

/** PERF: O(slots · validators) once per epoch; a look-up is O(1). */
export function leaderSchedule(set: ValidatorSet): LeaderSchedule {
  const weights = slotWeights(set);
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const credit = weights.map(() => 0);
  const turn: ValidatorIndex[] = [];
  for (let slot = 0; slot < total; slot++) {
    let best = 0;
    for (let index = 0; index < weights.length; index++) {
      credit[index]! += weights[index]!;
      if (credit[best]! < credit[index]!) best = index;
    }
    credit[best]! -= total;
    turn.push(best as ValidatorIndex);
  }
  const seed = setDigest(set);
  return { turn, offset: (seed[0]! | (seed[1]! << 8) | (seed[2]! << 16)) % total };
}

export function leaderOf(schedule: LeaderSchedule, view: View): ValidatorIndex {
  assert(0 < view, "views that are led begin at 1");
  return schedule.turn[(view - 1 + schedule.offset) % schedule.turn.length]!;
}

/** Stakes over their greatest common divisor, or scaled down to the slots when that is too many; at least one slot each. */
function slotWeights(set: ValidatorSet): number[] {
  const divisor = set.validators.reduce((divisor, { stake }) => greatestCommonDivisor(divisor, stake), 0);
  if (set.totalStake / divisor <= slotsCountMax) return set.validators.map(({ stake }) => stake / divisor);
  const total = BigInt(set.totalStake);
  return set.validators.map(({ stake }) => Math.max(1, Number((BigInt(stake) * BigInt(slotsCountMax)) / total)));
}

function greatestCommonDivisor(left: number, right: number): number {
  while (right !== 0) [left, right] = [right, left % right];
  return left;
}

const setCodec = record({
  chainId: digest,
  epoch: u32,
  validators: list(record({ key: publicKey, stake: u53 }), limits.validatorsCountMax),
});

function setDigest(set: ValidatorSet): Uint8Array {
  return taggedHash("STOA1/leaders", encode(setCodec, set));
}
