/**
 * The small world of the exhaustive search: four validators of equal stake, of which the last is faulty and leads every view,
 * a few views, and every block that it could propose in them: two in view 1, and in each later view one on every possible
 * parent. So it equivocates in every view. Votes and certificates have one numbering, by which a set of them is a bit mask.
 */
import { assert } from "@stoa/base/assert";
import { taggedHash, zeroDigest, type Digest } from "@stoa/base/hash";
import type { Height, TimeMs, View } from "@stoa/base/units";
import { parametersOf, type Parameters } from "@stoa/consensus/parameters";
import type { Proposal } from "@stoa/consensus/message";
import {
  certificateKindOf,
  ed25519ListScheme,
  validatorSetOf,
  type Certificate,
  type Scheme,
  type ValidatorSet,
} from "@stoa/protocol/finality/certificate";
import { headerDigest, type ExecutedRoots, type Header } from "@stoa/protocol/finality/header";
import { consensusSignBytes, type Vote, type VoteKind } from "@stoa/protocol/finality/vote";
import type { ValidatorIndex } from "@stoa/protocol/primitives";
import { fakeSignature, simulatedSeed } from "../fake-signature.ts";

export const honest = [0, 1, 2] as readonly number[] as readonly ValidatorIndex[];
export const faulty = 3 as ValidatorIndex;

export interface CandidateBlock {
  readonly view: number;
  /** Number of the parent among the blocks; -1 is genesis. */
  readonly parent: number;
  readonly header: Header;
  readonly digest: Digest;
  readonly proposal: Proposal;
  /** This block and all blocks under it, as a mask of block numbers. */
  readonly chain: number;
}

/** What a vote, or the certificate made of such votes, is about. Its place in the list is its bit. */
export interface Subject {
  readonly kind: VoteKind;
  readonly view: number;
  /** Number of the block; -1 for nullify. */
  readonly block: number;
}

export interface SmallWorld {
  readonly viewsCount: number;
  readonly set: ValidatorSet;
  readonly scheme: Scheme;
  readonly parameters: Parameters;
  readonly blocks: readonly CandidateBlock[];
  /** All notarize votes, then all nullify votes, then all finalize votes. */
  readonly subjects: readonly Subject[];
  /** One certificate for each subject. */
  readonly certificates: readonly Certificate[];
}

const genesisTimeMs = 1_767_225_600_000 as TimeMs;
const genesisRoots: ExecutedRoots = {
  height: 0 as Height,
  moduleRoots: [taggedHash("exhaustive", new Uint8Array(0))],
  resultsRoot: zeroDigest,
};
const nothing = new Uint8Array(0);

export function smallWorld(viewsCount: number): SmallWorld {
  const validators = [...honest, faulty].map((index) => ({
    key: fakeSignature.publicKey(simulatedSeed(index)),
    stake: 1,
  }));
  const set = validatorSetOf(zeroDigest, 0, validators);
  const scheme = ed25519ListScheme(fakeSignature);
  const blocks: CandidateBlock[] = [];
  for (let view = 1; view <= viewsCount; view++) {
    const parents = [-1, ...blocks.keys()];
    // On genesis in view 1 there is only one parent, so the second block there differs in its time.
    for (const parent of parents) blocks.push(candidateBlock(set, blocks, { view, parent, variant: 0 }));
    if (view === 1) blocks.push(candidateBlock(set, blocks, { view, parent: -1, variant: 1 }));
  }
  const subjects = subjectsOf(viewsCount, blocks);
  assert(subjects.length <= 30, "votes fit a mask");
  // Not by the validator that the search moves: it would know of its vote.
  const signers = [honest[1]!, honest[2]!, faulty];
  const certificates = subjects.map((subject) => certificateOf({ set, scheme, blocks }, subject, signers));
  const parameters = parametersOf({ genesisTimeMs, genesisRoots, session: 1 });
  return { viewsCount, set, scheme, parameters, blocks, subjects, certificates };
}

function subjectsOf(viewsCount: number, blocks: readonly CandidateBlock[]): Subject[] {
  const about = (kind: VoteKind): Subject[] => blocks.map(({ view }, block) => ({ kind, view, block }));
  const views = Array.from({ length: viewsCount }, (_, index) => index + 1);
  const given = views.map((view): Subject => ({ kind: "nullify", view, block: -1 }));
  return [...about("notarize"), ...given, ...about("finalize")];
}

function candidateBlock(
  set: ValidatorSet,
  blocks: readonly CandidateBlock[],
  { view, parent, variant }: { view: number; parent: number; variant: number },
): CandidateBlock {
  const below = blocks[parent];
  const header: Header = {
    chainId: set.chainId,
    epoch: set.epoch,
    view: view as View,
    height: ((below?.header.height ?? 0) + 1) as Height,
    parentView: (below?.view ?? 0) as View,
    parentDigest: below?.digest ?? zeroDigest,
    proposer: faulty,
    timeMs: ((below?.header.timeMs ?? genesisTimeMs) + 1 + variant) as TimeMs,
    payload: { form: "none", size: 0, digest: zeroDigest },
    tips: [],
    ranges: [],
    executed: genesisRoots,
    evidence: [],
    convicted: new Uint8Array(0),
    nextEpoch: undefined,
    seal: undefined,
  };
  const digest = headerDigest(header);
  const { chainId, epoch } = set;
  const bytes = consensusSignBytes({ kind: "proposal", chainId, epoch, view: header.view, digest });
  const proposal: Proposal = {
    header,
    parentCertificate: undefined,
    skips: [],
    parentHeader: below?.header,
    payload: nothing,
    signature: fakeSignature.sign(bytes, simulatedSeed(faulty)),
  };
  return { view, parent, header, digest, proposal, chain: (below?.chain ?? 0) | (1 << blocks.length) };
}

/** The vote of `signer` about a subject. */
export function voteOf(
  { set, blocks }: Pick<SmallWorld, "set" | "blocks">,
  { kind, view, block }: Subject,
  signer: ValidatorIndex,
): Vote {
  const { chainId, epoch } = set;
  const digest = blocks[block]?.digest;
  const bytes = consensusSignBytes({ kind, chainId, epoch, view: view as View, digest });
  const signature = fakeSignature.sign(bytes, simulatedSeed(signer));
  const common = { epoch, view: view as View, signer, signature };
  return kind === "nullify" ? { kind, ...common } : { kind, ...common, digest: digest! };
}

export function certificateOf(
  world: Pick<SmallWorld, "set" | "scheme" | "blocks">,
  subject: Subject,
  signers: readonly ValidatorIndex[],
): Certificate {
  return world.scheme.assemble(
    world.set,
    signers.map((signer) => voteOf(world, subject, signer)),
  );
}

/** A subject in words, such as `notarize b3 (view 2 on b0)`. */
export function subjectText({ blocks }: SmallWorld, { kind, view, block }: Subject): string {
  if (kind === "nullify") return `nullify view ${view}`;
  const { parent } = blocks[block]!;
  return `${kind} b${block} (view ${view} on ${parent < 0 ? "genesis" : `b${parent}`})`;
}

export function maskText(world: SmallWorld, mask: number): string {
  const parts = world.subjects.filter((_, bit) => (mask & (1 << bit)) !== 0).map((one) => subjectText(world, one));
  return parts.length === 0 ? "nothing" : parts.join(", ");
}

export const certificateName = ({ kind }: Subject): string => certificateKindOf[kind];
