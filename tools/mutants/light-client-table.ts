/** What a light client must check, and what a node must not hand out, each broken by one change: the part of `table.ts` about proofs. */
import type { Check } from "./check.ts";
import type { Mutant } from "./table.ts";

const test = (tested: "client" | "node" | "exchange", file: string, name: string): Check => ({
  by: "test",
  file: `packages/${tested}/test/${file}.test.ts`,
  name,
});
const inProofs = (name: string): readonly Check[] => [test("client", "proofs", name)];
const inTrack = (name: string): readonly Check[] => [test("client", "header-track", name)];

const verifying: readonly Mutant[] = [
  {
    name: "believes a proof of state without its certificate",
    rule: "LIGHT-010",
    file: "client/src/verify-state.ts",
    find: "  const fault = finalityFault(chain, executed);\n  if (fault !== undefined) return disbelief(fault);\n",
    replace: "",
    checks: inProofs("is not believed (LIGHT-010)"),
  },
  {
    name: "believes a record that no root is over",
    rule: "LIGHT-010",
    file: "client/src/verify-state.ts",
    find: "if (!verifyMerkleProof(root, key, record, path))",
    replace: "if (path.length === 0)",
    checks: inProofs("is not believed (LIGHT-010)"),
  },
  {
    name: "believes a proof of another key",
    rule: "LIGHT-010",
    file: "client/src/verify-state.ts",
    find: "if (module !== wanted.module || !equalBytes(key, wanted.key))",
    replace: "if (module !== wanted.module)",
    checks: inProofs("is not believed (LIGHT-010)"),
  },
  {
    name: "believes a proof in another module",
    rule: "LIGHT-010",
    file: "client/src/verify-state.ts",
    find: "if (module !== wanted.module || !equalBytes(key, wanted.key))",
    replace: "if (!equalBytes(key, wanted.key))",
    checks: inProofs("is not believed (LIGHT-010)"),
  },
  {
    name: "believes that a record is absent where it is present",
    rule: "LIGHT-010",
    file: "base/src/merkle-map.ts",
    find: "return content !== undefined && equalBytes(taggedHash(recordDomain, content), met.digest);",
    replace: "return content === undefined || equalBytes(taggedHash(recordDomain, content), met.digest);",
    checks: inProofs("is not believed (LIGHT-010)"),
  },
  {
    name: "believes headers of another chain that the same validators signed",
    rule: "LIGHT-001",
    file: "protocol/src/finality/proof.ts",
    find: "  if (!headers.every(({ chainId }) => equalBytes(chainId, set.chainId))) return false;\n",
    replace: "",
    checks: [test("client", "proofs", "a header that names another chain is not final in this one")],
  },
  {
    name: "does not look at the notarization beside a finality proof",
    rule: "LIGHT-001",
    file: "protocol/src/finality/proof.ts",
    find: "return isOwn && 0 < descendants.length && scheme.verifyCertificate(set, kept);",
    replace: "return isOwn && 0 < descendants.length;",
    checks: inProofs("no byte of a finality proof can be changed"),
  },
  {
    name: "believes events without their certificate",
    rule: "LIGHT-014",
    file: "client/src/verify-events.ts",
    find: "  const fault = finalityFault(chain, executed);\n  if (fault !== undefined) return disbelief(fault);\n",
    replace: "",
    checks: inProofs("no byte of a proof of events can be changed"),
  },
  {
    name: "believes events that lead to no results root",
    rule: "LIGHT-014",
    file: "client/src/verify-events.ts",
    find: "return isAgreed ? events :",
    replace: "return isAgreed || true ? events :",
    checks: inProofs("no byte of a proof of events can be changed"),
  },
  {
    name: "takes the height of events by a node's word",
    rule: "LIGHT-014",
    file: "client/src/verify-events.ts",
    find: "if (height + eventsRootsAfter.length !== executed.header.executed.height)",
    replace: "if (height > executed.header.executed.height)",
    checks: inProofs("are not believed (LIGHT-014)"),
  },
  {
    name: "takes another order's events",
    rule: "LIGHT-014",
    file: "client/src/verify-events.ts",
    find: "if (!isOfOrder(one, order)) return",
    replace: "if (!isOfOrder(one, order) && one.kind !== 'trade') return",
    checks: inProofs("are not believed (LIGHT-014)"),
  },
  {
    name: "counts an event twice",
    rule: "LIGHT-014",
    file: "client/src/verify-events.ts",
    find: "if (place.index <= (events.at(-1)?.index ?? -1))",
    replace: "if (place.index < (events.at(-1)?.index ?? -1))",
    checks: inProofs("are not believed (LIGHT-014)"),
  },
  {
    name: "does not add fills up",
    rule: "LIGHT-015",
    file: "client/src/verify-events.ts",
    find: "if (said < sinceUnknown || (filled !== undefined && filled !== said))",
    replace: "if (said < sinceUnknown)",
    checks: inProofs("events that were left out in the middle show"),
  },
];

