/**
 * The rules for a lost log and for the memory of a key, each broken by one change: what a validator that forgot its votes may
 * rely on, what it may sign, and what its key refuses. Part of the table of mutants.
 */
import type { Check } from "./check.ts";
import type { Mutant } from "./table.ts";

const inConsensus = (file: string, find: string, replace: string): Pick<Mutant, "file" | "find" | "replace"> => ({
  file: `consensus/src/${file}.ts`,
  find,
  replace,
});
const test = (file: string, name: string): Check => ({
  by: "test",
  file: `packages/consensus/test/${file}.test.ts`,
  name,
});
const inNode = (file: string, find: string, replace: string): Pick<Mutant, "file" | "find" | "replace"> => ({
  file: `node/src/${file}.ts`,
  find,
  replace,
});
const nodeTest = (file: string, name: string): Check => ({
  by: "test",
  file: `packages/node/test/${file}.test.ts`,
  name,
});
const lostLogs: Check = {
  by: "exhaustive",
  options: { viewsCount: 2, knowledgeMax: 2, lossesMax: 3 },
  says: "unique notarization|final view is not nullified|agreement|later block",
};

export const quarantineMutants: readonly Mutant[] = [
  {
    name: "takes the highest view itself as its floor after a lost log",
    rule: "BFT-054",
    ...inConsensus("quarantine", "Math.max(highest + 1, lostLog.keyFloor)", "Math.max(highest, lostLog.keyFloor)"),
    checks: [lostLogs, test("quarantine", "takes V + 1 as its floor")],
  },
  {
    name: "takes the lowest view that others report for the highest",
    rule: "BFT-054",
    ...inConsensus(
      "quarantine",
      "Math.max(...replica.viewsProven.values())",
      "Math.min(...replica.viewsProven.values())",
    ),
    checks: [test("quarantine", "takes V + 1 as its floor")],
  },
  {
    name: "counts its own stake among those that answer",
    rule: "BFT-054",
    ...inConsensus(
      "quarantine",
      "const answering = [...replica.viewsProven.keys()].filter((peer) => peer !== replica.self);",
      "const answering = [...replica.viewsProven.keys(), replica.self];",
    ),
    checks: [test("quarantine", "takes V + 1 as its floor")],
  },
  {
    name: "counts answers of validators in quarantine",
    rule: "BFT-055",
    ...inConsensus("quarantine", "if (status.quarantined || !equalBytes", "if (!equalBytes"),
    checks: [test("quarantine", "an answer of one that is in quarantine itself")],
  },
  {
    name: "answers in quarantine, as if it knew where it was",
    rule: "BFT-055",
    ...inConsensus("quarantine", "  if (!isQuarantined(replica)) return send(", "  if (0 < request) return send("),
    checks: [test("quarantine", "has nothing to say in quarantine")],
  },
  {
    name: "passes for one that has left quarantine when it has not",
    rule: "BFT-055",
    ...inConsensus(
      "quarantine",
      "return lostLog !== undefined && (lostLog.floor === undefined || view <= lostLog.floor);",
      "return lostLog !== undefined && lostLog.floor !== undefined && view <= lostLog.floor;",
    ),
    checks: [test("quarantine", "has nothing to say in quarantine")],
  },
  {
    name: "takes an answer to an earlier question",
    rule: "BFT-055",
    ...inConsensus(
      "quarantine",
      "status.quarantined || !equalBytes(status.nonce, nonceOf(replica))",
      "status.quarantined",
    ),
    checks: [test("quarantine", "an answer to an earlier start's question")],
  },
  {
    name: "takes an answer that its sender did not sign",
    rule: "BFT-055",
    ...inConsensus(
      "quarantine",
      "  if (!replica.verify(status.signature, statusBytes(replica, status), set.validators[from]!.key)) return false;\n",
      "",
    ),
    checks: [test("quarantine", "an answer that is not signed")],
  },
  {
    name: "takes a view that has no certificate",
    rule: "BFT-055",
    ...inConsensus(
      "quarantine",
      "if (entryCertificate === undefined ? status.view !== 1 : entryCertificate.view + 1 !== status.view) return false;",
      "if (entryCertificate !== undefined && entryCertificate.view + 1 !== status.view) return false;",
    ),
    checks: [test("quarantine", "a view without a certificate")],
  },
  {
    name: "takes a certificate of a lower view as proof of the view",
    rule: "BFT-055",
    ...inConsensus("quarantine", "entryCertificate.view + 1 !== status.view)", "status.view < entryCertificate.view)"),
    checks: [test("quarantine", "a view above the certificate")],
  },
  {
    name: "takes a certificate of a status unseen",
    rule: "BFT-055",
    ...inConsensus(
      "quarantine",
      "return entryCertificate === undefined || scheme.verifyCertificate(set, entryCertificate);",
      "return entryCertificate === undefined || 0 < scheme.name.length;",
    ),
    checks: [test("quarantine", "a certificate that no quorum signed")],
  },
  {
    name: "uses a floor that is not on disk",
    rule: "BFT-056",
    ...inConsensus(
      "quarantine",
      'record: { kind: "floor", view: lostLog.floor }, barrier: true });',
      'record: { kind: "floor", view: lostLog.floor }, barrier: false });',
    ),
    checks: [test("quarantine", "takes V + 1 as its floor")],
  },
  {
    name: "forgets its floor at a restart",
    rule: "BFT-056",
    ...inConsensus("recovery", "      replica.safety.lostLog.floor = record.view;\n", ""),
    checks: [test("quarantine", "holds after a restart")],
  },
  {
    name: "votes before it knows its floor",
    rule: "BFT-054",
    ...inConsensus(
      "safety-record",
      "if (lostLog !== undefined && (lostLog.floor === undefined || view <= lostLog.floor)) return false;",
      "if (lostLog?.floor !== undefined && view <= lostLog.floor) return false;",
    ),
    checks: [test("quarantine", "signs nothing but statuses")],
  },
  {
    name: "votes in the view of the floor of a lost log",
    rule: "BFT-054",
    ...inConsensus(
      "safety-record",
      "lostLog.floor === undefined || view <= lostLog.floor",
      "lostLog.floor === undefined || view < lostLog.floor",
    ),
    checks: [lostLogs, test("quarantine", "is silent through its view")],
  },
  {
    name: "votes below what its key has reserved",
    rule: "BFT-057",
    ...inConsensus("quarantine", "Math.max(highest + 1, lostLog.keyFloor) as View", "(highest + 1) as View"),
    checks: [test("quarantine", "takes no floor below that of its key")],
  },
  {
    name: "goes on when its key has signed what its log does not know",
    rule: "BFT-058",
    ...inConsensus(
      "certificates",
      "conflictWith(replica, certificate) ?? forgottenVote(replica, certificate)",
      "conflictWith(replica, certificate)",
    ),
    checks: [test("quarantine", "stops the replica: somebody else uses the key")],
  },
  {
    name: "its key signs nullify after finalize, and finalize after nullify",
    rule: "BFT-057",
    ...inConsensus(
      "signing-table",
      "if (before === undefined || isSame(before, subject)) return undefined;",
      "if (before?.kind !== kind || isSame(before, subject)) return undefined;",
    ),
    checks: [test("signing-table", "nullify after finalize")],
  },
  {
    name: "its key signs two blocks of one view",
    rule: "BFT-057",
    ...inConsensus(
      "signing-table",
      "  if (one.kind !== other.kind) return false;\n",
      "  if (one.kind === other.kind) return true;\n",
    ),
    checks: [test("signing-table", "notarize of two blocks")],
  },
  {
    name: "its key signs below its floor",
    rule: "BFT-057",
    ...inConsensus("signing-table", "  if (view <= table.floor) return", "  if (view < table.floor) return"),
    checks: [test("signing-table", "nothing is signed at or below the floor")],
  },
  {
    name: "its key signs for an epoch that is over",
    rule: "BFT-057",
    ...inConsensus(
      "signing-table",
      "  if (epoch < table.epoch) return `epoch ${epoch} is over, it is ${table.epoch}`;\n",
      "",
    ),
    checks: [test("signing-table", "nor of an epoch that is over")],
  },
  {
    name: "takes a last group that has rotted for a torn one",
    rule: "BFT-059",
    ...inNode(
      "storage/vote-log-loading",
      "if (kind === kinds.synced) return broken < number;",
      "if (kind === kinds.synced) return false;",
    ),
    checks: [nodeTest("vote-log", "a last group that was synced and has rotted")],
  },
  {
    name: "takes a torn last group for a rotten one",
    rule: "BFT-059",
    ...inNode(
      "storage/vote-log-loading",
      "return (kind & kinds.groupStart) !== 0 && broken + 1 < number;",
      "return (kind & kinds.groupStart) !== 0 && broken < number;",
    ),
    checks: [nodeTest("vote-log", "the word that a group was synced may be torn")],
  },
  {
    name: "leaves no mark while it puts a lost log aside",
    rule: "BFT-059",
    ...inNode("storage/vote-log", "  if (!isMarked(folder, files)) {\n", "  if (folder.length < 0) {\n"),
    checks: [nodeTest("vote-log", "is never half of one")],
  },
  {
    name: "forgets a loss with the segment in which it was written",
    rule: "BFT-056",
    ...inNode("storage/vote-log", "    for (const one of losses) note(one);\n", ""),
    checks: [nodeTest("vote-log", "a loss stays known")],
  },
  {
    name: "drops what lanes need with an old segment",
    rule: "BFT-059",
    ...inNode("storage/vote-log", "if (isNewest(one)) note(one);", "if (isNewest(one) && last.height < 0) note(one);"),
    checks: [nodeTest("vote-log", "what lanes need outlives the segment")],
  },
  {
    name: "does not sync what its key has reserved",
    rule: "BFT-057",
    ...inNode(
      "signer",
      'file.append([{ kind: "reserved", view: reserved }]);\n        file.sync();\n',
      'file.append([{ kind: "reserved", view: reserved }]);\n',
    ),
    checks: [nodeTest("signer", "signs nothing up to what was reserved")],
  },
  {
    name: "its key reserves nothing ahead",
    rule: "BFT-057",
    ...inNode("signer", "const reservedViews = 16;", "const reservedViews = 0;"),
    checks: [nodeTest("signer", "signs nothing up to what was reserved")],
  },
  {
    name: "does not see that its log lacks records",
    rule: "BFT-057",
    ...inNode("signer", "  if (log.next <= logged) {\n", "  if (log.next < 0) {\n"),
    checks: [nodeTest("signer", "lacks a vote, or a whole start")],
  },
  {
    name: "does not see that its log lacks a start",
    rule: "BFT-057",
    ...inNode("signer", "  if (log.session < session) {\n", "  if (log.session < 0) {\n"),
    checks: [nodeTest("signer", "lacks a vote, or a whole start")],
  },
  {
    name: "takes a vote that was never logged for one that was sent",
    rule: "BFT-057",
    ...inNode(
      "signer",
      'else if (entry.kind !== "owner") unlogged.push(entry);',
      'else if (entry.kind !== "owner") enterSigned(table, entry);',
    ),
    checks: [nodeTest("signer", "forgets what cannot have been sent")],
  },
  {
    name: "uses the floor of a quarantine before its key has it",
    rule: "BFT-057",
    ...inNode(
      "signer",
      '        if (one.kind !== "floor") continue;\n',
      '        if (one.kind !== "floor" || 0 < one.view) continue;\n',
    ),
    checks: [nodeTest("signer", "takes the floor of a quarantine before it is logged")],
  },
];
