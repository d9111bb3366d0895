/**
 * Single rules of the protocol, each broken by one change of the shipped source, and the check that must notice. A mutant that
 * its check does not notice is a missing test. The place of a change must be in its file exactly once: when that code moves,
 * the place here moves with it.
 */
import type { Check } from "./check.ts";
import { quarantineMutants } from "./quarantine-table.ts";
import { evidenceMutants } from "./evidence-table.ts";
import { lightClientMutants } from "./light-client-table.ts";
import { laneMutants } from "./lane-table.ts";

export interface Mutant {
  /** What the mutant does, in words. */
  readonly name: string;
  /** The criterion of `spec/consensus.md` or `spec/light-client.md` that it breaks. */
  readonly rule: string;
  /** Below `packages/`. */
  readonly file: string;
  readonly find: string;
  readonly replace: string;
  /** Each of them must notice. */
  readonly checks: readonly Check[];
}

type Change = Pick<Mutant, "file" | "find" | "replace">;

const inConsensus = (file: string, find: string, replace: string): Change => ({
  file: `consensus/src/${file}.ts`,
  find,
  replace,
});
const inFinality = (file: string, find: string, replace: string): Change => ({
  file: `protocol/src/finality/${file}.ts`,
  find,
  replace,
});

const exhaustive = (says: string, lossesMax = 0): Check => ({
  by: "exhaustive",
  options: { viewsCount: 2, knowledgeMax: 2, lossesMax },
  says,
});
const test = (file: string, name: string, tested = "consensus"): Check => ({
  by: "test",
  file: `packages/${tested}/test/${file}.test.ts`,
  name,
});
const simulator = (says: string, options: Extract<Check, { by: "simulator" }>["options"] = {}): Check => ({
  by: "simulator",
  seeds: [1, 60],
  options,
  says,
});

