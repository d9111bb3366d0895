/** The rules of lanes, each broken by one change: the part of `table.ts` that is about batches, proofs and blocks that name them. */
import type { Check } from "./check.ts";
import type { Mutant } from "./table.ts";

type Change = Pick<Mutant, "file" | "find" | "replace">;

const inConsensus = (file: string, find: string, replace: string): Change => ({
  file: `consensus/src/${file}.ts`,
  find,
  replace,
});

const rules = (name: string): Check => ({ by: "test", file: "packages/consensus/test/lane-rules.test.ts", name });
const cluster = (name: string): Check => ({ by: "test", file: "packages/consensus/test/lanes.test.ts", name });
const payloads = (name: string): Check => ({ by: "test", file: "packages/protocol/test/lane-payload.test.ts", name });
const spoiled = (says: string): Check => ({
  by: "simulator",
  seeds: [601, 640],
  options: { lanePermille: 1_000, faulty: [{ node: 1, misbehaviour: "laneSpoiler" }] },
  says,
});

const batches: readonly Mutant[] = [
  {
    name: "takes a batch from whoever sends it",
    rule: "BFT-082",
    ...inConsensus("lane-fetch", "if (owner !== from || batch.epoch", "if (batch.epoch"),
    checks: [rules("is not (BFT-082)")],
  },
  {
    name: "takes a batch that its owner did not sign",
    rule: "BFT-082",
    ...inConsensus(
      "lane-fetch",
      'if (!isSigned(replica, batch, digest)) return misbehaviour(replica, from, "a batch that is not signed");\n',
      "",
    ),
    checks: [rules("is not (BFT-082)")],
  },
  {
    name: "keeps a second batch in a place",
    rule: "BFT-082",
    ...inConsensus("lane-fetch", "if (there.length !== 0) return reportTwo(replica, there[0]!, batch);\n", ""),
    checks: [rules("for a place that is taken is reported and not kept")],
  },
  {
    name: "keeps batches however far ahead they are",
    rule: "BFT-092",
    ...inConsensus("lane-fetch", "if (lane.final.sequence + limits.laneAheadCountMax < sequence) return;\n", ""),
    checks: [rules("beyond the window of places or bytes is not kept")],
  },
  {
    name: "keeps batches however large they are together",
    rule: "BFT-092",
    ...inConsensus("lane-fetch", "if (limits.laneAheadSizeMax < lane.aheadSize + payload.length) return;\n", ""),
    checks: [rules("beyond the window of places or bytes is not kept")],
  },
  {
    name: "takes other batches for those it asked for",
    rule: "BFT-091",
    ...inConsensus(
      "lane-fetch",
      "const isSame = equalBytes(batchDigest(batch), digest);",
      "const isSame = batch !== undefined;",
    ),
    checks: [rules("that is answered with others, or by another peer, gives nothing")],
  },
  {
    name: "sends an own batch before it is on disk",
    rule: "BFT-090",
    ...inConsensus(
      "lane-own",
      'emit(replica, { kind: "persist", record: { kind: "batch", batch }, barrier: true });',
      'emit(replica, { kind: "persist", record: { kind: "batch", batch }, barrier: false });',
    ),
    checks: [rules("writes a batch with a barrier and then sends it to all")],
  },
  {
    name: "begins its lane anew after a restart",
    rule: "BFT-090",
    ...inConsensus(
      "lane-recovery",
      "if (lanes.ownTip.sequence < batch.sequence) lanes.ownTip =",
      "if (false) lanes.ownTip =",
    ),
    checks: [rules("writes a batch with a barrier and then sends it to all"), spoiled("sends two batches for place")],
  },
  {
    name: "sends as many batches as it is given",
    rule: "BFT-083",
    ...inConsensus(
      "lane-own",
      "const places = limits.laneOwnAheadCountMax - (lanes.ownTip.sequence - safe);",
      "const places = limits.laneOwnAheadCountMax;",
    ),
    checks: [cluster("goes no further than its window")],
  },
  {
    name: "goes on beside a final batch of its lane that it did not make",
    rule: "BFT-090",
    ...inConsensus("finalize", "  checkOwnLane(replica);\n", ""),
    checks: [rules("own batches that are final and were not made here stop the replica")],
  },
];

