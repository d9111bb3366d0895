/**
 * Batches that are needed and not held: a proposal or a certified block names them, or a batch that came after them. They are
 * waited for a moment, since they may just be on their way beside what names them, and then asked for by digest.
 */
import { toHex } from "@stoa/base/bytes";
import { limits } from "@stoa/base/limits";
import type { Height } from "@stoa/base/units";
import type { LaneTip } from "@stoa/protocol/finality/lane";
import type { ValidatorIndex } from "@stoa/protocol/primitives";
import { heldBatch, type Lane } from "./lane-state.ts";
import { ask } from "./requests.ts";
import { emit, plan, type Replica } from "./state.ts";

/**
 * Says that batches are needed: the one at `tip` and those before it, as far as they are above `above`. Gives back for how many
 * milliseconds they have been.
 */
export function wantBatches(
  replica: Replica,
  need: {
    readonly lane: ValidatorIndex;
    readonly tip: LaneTip;
    readonly above: number;
    readonly peers: readonly ValidatorIndex[];
    readonly blames?: boolean;
  },
): number {
  const { lanes, now } = replica;
  const { sequence: through, digest } = need.tip;
  const key = toHex(digest);
  const known = lanes.wanted.get(key);
  const { lane, peers } = need;
  const blames = need.blames === true || known?.blames === true;
  if (known !== undefined || lanes.wanted.size < wantedCountMax) {
    const from = Math.max(1, need.above + 1, through - limits.repairItemsCountMax + 1);
    const times = { sinceMs: known?.sinceMs ?? now.monotonicMs, neededMs: now.monotonicMs };
    lanes.wanted.set(key, { lane, digest, from, through, peers, blames, ...times });
  }
  if (!lanes.fetchScheduled) scheduleFetch(replica);
  return now.monotonicMs - (known?.sinceMs ?? now.monotonicMs);
}

function scheduleFetch(replica: Replica): void {
  replica.lanes.fetchScheduled = true;
  emit(replica, { kind: "schedule", timer: "fetch", view: replica.view, delayMs: replica.parameters.fetchMs });
}
const wantedCountMax = 256;

/** The fetch timer: asks for what has not come by itself, and lets go of what nobody needs any more. */
export function fetchDue(replica: Replica): void {
  const { lanes, now, parameters } = replica;
  lanes.fetchScheduled = false;
  for (const [key, wanted] of lanes.wanted) {
    const lane = lanes.all[wanted.lane]!;
    const isNeeded = lane.final.sequence < wanted.through && now.monotonicMs - wanted.neededMs <= parameters.repairMs;
    if (!isNeeded || heldBatch(lane, wanted.digest) !== undefined) lanes.wanted.delete(key);
    else if (wanted.sinceMs + parameters.fetchMs <= now.monotonicMs) {
      const { digest, from, through, peers } = wanted;
      ask(replica, { kind: "batches", lane: lane.index, digest, from, through }, peers);
      if (wanted.blames) blame(replica, lane);
    }
  }
  if (lanes.wanted.size === 0) return;
  scheduleFetch(replica);
  // Whoever still needs them says so.
  plan(replica, { kind: "finality" });
  plan(replica, { kind: "finalizeVotes" });
  plan(replica, { kind: "considerProposal" });
  plan(replica, { kind: "lead" });
}

/** A vote waits for a batch that its owner did not send here: for a while this replica proposes only proven ones of it. */
function blame(replica: Replica, lane: Lane): void {
  lane.blamedThrough = (replica.lastFinal.height + limits.laneBlameBlocks) as Height;
}