const ownVotes: readonly Mutant[] = [
  {
    name: "notarizes a second block in a view",
    rule: "BFT-020",
    ...inConsensus(
      "safety-record",
      'if (kind === "notarize") return own.notarize === undefined && own.nullify === undefined;',
      'if (kind === "notarize") return own.nullify === undefined;',
    ),
    checks: [exhaustive("unique notarization|log cannot be read")],
  },
  {
    name: "notarizes in a view that it nullified",
    rule: "BFT-020",
    ...inConsensus(
      "safety-record",
      'if (kind === "notarize") return own.notarize === undefined && own.nullify === undefined;',
      'if (kind === "notarize") return own.notarize === undefined;',
    ),
    checks: [exhaustive("log cannot be read")],
  },
  {
    name: "finalizes a view that it nullified",
    rule: "BFT-021",
    ...inConsensus(
      "safety-record",
      "return own.nullify === undefined && own.finalize === undefined;",
      "return own[kind] === undefined;",
    ),
    // The second guard, at the key, refuses what the first lets through.
    checks: [exhaustive("final view is not nullified|log cannot be read"), simulator("has signed a nullify vote")],
  },
  {
    name: "may nullify a view that it voted final",
    rule: "BFT-021",
    ...inConsensus(
      "safety-record",
      "return own.nullify === undefined && own.finalize === undefined;",
      'return own.nullify === undefined && (kind === "nullify" || own.finalize === undefined);',
    ),
    checks: [test("votes", "after finalize only")],
  },
  {
    name: "signs in the view of the floor",
    rule: "BFT-052",
    ...inConsensus("safety-record", "  return floor < view;\n}", "  return floor <= view;\n}"),
    checks: [test("recovery", "nor in the view of the floor itself")],
  },
  {
    name: "signs below the floor",
    rule: "BFT-052",
    ...inConsensus("safety-record", "  if (!maySign(record, view)) return false;\n", ""),
    checks: [exhaustive("unique notarization|final view is not nullified|agreement|later block", 3)],
  },
  {
    name: "keeps only the last vote of a view in memory",
    rule: "BFT-020",
    ...inConsensus(
      "safety-record",
      "record.votes.set(vote.view, { ...own, [vote.kind]: vote });",
      "record.votes.set(vote.view, { [vote.kind]: vote });",
    ),
    checks: [test("rules", "stand beside each other")],
  },
  {
    name: "does not remember a vote that it casts",
    rule: "BFT-020",
    ...inConsensus("votes", "  rememberVote(replica.safety, vote);\n", ""),
    checks: [exhaustive("memory allows")],
  },
  {
    name: "forgets its votes at a restart",
    rule: "BFT-050",
    ...inConsensus(
      "recovery",
      "const fault = foreignVote(replica, vote) ?? restoreVote(replica.safety, vote);",
      "const fault = foreignVote(replica, vote);",
    ),
    checks: [simulator("I4|its vote log does not know of"), exhaustive("log cannot be read|memory|unique|nullified")],
  },
  {
    name: "takes a log with contradicting votes",
    rule: "BFT-053",
    ...inConsensus(
      "safety-record",
      'if (vote.kind !== "notarize" && (own.nullify ?? own.finalize) !== undefined) return contradiction(vote);',
      "",
    ),
    checks: [test("recovery", "nullify and finalize of one view")],
  },
  {
    name: "forgets at a restart that votes were dropped below a view",
    rule: "BFT-052",
    ...inConsensus(
      "recovery",
      "      replica.safety.floor = Math.max(replica.safety.floor, record.view) as View;\n      restoreFinalTips",
      "      restoreFinalTips",
    ),
    checks: [test("recovery", "nothing is signed in a view whose votes may have been dropped")],
  },
  {
    name: "restarts in a view before its last vote",
    rule: "BFT-050",
    ...inConsensus(
      "recovery",
      "view = Math.max(view, finalize === undefined ? voted : voted + 1);",
      "view = Math.max(view, finalize === undefined ? 1 : voted + 1);",
    ),
    checks: [exhaustive("log cannot be read|order of views")],
  },
  {
    name: "may still sign in a final view",
    rule: "BFT-052",
    ...inConsensus("finalize", "  replica.safety.floor = Math.max(replica.safety.floor, view) as View;\n", ""),
    checks: [test("recovery", "final blocks alone bring it above their views")],
  },
];

const disk: readonly Mutant[] = [
  {
    name: "sends a vote without waiting for the disk",
    rule: "BFT-022",
    ...inConsensus(
      "votes",
      'emit(replica, { kind: "persist", record, barrier: true });',
      'emit(replica, { kind: "persist", record, barrier: false });',
    ),
    checks: [exhaustive("before it is on disk"), simulator("I[45]")],
  },
  {
    name: "writes a vote after it is sent",
    rule: "BFT-022",
    ...inConsensus(
      "votes",
      '  emit(replica, { kind: "persist", record, barrier: true });\n  broadcast(replica, { kind: "vote", vote });',
      '  broadcast(replica, { kind: "vote", vote });\n  emit(replica, { kind: "persist", record, barrier: true });',
    ),
    checks: [exhaustive("before it is on disk")],
  },
  {
    name: "does not write its votes",
    rule: "BFT-022",
    ...inConsensus("votes", '  emit(replica, { kind: "persist", record, barrier: true });\n', ""),
    checks: [exhaustive("before it is on disk")],
  },
  {
    name: "does not write the block that it votes for",
    rule: "BFT-027",
    ...inConsensus(
      "votes",
      "header: attached?.header, payload: attached && carriedOf(attached) } as const;",
      "header: undefined, payload: undefined } as const;",
    ),
    checks: [simulator("I5")],
  },
  {
    name: "votes a block final without its ancestors on disk",
    rule: "BFT-027",
    ...inConsensus("finalize", "    for (const one of blocks) makeDurable(replica, one);\n", ""),
    checks: [test("votes", "a block is voted final only with all its ancestors on disk")],
  },
  {
    name: "votes a block final of which it has only the header",
    rule: "BFT-027",
    ...inConsensus(
      "finalize",
      "if (bare.length === 0) return chain.blocks;",
      "if (0 < chain.blocks.length) return chain.blocks;",
    ),
    checks: [test("votes", "a block is voted final only with all its ancestors on disk")],
  },
  {
    name: "sends a proposal without waiting for the disk",
    rule: "BFT-004",
    ...inConsensus(
      "proposal",
      'record: { kind: "proposed", view: input.view, header, payload }, barrier: true }',
      'record: { kind: "proposed", view: input.view, header, payload }, barrier: false }',
    ),
    checks: [test("rules", "a proposal waits for the disk")],
  },
  {
    name: "makes another proposal for its view after a restart",
    rule: "BFT-004",
    ...inConsensus(
      "proposal",
      "  if (before !== undefined) return proposeAgain(replica, before.header, before.payload);\n",
      "  replica.proposedBefore.delete(view);\n",
    ),
    checks: [test("proposals", "a leader proposes once, writes it before it sends it")],
  },
];