const acknowledgements: readonly Mutant[] = [
  {
    name: "takes a batch for linked without those before it",
    rule: "BFT-088",
    ...inConsensus(
      "lane-store",
      "return before?.linked === true && before.batch.sequence + 1 === batch.sequence;",
      "return before?.linked !== false;",
    ),
    checks: [rules("out of order waits for what is before it, and the owner is asked for that")],
  },
  {
    name: "acknowledges a second batch in a place",
    rule: "BFT-088",
    ...inConsensus("lane-acknowledge", "final.sequence < acknowledged.sequence ? acknowledged : final", "final"),
    checks: [rules("is never given to a second batch in one place, nor to what follows it")],
  },
  {
    name: "forgets what it acknowledged at a restart",
    rule: "BFT-088",
    ...inConsensus(
      "lane-recovery",
      "if (acknowledged.sequence < sequence) lane.acknowledged = { sequence, digest };",
      "",
    ),
    checks: [rules("is remembered over a restart, and given to nothing at or below it")],
  },
  {
    name: "acknowledges before that is on disk",
    rule: "BFT-088",
    ...inConsensus(
      "lane-acknowledge",
      '  emit(replica, { kind: "persist", record, barrier: true });\n',
      '  emit(replica, { kind: "persist", record, barrier: false });\n',
    ),
    checks: [rules("goes to the owner, with its record before it and a barrier")],
  },
  {
    name: "acknowledges after it lost its log",
    rule: "BFT-088",
    ...inConsensus(
      "lane-acknowledge",
      "if (lanes.acknowledgeScheduled || hasLostLog(replica.safety)) return;",
      "if (lanes.acknowledgeScheduled) return;",
    ),
    checks: [rules("is not given by a validator that lost its log")],
  },
  {
    name: "makes batches after it lost its log",
    rule: "BFT-088",
    ...inConsensus("lane-own", "if (hasLostLog(safety)) return 0;\n", ""),
    checks: [rules("is not given by a validator that lost its log")],
  },
  {
    name: "proves a batch with acknowledgements that are not signed",
    rule: "BFT-089",
    ...inConsensus("lane-acknowledge", "    counted.delete(signer);\n", ""),
    checks: [rules("proves its batch when a quorum with itself has acknowledged it")],
  },
  {
    name: "proposes with a proof that it did not check",
    rule: "BFT-089",
    ...inConsensus(
      "lane-acknowledge",
      "kept.verified ||= replica.scheme.verifyCertificate(replica.set, kept.proof);",
      "kept.verified ||= 0 < kept.proof.proof.length;",
    ),
    checks: [rules("does not propose with a proof that does not hold, and reports it")],
  },
];

