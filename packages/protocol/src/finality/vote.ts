/**
 * Votes: notarize a block, nullify a view, finalize a block. The three sign bytes differ in their kind, and the bytes for one
 * digest are the same for every signer, so that a scheme with aggregation can aggregate them.
 */
import { encode, record, u32, u8, union, type Decoded } from "@stoa/base/codec";
import { concatBytes, toUtf8 } from "@stoa/base/bytes";
import type { Digest } from "@stoa/base/hash";
import type { View } from "@stoa/base/units";
import { digest, signature, validatorIndex, viewNumber } from "../primitives.ts";

/** Tags of signed consensus messages; one number for ever. */
export const signedKinds = { notarize: 1, nullify: 2, finalize: 3, proposal: 4, status: 5 } as const;
export type VoteKind = "notarize" | "nullify" | "finalize";

const domain = record({ kind: u8, chainId: digest, epoch: u32, view: viewNumber });

/** `STOA1` ‖ kind ‖ chain ‖ epoch ‖ view, then the digest where the kind has one. */
export function consensusSignBytes(input: {
  readonly kind: keyof typeof signedKinds;
  readonly chainId: Digest;
  readonly epoch: number;
  readonly view: View;
  readonly digest?: Uint8Array | undefined;
}): Uint8Array {
  const { kind, chainId, epoch, view } = input;
  const prefix = concatBytes(toUtf8("STOA1"), encode(domain, { kind: signedKinds[kind], chainId, epoch, view }));
  return input.digest === undefined ? prefix : concatBytes(prefix, input.digest);
}

const voted = { epoch: u32, view: viewNumber, signer: validatorIndex, signature } as const;

export const vote = union({
  notarize: { tag: signedKinds.notarize, fields: { ...voted, digest } },
  nullify: { tag: signedKinds.nullify, fields: voted },
  finalize: { tag: signedKinds.finalize, fields: { ...voted, digest } },
});
export type Vote = Decoded<typeof vote>;