const quorums: readonly Mutant[] = [
  {
    name: "exactly two thirds of the stake are a quorum",
    rule: "BFT-024",
    ...inFinality("certificate", "3 * stake > 2 * set.totalStake;", "3 * stake >= 2 * set.totalStake;"),
    checks: [test("votes", "exactly two thirds of the stake are not enough")],
  },
  {
    name: "half of the stake is a quorum",
    rule: "BFT-024",
    ...inFinality("certificate", "3 * stake > 2 * set.totalStake;", "2 * stake >= set.totalStake;"),
    checks: [exhaustive("unique notarization|nullified|agreement"), simulator("I[1-5]")],
  },
  {
    name: "a certificate needs no quorum",
    rule: "BFT-024",
    ...inFinality("certificate", "isQuorum(set, stakeOf(set, signers))", "0 < signers.length"),
    checks: [exhaustive("unique notarization|nullified|agreement")],
  },
  {
    name: "a certificate needs one genuine signature",
    rule: "BFT-030",
    ...inFinality("certificate", "verifyEach(items).every(", "verifyEach(items).some("),
    checks: [test("rules", "one forged of three spoils it")],
  },
  {
    name: "takes a certificate without verifying it",
    rule: "BFT-030",
    ...inConsensus(
      "certificates",
      "if (from !== undefined && !replica.scheme.verifyCertificate(replica.set, certificate)) {",
      "if (from !== undefined && certificate.epoch !== replica.set.epoch) {",
    ),
    checks: [test("votes", "a certificate that does not verify moves nobody")],
  },
  {
    name: "adds up votes for different blocks",
    rule: "BFT-024",
    ...inConsensus(
      "votes",
      "    if (sameSubject(vote, subject)) stake += replica.set.validators[signer]!.stake;",
      "    if (vote.kind === subject.kind) stake += replica.set.validators[signer]!.stake;",
    ),
    checks: [test("rules", "votes for different blocks do not add up")],
  },
  {
    name: "counts a forged vote",
    rule: "BFT-026",
    ...inConsensus("votes", "counted.delete(signer);", ""),
    checks: [test("votes", "a forged vote is thrown out")],
  },
  {
    name: "believes a relayed vote",
    rule: "BFT-026",
    ...inConsensus(
      "votes",
      "const verified = weighed === true || from !== signer || leaderGivesUp;",
      "const verified = weighed === true || leaderGivesUp;",
    ),
    checks: [test("votes", "a relayed vote is checked before it is kept")],
  },
  {
    name: "believes anyone that the leader gives its view up",
    rule: "BFT-032",
    ...inConsensus(
      "votes",
      "const verified = weighed === true || from !== signer || leaderGivesUp;",
      "const verified = weighed === true || from !== signer;",
    ),
    checks: [test("rules", "a forged word of the leader ends nothing")],
  },
  {
    name: "lets a second vote replace the first",
    rule: "BFT-023",
    ...inConsensus(
      "votes",
      "    if (from === signer) helpOn(replica, from, view);\n    return;\n",
      "    if (from === signer) helpOn(replica, from, view);\n",
    ),
    checks: [test("votes", "the first vote is kept, and a second that differs is reported")],
  },
  {
    name: "keeps votes of views far ahead",
    rule: "BFT-025",
    ...inConsensus(
      "votes",
      "if (view < oldestView(replica) || replica.view + 1 < view) return;",
      "if (view < oldestView(replica)) return;",
    ),
    checks: [test("votes", "votes of views that are far ahead are not kept")],
  },
  {
    name: "admits stale votes",
    rule: "BFT-025",
    ...inConsensus(
      "votes",
      "if (view < oldestView(replica) || replica.view + 1 < view) return;",
      "if (replica.view + 1 < view) return;",
    ),
    checks: [test("rules", "votes far below the last final view are not kept")],
  },
  {
    name: "goes on after certificates that exclude each other",
    rule: "BFT-042",
    ...inConsensus("certificates", "  else halt(replica, conflict);\n", ""),
    checks: [test("votes", "certificates that exclude each other stop the replica")],
  },
  {
    name: "does not see that a nullified view is final",
    rule: "BFT-042",
    ...inConsensus(
      "certificates",
      'if (certificate.kind === "finalization" && nullification !== undefined) {',
      'if (certificate.kind === "finalization" && nullification !== undefined && notarization !== undefined) {',
    ),
    checks: [test("votes", "certificates that exclude each other stop the replica")],
  },
];

