/**
 * Votes: notarize a block, nullify a view, finalize a block. The three sign bytes differ in their kind, and the bytes for one
 * digest are the same for every signer, so that a scheme with aggregation can aggregate them.
 */
import { blsSignatureSize } from "@stoa/base/bls";
import { byteString, u32, union, type Decoded } from "@stoa/base/codec";
import { equalBytes, toUtf8 } from "@stoa/base/bytes";
import type { Digest } from "@stoa/base/hash";
import type { View } from "@stoa/base/units";
import { digest, validatorIndex, viewNumber } from "../primitives.ts";

/** Tags of signed consensus messages; one number for ever. */
export const signedKinds = {
  notarize: 1,
  nullify: 2,
  finalize: 3,
  proposal: 4,
  status: 5,
  batch: 6,
  acknowledge: 7,
} as const;
export type VoteKind = "notarize" | "nullify" | "finalize";

const prefix = toUtf8("STOA1");
/** Kind u8, chain 32 bytes, epoch u32, view u64. */
const domainSize = 1 + 32 + 4 + 8;

/** `STOA1` ‖ kind ‖ chain ‖ epoch ‖ view, then the digest where the kind has one. */
export function consensusSignBytes(input: {
  readonly kind: keyof typeof signedKinds;
  readonly chainId: Digest;
  readonly epoch: number;
  readonly view: View;
  readonly digest?: Uint8Array | undefined;
}): Uint8Array {
  const { kind, chainId, epoch, view, digest: named } = input;
  // Written in place: every vote that is cast or checked comes by here.
  const bytes = new Uint8Array(prefix.length + domainSize + (named?.length ?? 0));
  const numbers = new DataView(bytes.buffer);
  bytes.set(prefix);
  bytes[prefix.length] = signedKinds[kind];
  bytes.set(chainId, prefix.length + 1);
  numbers.setUint32(prefix.length + 33, epoch, true);
  numbers.setUint32(prefix.length + 37, view % 4294967296, true);
  numbers.setUint32(prefix.length + 41, Math.floor(view / 4294967296), true);
  if (named !== undefined) bytes.set(named, prefix.length + domainSize);
  return bytes;
}

/** What is signed with such bytes, read back by whoever signs; `undefined` when they are none. */
export function readConsensusSignBytes(bytes: Uint8Array):
  | {
      readonly kind: keyof typeof signedKinds;
      readonly chainId: Digest;
      readonly epoch: number;
      readonly view: View;
      readonly digest: Digest | undefined;
    }
  | undefined {
  const start = prefix.length;
  if (bytes.length < start + domainSize || !equalBytes(bytes.subarray(0, start), prefix)) return undefined;
  const kinds = Object.keys(signedKinds) as (keyof typeof signedKinds)[];
  const kind = kinds.find((one) => signedKinds[one] === bytes[start]);
  if (kind === undefined) return undefined;
  const numbers = new DataView(bytes.buffer, bytes.byteOffset);
  const named = bytes.slice(start + domainSize);
  return {
    kind,
    chainId: bytes.slice(start + 1, start + 33) as Digest,
    epoch: numbers.getUint32(start + 33, true),
    view: (numbers.getUint32(start + 37, true) + 4294967296 * numbers.getUint32(start + 41, true)) as View,
    digest: named.length === 0 ? undefined : (named as Digest),
  };
}

/** As long as the chain's scheme has them; no scheme has longer ones than BLS. */
const signature = byteString(blsSignatureSize);
const voted = { epoch: u32, view: viewNumber, signer: validatorIndex, signature } as const;

export const vote = union({
  notarize: { tag: signedKinds.notarize, fields: { ...voted, digest } },
  nullify: { tag: signedKinds.nullify, fields: voted },
  finalize: { tag: signedKinds.finalize, fields: { ...voted, digest } },
});
export type Vote = Decoded<typeof vote>;