const proposals: readonly Mutant[] = [
  {
    name: "votes for batches that it does not hold",
    rule: "BFT-084",
    ...inConsensus("lane-order", 'return isWaiting ? { kind: "wait" } : undefined;', "return undefined;"),
    checks: [rules("waits for those that are not, asks the proposer for them")],
  },
  {
    name: "takes any proof for one that a batch is available",
    rule: "BFT-089",
    ...inConsensus(
      "lane-order",
      "if (isProven(replica, lane, tip, range.proof)) return undefined;",
      "return undefined;",
    ),
    checks: [rules("without the data and with a proof that does not hold is refused")],
  },
  {
    name: "takes a proof of another batch in the place",
    rule: "BFT-089",
    ...inConsensus(
      "lane-order",
      "if (known?.verified === true && equalBytes(known.proof.digest, tip.digest)) return true;",
      "if (known?.proof.sequence === tip.sequence) return true;",
    ),
    checks: [rules("is voted for with a proof of the batch that it names only")],
  },
  {
    name: "votes for batches without a proof after a view that was given up",
    rule: "BFT-086",
    ...inConsensus("lane-order", "    if (!isConservative) return undefined;\n", "    return undefined;\n"),
    checks: [rules("a proposal may not order others, even when they are held")],
  },
  {
    name: "proposes batches without a proof after a view that was given up",
    rule: "BFT-086",
    ...inConsensus(
      "lane-order",
      "isConservative || parent.height < lane.blamedThrough",
      "parent.height < lane.blamedThrough",
    ),
    checks: [rules("takes only proven batches")],
  },
  {
    name: "blames nobody for a batch that it had to fetch",
    rule: "BFT-086",
    ...inConsensus("lane-fetch", "need?.blames === true) blame(", "false) blame("),
    checks: [rules("waits for those that are not, asks the proposer for them")],
  },
  {
    name: "keeps a block that names a lane twice",
    rule: "BFT-081",
    file: "protocol/src/finality/lane-payload.ts",
    find: "const isNext = index === 0 || ranges[index - 1]!.lane < lane;",
    replace: "const isNext = index === 0 || 0 <= lane;",
    checks: [rules("a proposal that names a lane twice is not even kept")],
  },
  {
    name: "blames whoever answers for the lie of a leader",
    rule: "BFT-091",
    ...inConsensus(
      "lane-fetch",
      "if (isSame && isElsewhere) break;\n    if (!isSame ||",
      "if (!isSame || isElsewhere ||",
    ),
    checks: [rules("makes nobody blame who answers")],
  },
  {
    name: "keeps whatever a proposal makes it fetch",
    rule: "BFT-092",
    ...inConsensus("lane-fetch", "sizeMax < lane.aheadSize + batch.payload.length) break", "sizeMax < 0) break"),
    checks: [rules("fills no memory")],
  },
  {
    name: "begins its lane anew when the block log is gone",
    rule: "BFT-090",
    ...inConsensus("recovery", "      restoreFinalTips(replica, record.tips);\n", ""),
    checks: [rules("whose block log was moved away")],
  },
  {
    name: "takes batches that do not follow from the parent's tip",
    rule: "BFT-081",
    ...inConsensus(
      "lane-order",
      "if (!equalBytes(batches[0]!.batch.previous, before.digest)) return",
      "if (batches.length === 0) return",
    ),
    checks: [rules("that do not follow from its parent's tip is refused")],
  },
  {
    name: "takes any size for that of a range",
    rule: "BFT-081",
    ...inConsensus("lane-order", "return size === range.size ? undefined :", "return size !== -1 ? undefined :"),
    checks: [rules("is refused (BFT-081)")],
  },
  {
    name: "takes tips that do not follow from the parent's",
    rule: "BFT-081",
    ...inConsensus(
      "lane-order",
      "return tips.some((tip, lane) => !isTipAfter(",
      "return tips.every((tip, lane) => !isTipAfter(",
    ),
    checks: [rules("is refused (BFT-081)")],
  },
  {
    name: "takes as many loose commands beside batches as there are",
    rule: "BFT-085",
    ...inConsensus(
      "lane-order",
      'if (form === "lanes" && sizeOfLanes(ranges, limits.looseSizeMax) < size) return "it has too many loose commands";\n',
      "",
    ),
    checks: [rules("with too many loose commands is refused")],
  },
  {
    name: "fills a block with one lane before the next",
    rule: "BFT-085",
    ...inConsensus(
      "lane-order",
      "one.isFull ||= held === undefined || !takeRoom(room, [held], 0);",
      "one.isFull ||= held === undefined || one !== open[0] || !takeRoom(room, [held], 0);",
    ),
    checks: [rules("keeps within the bytes that the node names, and takes the first of every lane first")],
  },
  {
    name: "proposes more than a payload holds",
    rule: "BFT-085",
    ...inConsensus("lane-order", "if (room.size < size || room.batchesSize", "if (room.batchesSize"),
    checks: [rules("keeps within the size of a payload")],
  },
];

const finality: readonly Mutant[] = [
  {
    name: "votes a block final whose batches are not on disk",
    rule: "BFT-087",
    ...inConsensus("finalize", "  persistBatches(replica, block);\n", ""),
    checks: [rules("is written when it links to nothing yet, before the block that names it is final")],
  },
  {
    name: "does not write batches that link",
    rule: "BFT-087",
    ...inConsensus("lane-store", "      persistBatch(replica, held);\n", ""),
    checks: [rules("is kept, written, and told to the node once")],
  },
  {
    name: "takes loose commands for the whole block on its disk",
    rule: "BFT-087",
    ...inConsensus("lane-payload", "      before.durable = false;\n", ""),
    checks: [rules("that comes whole is written whole")],
  },
  {
    name: "keeps the batches that a final one contradicts",
    rule: "BFT-082",
    ...inConsensus(
      "lane-store",
      "if (!chain.has(held)) drop(replica, lane, held);",
      "if (false) drop(replica, lane, held);",
    ),
    checks: [rules("of another batch in a place than the one held makes the lane go on")],
  },
  {
    name: "takes a payload whose batches the tips do not name",
    rule: "BFT-005",
    file: "protocol/src/finality/lane-payload.ts",
    find: "    if (!equalBytes(batchDigest(one), digest)) return false;\n",
    replace: "",
    checks: [payloads("is not when any byte of it differs")],
  },
  {
    name: "executes one lane after the other",
    rule: "BFT-085",
    file: "protocol/src/finality/lane-payload.ts",
    find: "for (const { lane, count } of rotated) if (index < count) places.push({ lane, index });",
    replace: "for (const { lane, count } of ranges) if (index < count) places.push({ lane, index });",
    checks: [payloads("takes the first batch of every lane before any second")],
  },
];

export const laneMutants: readonly Mutant[] = [...batches, ...acknowledgements, ...proposals, ...finality];
