import { expect, test } from "vitest";
import { misbehaviours, type Misbehaviour } from "@stoa/simulator/byzantine";
import { simulate } from "@stoa/simulator/run";

/** Those whose own signatures convict them; the others lie about what nobody signs, or say too little. */
const convicted: readonly Misbehaviour[] = ["equivocator", "nuller", "conflicter", "outdated"];
/** What the chain proves of them, within 100 blocks of when an honest node could. */
const proven: Readonly<Partial<Record<Misbehaviour, readonly string[]>>> = {
  equivocator: ["double-notarize", "double-proposal"],
  nuller: ["nullify-finalize"],
  conflicter: ["double-finalize", "double-notarize"],
  outdated: ["double-notarize"],
  laneSpoiler: ["double-acknowledgement", "double-batch"],
};
/** Those whom honest nodes catch at once, by what they send. */
const reported: readonly Misbehaviour[] = [
  "equivocator",
  "conflicter",
  "impersonator",
  "forger",
  "fabulist",
  "skipper",
  "laneSpoiler",
];

test.for(misbehaviours)(
  "one %s among four breaks nothing, and is caught where that can be",
  { timeout: 60_000 },
  (misbehaviour) => {
    const guilty = new Set<number>();
    const offences = new Set<string>();
    let reportsCount = 0;
    for (let seed = 601; seed <= 603; seed++) {
      const node = seed % 4;
      const report = simulate({
        seed,
        nodesCount: 4,
        faulty: [{ node, misbehaviour }],
        faultKinds: ["crash", "partition"],
        ...(misbehaviour === "laneSpoiler" ? { lanePermille: 1_000 } : {}),
      });
      expect(report.failures, report.reproduce).toEqual([]);
      for (const one of report.guilty) guilty.add(one === node ? 1 : 0);
      for (const one of report.convictions) {
        expect(one.provenAt ?? Infinity, `${one.offence}, ${report.reproduce}`).toBeLessThanOrEqual(one.foundAt + 100);
        offences.add(one.offence);
      }
      reportsCount += report.tally["reports"]!;
    }
    expect(guilty.has(0), "somebody honest is convicted").toBe(false);
    if (convicted.includes(misbehaviour)) expect(guilty.has(1), "convicted by its own signatures").toBe(true);
    expect([...offences], "proven by the chain").toEqual(expect.arrayContaining([...(proven[misbehaviour] ?? [])]));
    if (reported.includes(misbehaviour)) expect(reportsCount, "reported by honest nodes").toBeGreaterThan(0);
  },
);

test("two of seven that are silent half of the time cost views, not safety", { timeout: 60_000 }, () => {
  const faulty = [0, 3].map((node) => ({ node, misbehaviour: "silent" as const }));
  const report = simulate({ seed: 611, nodesCount: 7, faulty, faultKinds: ["partition", "clog"] });
  expect(report.failures, report.reproduce).toEqual([]);
  expect(report.viewsCount).toBeGreaterThan(report.blocksCount);
});
