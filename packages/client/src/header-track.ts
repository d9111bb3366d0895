/**
 * The headers that a client has come to trust: the newest, and the digests of many before it. A newer header is taken when it is
 * final and its chain of parents leads to the newest; two final headers that exclude each other are a fork, and no honest
 * minority can hide that. Pure state: what is offered, by whom, is the caller's business.
 *
 * It starts from genesis, whose validators sign for all time as long as there is one epoch, or from a checkpoint: a header that its
 * user has from a source of his own. From a checkpoint on every header is linked, so keys that leaked later, or that more than a
 * third of the validators misuse, cannot lead to a chain that leaves it.
 */
import { equalBytes } from "@stoa/base/bytes";
import type { Digest } from "@stoa/base/hash";
import type { FinalityProof, HeaderChain } from "@stoa/protocol/finality/proof";
import type { TrustedChain } from "./trust.ts";
import { disbelief, isDisbelief, type Disbelief } from "./verify.ts";
import { finalityFault, linkHeaders, type NamedHeader } from "./verify-headers.ts";

export interface Checkpoint {
  readonly height: number;
  /** The header's digest, 32 bytes. */
  readonly digest: Uint8Array;
}

export type Offered =
  /** Final and linked: the new ones, ascending. */
  | { readonly kind: "advanced"; readonly headers: readonly NamedHeader[] }
  /** Nothing new, and nothing against what is known. */
  | { readonly kind: "known" }
  /** Headers from here on are needed to link it. */
  | { readonly kind: "gap"; readonly from: number }
  /** Final, as is another header of that height: over a third of the stake is faulty. `ours` is absent beside a checkpoint. */
  | {
      readonly kind: "fork";
      readonly height: number;
      readonly ours: FinalityProof | undefined;
      readonly theirs: FinalityProof;
    };

export interface HeaderTrack {
  readonly newest: () => NamedHeader | undefined;
  /** The newest height whose roots a final header was seen to carry: nothing older need be believed from now on. */
  readonly carriedHeight: () => number;
  /** The header of a height, as far as it is remembered. */
  readonly digestAt: (height: number) => Digest | undefined;
  /** `jump`: take it without links, by its certificate alone. */
  readonly offer: (chain: HeaderChain, jump?: boolean) => Offered | Disbelief;
  /** A header that was verified elsewhere: compared with what is known, and remembered to be compared with what comes. */
  readonly witness: (final: FinalityProof) => Offered;
}

const rememberedCountMax = 8_192;
const proofsCountMax = 64;

export function createHeaderTrack(chain: TrustedChain, checkpoint?: Checkpoint): HeaderTrack {
  const digests = new Map<number, Digest>();
  const proofs = new Map<number, FinalityProof>();
  let newest: NamedHeader | undefined;
  let carriedHeight = 0;
  if (checkpoint !== undefined) digests.set(checkpoint.height, checkpoint.digest as Digest);

  const remember = ({ header, digest }: NamedHeader): void => {
    carriedHeight = Math.max(carriedHeight, header.executed.height);
    digests.set(header.height, digest);
    for (const oldest of digests.keys()) {
      if (digests.size <= rememberedCountMax) break;
      if (oldest !== checkpoint?.height) digests.delete(oldest);
    }
  };
  const keepProof = (final: FinalityProof): void => {
    proofs.set(final.header.height, final);
    const [oldest] = proofs.keys();
    if (proofsCountMax < proofs.size) proofs.delete(oldest!);
  };
  /** The proof of the lowest final header from this height on: it makes the one of this height final. */
  const proofFrom = (height: number): FinalityProof | undefined =>
    [...proofs.values()].filter((one) => height <= one.header.height).sort(byHeight)[0];
  const conflicting = (named: readonly NamedHeader[]): NamedHeader | undefined =>
    named.find(({ header, digest }) => {
      const held = digests.get(header.height);
      return held !== undefined && !equalBytes(held, digest);
    });
  const forkAt = (height: number, theirs: FinalityProof): Offered => ({
    kind: "fork",
    height,
    ours: proofFrom(height),
    theirs,
  });

  const offer = (offered: HeaderChain, jump = false): Offered | Disbelief => {
    const named = linkHeaders(offered);
    if (isDisbelief(named)) return named;
    const { final } = offered;
    const first = named[0]!.header;
    const last = named.at(-1)!;
    const conflict = conflicting(named);
    const known = newest?.header.height ?? -1;
    if (conflict === undefined && last.header.height <= known) return { kind: "known" };
    const fault = finalityFault(chain, final);
    if (fault !== undefined) return disbelief(fault);
    if (conflict !== undefined) return forkAt(conflict.header.height, final);
    const linkFrom = newest === undefined ? checkpoint?.height : newest.header.height + 1;
    if (linkFrom !== undefined && linkFrom < first.height && !jump) return { kind: "gap", from: linkFrom };
    const next = named.find(({ header }) => header.height === linkFrom);
    if (newest !== undefined && next !== undefined && !equalBytes(next.header.parentDigest, newest.digest))
      return forkAt(newest.header.height, final);
    if (newest === undefined && checkpoint !== undefined && last.header.height < checkpoint.height)
      return disbelief(`header ${last.header.height} is older than the checkpoint at ${checkpoint.height}`);
    const fresh = named.filter(({ header }) => known < header.height);
    fresh.forEach(remember);
    keepProof(final);
    newest = last;
    return { kind: "advanced", headers: fresh };
  };

  return {
    newest: () => newest,
    carriedHeight: () => carriedHeight,
    digestAt: (height) => digests.get(height),
    offer,
    witness(final) {
      const named = linkHeaders({ links: [], final }) as readonly NamedHeader[];
      const conflict = conflicting(named);
      if (conflict !== undefined) return forkAt(conflict.header.height, final);
      named.forEach(remember);
      keepProof(final);
      return { kind: "known" };
    },
  };
}

const byHeight = (left: FinalityProof, right: FinalityProof): number => left.header.height - right.header.height;