const following: readonly Mutant[] = [
  {
    name: "takes headers that are not linked to each other",
    rule: "LIGHT-020",
    file: "client/src/verify-headers.ts",
    find: " || !equalBytes(header.parentDigest, parent.digest)",
    replace: "",
    checks: inTrack("a chain that is broken"),
  },
  {
    name: "follows headers that are not final",
    rule: "LIGHT-020",
    file: "client/src/header-track.ts",
    find: "    if (fault !== undefined) return disbelief(fault);\n",
    replace: "",
    checks: inTrack("a chain that is broken"),
  },
  {
    name: "goes on beyond a gap",
    rule: "LIGHT-022",
    file: "client/src/header-track.ts",
    find: "linkFrom < first.height && !jump",
    replace: "linkFrom < first.height && !jump && known < 0",
    checks: inTrack("what lies beyond a gap"),
  },
  {
    name: "starts anywhere instead of at its checkpoint",
    rule: "LIGHT-021",
    file: "client/src/header-track.ts",
    find: "const linkFrom = newest === undefined ? checkpoint?.height : newest.header.height + 1;",
    replace: "const linkFrom = newest === undefined ? undefined : newest.header.height + 1;",
    checks: inTrack("from a checkpoint on every header is linked"),
  },
  {
    name: "takes the second of two final headers for known",
    rule: "LIGHT-023",
    file: "client/src/header-track.ts",
    find: "if (conflict === undefined && last.header.height <= known)",
    replace: "if (last.header.height <= known)",
    checks: inTrack("a second final header of a height is a fork"),
  },
  {
    name: "does not hold what proved a value against what comes later",
    rule: "LIGHT-023",
    file: "client/src/header-track.ts",
    find: "      named.forEach(remember);\n      keepProof(final);\n      return",
    replace: "      keepProof(final);\n      return",
    checks: inTrack("a header that proved a value is held against"),
  },
  {
    name: "takes a final header whose parent is another",
    rule: "LIGHT-023",
    file: "client/src/header-track.ts",
    find: "if (newest !== undefined && next !== undefined && !equalBytes(next.header.parentDigest, newest.digest))",
    replace: "if (newest !== undefined && next !== undefined && false)",
    checks: inTrack("a final header whose parent is not the head"),
  },
];

const questions: readonly Mutant[] = [
  {
    name: "believes values by certificates that no checkpoint leads to",
    rule: "LIGHT-021",
    file: "client/src/light-client.ts",
    find: 'if ("checkpoint" in options.trust) {',
    replace: "if (false) {",
    checks: [test("client", "light-doors", "from a checkpoint on a certificate is not enough")],
  },
  {
    name: "believes a state older than what it knew",
    rule: "LIGHT-031",
    file: "client/src/light-client.ts",
    find: "if (header.executed.height < oldest)",
    replace: "if (header.executed.height < 0)",
    checks: [test("client", "light-doors", "a door that is behind what was proved before")],
  },
  {
    name: "asks no clock how old a header is",
    rule: "LIGHT-031",
    file: "client/src/light-client.ts",
    find: "return ageMsMax < ageMs",
    replace: "return false",
    checks: [test("client", "light-doors", "a chain whose newest header is old by the clock")],
  },
  {
    name: "takes an account's number by a node's word",
    rule: "LIGHT-011",
    file: "client/src/light-client.ts",
    find: "return equalBytes(holder.owner, owner) && holder.subaccount === subaccount;",
    replace: "return holder.subaccount === subaccount;",
    checks: [test("client", "light-doors", "an owner's account is the one whose record names him")],
  },
  {
    name: "goes on after a fork",
    rule: "LIGHT-023",
    file: "client/src/light-client.ts",
    find: "  if (fork !== undefined) throw fork;\n",
    replace: "",
    checks: [test("client", "light-doors", "after a fork nothing is believed any more")],
  },
];

const proving: readonly Mutant[] = [
  {
    name: "proves the state of now under the roots of before",
    rule: "LIGHT-033",
    file: "node/src/proofs.ts",
    find: "carried !== undefined && equalBytes(each.root, carried)",
    replace: "carried !== undefined",
    checks: [test("node", "proofs", "when a final header carries its root")],
  },
  {
    name: "makes one proof for a question and waits for its root for ever",
    rule: "LIGHT-033",
    file: "node/src/proofs.ts",
    find: "if (isNew && made.length < proofsPerQuestionCountMax)",
    replace: "if (made.length === 0)",
    checks: [test("node", "proofs", "headers pass heights over")],
  },
  {
    name: "finds a record under keys that only begin like its own",
    rule: "LIGHT-010",
    file: "exchange/src/machine/records.ts",
    find: "return found !== undefined && equalBytes(found.key, key) ? found.content?.slice() : undefined;",
    replace: "return found?.content?.slice();",
    checks: [test("exchange", "prove", "whatever key is asked for")],
  },
  {
    name: "leaves out what did not fit into an answer",
    rule: "LIGHT-034",
    file: "node/src/order-events.ts",
    find: "if (taken.length < places.length) {",
    replace: "if (taken.length < 0) {",
    checks: [test("node", "proofs", "a full answer goes on")],
  },
];

export const lightClientMutants: readonly Mutant[] = [...verifying, ...following, ...questions, ...proving];