const validity: readonly Mutant[] = [
  {
    name: "skips views without a nullification",
    rule: "BFT-007",
    ...inConsensus(
      "skips",
      "if (viewCertificates(replica, view).nullification === undefined) return view;",
      "if (viewCertificates(replica, view) === undefined) return view;",
    ),
    checks: [
      exhaustive("later block|agreement"),
      simulator("skips view", { nodesCount: 4, faulty: [{ node: 1, misbehaviour: "skipper" }] }),
    ],
  },
  {
    name: "does not ask for the first skipped view",
    rule: "BFT-007",
    ...inConsensus(
      "skips",
      "let view = (header.parentView + 1) as View;",
      "let view = (header.parentView + 2) as View;",
    ),
    checks: [exhaustive("later block|agreement")],
  },
  {
    name: "does not ask for the last skipped view",
    rule: "BFT-007",
    ...inConsensus("skips", "view < header.view; view++", "view < header.view - 1; view++"),
    checks: [exhaustive("later block|agreement")],
  },
  {
    name: "takes any notarization as proof that a view was skipped",
    rule: "BFT-007",
    ...inConsensus(
      "skips",
      "if (viewCertificates(replica, view).nullification === undefined) return view;",
      "if (!replica.certificates.has(view)) return view;",
    ),
    checks: [exhaustive("later block|agreement")],
  },
  {
    name: "takes any certified block of the view as the parent",
    rule: "BFT-006",
    ...inConsensus(
      "validity",
      "const certificate = [finalization, notarization].find((held) => held && equalBytes(held.digest, parentDigest));",
      "const certificate = [finalization, notarization].find((held) => held);",
    ),
    checks: [exhaustive("later block|agreement")],
  },
  {
    name: "takes a parent that is not certified",
    rule: "BFT-006",
    ...inConsensus(
      "validity",
      'if (certificate === undefined) return invalidHere("its parent is not certified");',
      'if (certificate === undefined && proposal.parentHeader === undefined) return invalidHere("its parent is not certified");',
    ),
    checks: [test("rules", "no proof that it was certified")],
  },
  {
    name: "takes a parent of the same view",
    rule: "BFT-006",
    ...inConsensus("validity", "if (view <= parentView) return", "if (view < parentView) return"),
    checks: [test("proposals", "a parent of the same view")],
  },
  {
    name: "takes any height",
    rule: "BFT-008",
    ...inConsensus(
      "validity",
      "if (header.height !== parent.height + 1) return",
      "if (header.height < parent.height) return",
    ),
    checks: [test("proposals", "height")],
  },
  {
    name: "takes a time that does not grow",
    rule: "BFT-009",
    ...inConsensus(
      "validity",
      "if (header.timeMs <= parent.timeMs) return",
      "if (header.timeMs < parent.timeMs) return",
    ),
    checks: [test("proposals", "time")],
  },
  {
    name: "takes a time ahead of its clock",
    rule: "BFT-009",
    ...inConsensus("validity", "  if (wallMs + limits.clockPrecisionMs < header.timeMs) return wait;\n", ""),
    checks: [test("proposals", "a time ahead of its clock")],
  },
  {
    name: "votes for roots that it has not computed",
    rule: "BFT-010",
    ...inConsensus(
      "validity",
      "  if (own === undefined) return wait;\n",
      "  if (own === undefined) return undefined;\n",
    ),
    checks: [test("proposals", "roots of a height not executed yet")],
  },
  {
    name: "votes for roots that differ from its own",
    rule: "BFT-071",
    ...inConsensus(
      "validity",
      "if (sameRoots(own, executed)) return undefined;",
      "if (sameRoots(own, own)) return undefined;",
    ),
    checks: [test("proposals", "own roots that differ")],
  },
  {
    name: "takes a proposal from a validator that does not lead",
    rule: "BFT-005",
    ...inConsensus(
      "proposal",
      "if (from !== leader(replica, header.view) || header.proposer !== from) {",
      "if (header.proposer !== from) {",
    ),
    checks: [test("rules", "whoever does not lead proposes nothing")],
  },
  {
    name: "checks every proposal of a far view",
    rule: "BFT-025",
    ...inConsensus("proposal", "  if (isOutOfReach(replica, proposal)) return;\n", ""),
    checks: [test("admission-windows", "cost nothing when they do not show")],
  },
  {
    name: "takes a proposal that another wrote",
    rule: "BFT-005",
    ...inConsensus(
      "proposal",
      "if (from !== leader(replica, header.view) || header.proposer !== from) {",
      "if (from !== leader(replica, header.view)) {",
    ),
    checks: [test("proposals", "by another proposer")],
  },
  {
    name: "takes a proposal that is not signed",
    rule: "BFT-005",
    ...inConsensus(
      "proposal",
      "if (!replica.verify(proposal.signature, bytes, replica.set.validators[from]!.key)) {",
      "if (bytes.length === 0) {",
    ),
    checks: [test("proposals", "a wrong signature")],
  },
  {
    name: "takes another payload than the header names",
    rule: "BFT-005",
    ...inConsensus(
      "proposal",
      "  if (!isCarried(header, proposal.payload)) {",
      "  if (header.payload.size !== proposal.payload.length) {",
    ),
    checks: [test("proposals", "with another payload")],
  },
  {
    name: "waits for the clock when a proposal is invalid",
    rule: "BFT-013",
    ...inConsensus(
      "proposal",
      '    plan(replica, { kind: "nullify" });\n    return;\n  }\n  const { header, payload } = candidate.proposal;',
      "    return;\n  }\n  const { header, payload } = candidate.proposal;",
    ),
    checks: [test("proposals", "a proposal that can never become valid")],
  },
];

