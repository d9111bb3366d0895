/**
 * Batches that are needed and not held: a proposal or a certified block names them, or a batch that came after them. They are
 * waited for a moment, since they may just be on their way beside what names them, and then asked for by digest.
 */
import { toHex } from "@stoa/base/bytes";
import { limits } from "@stoa/base/limits";
import type { Height } from "@stoa/base/units";
import type { LaneTip } from "@stoa/protocol/finality/lane";
import type { ValidatorIndex } from "@stoa/protocol/primitives";
import { heldBatch, type Lane, type Lanes, type WantedBatches } from "./lane-state.ts";
import { ask } from "./requests.ts";
import { emit, plan, type Replica } from "./state.ts";

/** For certified blocks there is room whatever faulty owners and leaders name. */
const wantedCountMax = 1_024;
const wantedForProposalsCountMax = 256;
/** Requests beyond so many are for certified blocks only. */
const requestsForOthersCountMax = 32;

export interface Need {
  readonly lane: ValidatorIndex;
  readonly tip: LaneTip;
  /** Batches at or below this place are not needed. */
  readonly above: number;
  readonly peers: readonly ValidatorIndex[];
  /** `gap`: only the owner says that it is there. */
  readonly cause: "certified" | "proposal" | "gap";
}

/** Says that the batch at `tip` and those before it are needed. Gives back for how many milliseconds they have been. */
export function wantBatches(replica: Replica, need: Need): number {
  const { lanes, now } = replica;
  const { lane, tip, peers, above } = need;
  const key = toHex(tip.digest);
  const known = lanes.wanted.get(key);
  const cause = known?.cause === "certified" ? known.cause : need.cause;
  if (known === undefined && !hasRoom(lanes, need)) return 0;
  const sinceMs = known?.sinceMs ?? now.monotonicMs;
  lanes.wanted.set(key, {
    lane,
    digest: tip.digest,
    from: Math.max(1, above + 1, tip.sequence - limits.repairItemsCountMax + 1),
    through: tip.sequence,
    peers,
    cause,
    blames: need.cause === "proposal" || known?.blames === true,
    sinceMs,
    neededMs: now.monotonicMs,
  });
  if (!lanes.fetchScheduled) scheduleFetch(replica);
  return now.monotonicMs - sinceMs;
}

function hasRoom({ wanted }: Lanes, { cause, lane }: Need): boolean {
  if (cause === "certified") return wanted.size < wantedCountMax;
  if (wantedForProposalsCountMax <= wanted.size) return false;
  // An owner could name any number of batches that do not exist.
  return cause === "proposal" || ![...wanted.values()].some((one) => one.cause === "gap" && one.lane === lane);
}

function scheduleFetch(replica: Replica): void {
  replica.lanes.fetchScheduled = true;
  emit(replica, { kind: "schedule", timer: "fetch", view: replica.view, delayMs: replica.parameters.fetchMs });
}

/** The fetch timer: asks for what has not come by itself, and lets go of what nobody needs any more. */
export function fetchDue(replica: Replica): void {
  const { lanes } = replica;
  lanes.fetchScheduled = false;
  for (const [key, wanted] of lanes.wanted) if (!isNeeded(replica, wanted)) lanes.wanted.delete(key);
  const [certified, others] = [true, false].map((is) =>
    [...lanes.wanted.values()].filter(({ cause }) => (cause === "certified") === is),
  );
  for (const wanted of certified!) askFor(replica, wanted);
  for (const wanted of others!) if (replica.requests.size < requestsForOthersCountMax) askFor(replica, wanted);
  if (lanes.wanted.size === 0) return;
  scheduleFetch(replica);
  // Whoever still needs them says so.
  plan(replica, { kind: "finality" });
  plan(replica, { kind: "finalizeVotes" });
  plan(replica, { kind: "considerProposal" });
  plan(replica, { kind: "lead" });
}

function isNeeded({ lanes, now, parameters }: Replica, { lane, digest, through, neededMs }: WantedBatches): boolean {
  const { final } = lanes.all[lane]!;
  if (through <= final.sequence || parameters.repairMs < now.monotonicMs - neededMs) return false;
  return heldBatch(lanes.all[lane]!, digest) === undefined;
}

function askFor(replica: Replica, wanted: WantedBatches): void {
  const { lane, digest, from, through, peers, sinceMs } = wanted;
  if (replica.now.monotonicMs < sinceMs + replica.parameters.fetchMs) return;
  ask(replica, { kind: "batches", lane, digest, from, through }, peers);
}

/** A vote waited for a batch that its owner did not send here: for a while this replica proposes only proven ones of it. */
export function blame(replica: Replica, lane: Lane): void {
  lane.blamedThrough = (replica.lastFinal.height + limits.laneBlameBlocks) as Height;
}
