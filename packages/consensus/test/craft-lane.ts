/** Hand-made batches, acknowledgements, proofs and blocks of lanes. */
import { zeroDigest, type Digest } from "@stoa/base/hash";
import { ed25519ListScheme, type ValidatorSet } from "@stoa/protocol/finality/certificate";
import type { Header, LaneRange } from "@stoa/protocol/finality/header";
import {
  acknowledgementSignBytes,
  batchDigest,
  batchSignBytes,
  type Acknowledgement,
  type AvailabilityProof,
  type Batch,
  type LaneTip,
} from "@stoa/protocol/finality/lane";
import { sizeOfLanes } from "@stoa/protocol/finality/lane-payload";
import { payloadDigest } from "@stoa/protocol/payload";
import type { ValidatorIndex } from "@stoa/protocol/primitives";
import { craftHeader, payloadOf } from "./craft.ts";
import { fakeSignature, seedOf } from "./fake-scheme.ts";

export const scheme = ed25519ListScheme(fakeSignature);

/** The batches of a lane with these texts as payloads, from the first on or after `before`. */
export function craftLane(set: ValidatorSet, lane: number, texts: readonly string[], before?: LaneTip): Batch[] {
  let { sequence, digest } = before ?? { sequence: 0, digest: zeroDigest };
  return texts.map((text) => {
    const content = {
      epoch: set.epoch,
      lane: lane as ValidatorIndex,
      sequence: ++sequence,
      previous: digest,
      payload: payloadOf(text),
    };
    digest = batchDigest(content);
    return { ...content, signature: fakeSignature.sign(batchSignBytes(set, sequence, digest), seedOf(lane)) };
  });
}

export const tipOf = (batch: Batch): LaneTip => ({ sequence: batch.sequence, digest: batchDigest(batch) });

export function craftAcknowledgement(set: ValidatorSet, batch: Batch, signer: number): Acknowledgement {
  const subject = { epoch: set.epoch, lane: batch.lane, sequence: batch.sequence, digest: batchDigest(batch) };
  const signature = fakeSignature.sign(acknowledgementSignBytes(set, subject), seedOf(signer));
  return { kind: "acknowledge", ...subject, signer: signer as ValidatorIndex, signature };
}

export const craftProof = (set: ValidatorSet, batch: Batch, signers: readonly number[]): AvailabilityProof =>
  scheme.assemble(
    set,
    signers.map((signer) => craftAcknowledgement(set, batch, signer)),
  );

/** A block of `view` that orders these batches, of which each list is the new range of one lane. */
export function craftLanesHeader(
  set: ValidatorSet,
  view: number,
  of: {
    readonly ranges: readonly (readonly Batch[])[];
    readonly proofs?: readonly (AvailabilityProof | undefined)[];
    readonly loose?: Uint8Array;
    readonly tips?: readonly LaneTip[];
    readonly changes?: Partial<Header>;
  },
): Header {
  const loose = of.loose ?? new Uint8Array(0);
  const ranges = of.ranges.map((batches, index): LaneRange => {
    const proof = of.proofs?.[index];
    return {
      lane: batches[0]!.lane,
      count: batches.length,
      size: batches.reduce((sum, { payload }) => sum + payload.length, 0),
      proof: proof && { signers: proof.signers, proof: proof.proof },
    };
  });
  const tips = set.validators.map((_, lane): LaneTip => {
    const range = of.ranges.find(([first]) => first!.lane === lane);
    return range === undefined
      ? (of.tips?.[lane] ?? { sequence: 0, digest: zeroDigest as Digest })
      : tipOf(range.at(-1)!);
  });
  const payload = { form: "lanes", size: sizeOfLanes(ranges, loose.length), digest: payloadDigest(loose) } as const;
  return craftHeader(set, view, loose, { payload, tips, ranges, ...of.changes });
}