const progress: readonly Mutant[] = [
  {
    name: "a notarization makes a block final",
    rule: "BFT-040",
    ...inConsensus(
      "certificates",
      'if (certificate.kind === "finalization" && highest < view) replica.highestFinalization = certificate;',
      'if (certificate.kind !== "nullification" && highest < view) replica.highestFinalization = certificate as Finalization;',
    ),
    checks: [simulator("without proof|I1|I3"), exhaustive("delivered that is not final|an honest validator stops")],
  },
  {
    name: "delivers the newest final block alone",
    rule: "BFT-040",
    ...inConsensus(
      "finalize",
      "  blocks.forEach((block, index) => {\n",
      "  blocks.forEach((block, index) => {\n    if (index < blocks.length - 1) return;\n",
    ),
    checks: [test("cluster", "final blocks keep notarization and skips")],
  },
  {
    name: "once it voted for a block it does not give the view up",
    rule: "BFT-034",
    ...inConsensus(
      "view",
      'if (timer === "view" || (timer === "propose" && !voted)) plan(replica, { kind: "nullify" });',
      'if ((timer === "view" || timer === "propose") && !voted) plan(replica, { kind: "nullify" });',
    ),
    checks: [test("votes", "a view that was nullified is not finalized")],
  },
  {
    name: "does not tell others how a view ended",
    rule: "BFT-030",
    ...inConsensus("announce", '  broadcast(replica, { kind: "certificate", certificate });\n', ""),
    checks: [test("votes", "three of four make a certificate")],
  },
  {
    name: "a nullification ends no view",
    rule: "BFT-030",
    ...inConsensus(
      "certificates",
      "if (replica.view <= view) enterView(replica, (view + 1) as View, certificate);",
      'if (replica.view <= view && certificate.kind !== "nullification") enterView(replica, (view + 1) as View, certificate);',
    ),
    checks: [test("cluster", "a silent leader costs twice the patience")],
  },
  {
    name: "waits for the view's timer when the leader is silent",
    rule: "BFT-031",
    ...inConsensus("view", 'schedule(replica, "propose", 2 * waitMs);', 'schedule(replica, "propose", 3 * waitMs);'),
    checks: [test("cluster", "a silent leader costs twice the patience")],
  },
  {
    name: "repeats nothing",
    rule: "BFT-035",
    ...inConsensus("view", '  if (timer === "retry") retry(replica);\n', ""),
    checks: [test("votes", "votes of the view are repeated byte for byte")],
  },
  {
    name: "leads on the last final block, whatever is notarized",
    rule: "BFT-034",
    ...inConsensus(
      "parent-choice",
      "    if (block !== undefined) {\n",
      "    if (block !== undefined && nullification === undefined && finalization !== undefined) {\n",
    ),
    checks: [test("rules", "a leader builds on the notarized block")],
  },
  {
    name: "does not notice that its exchange computed something else",
    rule: "BFT-070",
    ...inConsensus("divergence", "if (sameRoots(own, agreed)) {", "if (sameRoots(own, own)) {"),
    checks: [test("cluster", "a validator whose exchange computed something else")],
  },
  {
    name: "believes the quorum rather than its own exchange",
    rule: "BFT-070",
    ...inConsensus(
      "validity",
      "  if (divergedAt(replica, executed.height)) return wait;\n",
      "  if (divergedAt(replica, executed.height)) return undefined;\n",
    ),
    checks: [test("cluster", "a validator whose exchange computed something else")],
  },
  {
    name: "a diverged leader goes on proposing its own roots",
    rule: "BFT-072",
    ...inConsensus("proposal", "  if (divergedAt(replica, newest as Height)) return parent.executed;\n", ""),
    checks: [test("cluster", "a validator whose exchange computed something else")],
  },
  {
    name: "does not compare results, only modules",
    rule: "BFT-070",
    ...inConsensus("divergence", " &&\n    equalBytes(left.resultsRoot, right.resultsRoot)", ""),
    checks: [test("rules", "computed other results says so")],
  },
  {
    name: "takes final blocks without proof",
    rule: "BFT-062",
    ...inConsensus(
      "catch-up",
      "if (!verifyFinality(replica.scheme, replica.set, block)) return",
      "if (header.height < 0) return",
    ),
    checks: [test("rules", "whose certificate is forged")],
  },
  {
    name: "answers for 65 items",
    rule: "BFT-061",
    ...inConsensus(
      "catch-up",
      "to < from || limits.repairItemsCountMax < to - from + 1;",
      "to < from || limits.repairItemsCountMax < to - from;",
    ),
    checks: [test("recovery", "every request has an answer, and 64 items are the limit")],
  },
  {
    name: "asks for 65 items",
    rule: "BFT-061",
    ...inConsensus(
      "requests",
      "const highest = Math.min(to, from + limits.repairItemsCountMax - 1) as Height;",
      "const highest = Math.min(to, from + limits.repairItemsCountMax) as Height;",
    ),
    checks: [test("recovery", "an asker never asks for more than it may get")],
  },
  {
    name: "throws late answers away",
    rule: "BFT-067",
    ...inConsensus("requests", "if (request.peer !== replica.self) overdue.set(id, request);\n", ""),
    checks: [
      test("proposals", "when it comes late, when the next peer has been asked"),
      test("recovery", "is remembered for a while only"),
    ],
  },
  {
    name: "one validator leads every view",
    rule: "BFT-001",
    ...inConsensus(
      "leader",
      "return schedule.turn[(view - 1 + schedule.offset) % schedule.turn.length]!;",
      "return schedule.turn[0]!;",
    ),
    checks: [test("proposals", "validators lead in proportion to stake")],
  },
];

