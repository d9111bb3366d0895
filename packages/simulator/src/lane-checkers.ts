/**
 * What must hold of lanes, by watching what is sent: a place of a lane has at most one batch with a proof of availability
 * (`uniqueAvailability` of the model), an honest owner sends one batch for a place, and an honest validator acknowledges one,
 * across restarts. Relies on nothing of how the replica keeps that.
 */
import { toHex } from "@stoa/base/bytes";
import type { Message } from "@stoa/consensus/message";
import type { Scheme, ValidatorSet } from "@stoa/protocol/finality/certificate";
import type { Header } from "@stoa/protocol/finality/header";
import { batchDigest, type AvailabilityProof } from "@stoa/protocol/finality/lane";

export interface LaneCheckers {
  /** Per lane and place: the digest that is proven. */
  readonly proven: Map<string, string>;
  /** Per sender and place: the digest of an own batch, and of what was acknowledged. */
  readonly sent: Map<string, string>;
}

export const createLaneCheckers = (): LaneCheckers => ({ proven: new Map(), sent: new Map() });

/** What a message breaks, in words; of what a faulty node sends only what verifies counts. */
export function laneFaults(
  seen: LaneCheckers,
  { set, scheme }: { readonly set: ValidatorSet; readonly scheme: Scheme },
  sender: { readonly index: number; readonly honest: boolean },
  message: Message,
): readonly string[] {
  const { index, honest } = sender;
  const faults: (string | undefined)[] = [];
  for (const proof of proofsIn(message)) {
    if (!honest && !scheme.verifyCertificate(set, proof)) continue;
    const place = `${proof.lane} ${proof.sequence}`;
    faults.push(other(seen.proven, place, toHex(proof.digest), `lanes: place ${place} has two proven batches`));
  }
  if (honest && message.kind === "batch") {
    const { batch } = message;
    const fault = `lanes: honest node ${index} sends two batches for place ${batch.sequence}`;
    faults.push(other(seen.sent, `batch ${index} ${batch.sequence}`, toHex(batchDigest(batch)), fault));
  }
  if (honest && message.kind === "acknowledgement") {
    const { lane, sequence, digest } = message.acknowledgement;
    const fault = `lanes: honest node ${index} acknowledges two batches in place ${sequence} of lane ${lane}`;
    faults.push(other(seen.sent, `ack ${index} ${lane} ${sequence}`, toHex(digest), fault));
  }
  return faults.filter((one) => one !== undefined);
}

/** Places that are remembered in each table: more than are under way, and a world may be as long as one likes. */
export const placesCountMax = 32_768;

function other(known: Map<string, string>, key: string, digest: string, fault: string): string | undefined {
  const first = known.get(key);
  if (first !== undefined) return first === digest ? undefined : fault;
  known.set(key, digest);
  for (const oldest of known.keys()) {
    if (known.size <= placesCountMax) break;
    known.delete(oldest);
  }
  return undefined;
}

function proofsIn(message: Message): readonly AvailabilityProof[] {
  if (message.kind === "availability") return [message.proof];
  return message.kind === "proposal" ? proofsOf(message.proposal.header) : [];
}

const proofsOf = ({ epoch, ranges, tips }: Header): AvailabilityProof[] =>
  ranges.flatMap(({ lane, proof }): AvailabilityProof[] => {
    const tip = tips[lane];
    return proof === undefined || tip === undefined ? [] : [{ kind: "availability", epoch, lane, ...tip, ...proof }];
  });