const proofs: readonly Mutant[] = [
  {
    name: "believes a batch of votes",
    rule: "BFT-026",
    ...inFinality("certificate", "items[index] === undefined || answers[checked++] !== 1", "false"),
    checks: [test("votes", "a forged vote is thrown out")],
  },
  {
    name: "believes a sum of votes",
    rule: "BFT-026",
    ...inFinality("bls-multisig", "(isGenuine(set, votes) ? [] : bisect(votes, (part) => isGenuine(set, part)))", "[]"),
    checks: [test("finality", "is found among ten when it is forged", "protocol")],
  },
  {
    name: "finds only the first of several forged votes",
    rule: "BFT-026",
    ...inFinality("bls-multisig", "return isGood(second) ? bad : [...bad, ...bisect(second, isGood)];", "return bad;"),
    checks: [test("finality", "is found among ten when it is forged", "protocol")],
  },
  {
    name: "takes a key for sums without a proof that its holder has the secret",
    rule: "BFT-024",
    ...inFinality(
      "scheme",
      "if (!activeBls.verifyAggregate(possession, possessionBytes(key, identity), [key]))",
      "if (possession.length === 0)",
    ),
    checks: [test("certificates-of-genesis", "is refused, and the line names the validator", "protocol")],
  },
  {
    name: "lets two validators have one key",
    rule: "BFT-024",
    ...inFinality("scheme", "if (other !== undefined) return", "if (other === index) return"),
    checks: [test("certificates-of-genesis", "two validators cannot have one key", "protocol")],
  },
  {
    name: "takes descendants that name another parent",
    rule: "BFT-040",
    ...inFinality("proof", " && equalBytes(next.parentDigest, headerDigest(parent))", ""),
    checks: [test("finality", "is not final", "protocol")],
  },
  {
    name: "takes a notarization as proof that a block is final",
    rule: "BFT-040",
    ...inFinality(
      "proof",
      'if (tip === undefined || first?.kind !== "finalization") return false;',
      'if (tip === undefined || first === undefined || first.kind === "nullification") return false;',
    ),
    checks: [test("finality", "is not final", "protocol")],
  },
  {
    name: "takes the finalization of another block",
    rule: "BFT-040",
    ...inFinality(
      "certificate",
      "  if (!expected.every((byte, index) => byte === finalization.digest[index])) return false;\n",
      "",
    ),
    checks: [test("finality", "is not final", "protocol")],
  },
];

export const mutants: readonly Mutant[] = [
  ...ownVotes,
  ...disk,
  ...quorums,
  ...validity,
  ...progress,
  ...proofs,
  ...quarantineMutants,
  ...evidenceMutants,
  ...lightClientMutants,
  ...laneMutants,
];
