/** Many seeds: each is a cluster with its own weather, liars, crashes and cuts. A failure prints how to see it again. */
import { expect, test } from "vitest";
import type { Application, ApplicationContext } from "@stoa/simulator/application";
import { exchangeApplication } from "@stoa/simulator/real-exchange";
import { misbehaviours } from "@stoa/simulator/byzantine";
import { faultKinds } from "@stoa/simulator/faults";
import { simulate, type Report } from "@stoa/simulator/run";

const toySeedsCount = 96;
const seen: Report[] = [];

function expectSound(report: Report): void {
  seen.push(report);
  expect(report.failures, `to see it again: ${report.reproduce}`).toEqual([]);
}

/** Seeds in groups, so that each group is one test with its own time. */
const groups = (from: number, count: number, size: number): number[][] =>
  Array.from({ length: count / size }, (_, group) =>
    Array.from({ length: size }, (_, index) => from + group * size + index),
  );

test.for(groups(1, toySeedsCount, 12))(
  "agreement, exclusion and liveness hold on seeds %s (BFT-043, BFT-034, BFT-035)",
  { timeout: 120_000 },
  (seeds) => {
    for (const seed of seeds) expectSound(simulate({ seed }));
  },
);

test.for(groups(201, 16, 4))(
  "the exchange under it agrees and balances on seeds %s (BFT-043)",
  { timeout: 120_000 },
  (seeds) => {
    for (const seed of seeds) expectSound(simulate({ seed, application: exchangeApplication, faultsMs: 5_000 }));
  },
);

test(
  "power fails at all nodes again and again, and nothing that was delivered is lost (BFT-051)",
  { timeout: 120_000 },
  () => {
    let crashes = 0;
    for (let seed = 401; seed <= 410; seed++) {
      const report = simulate({ seed, faultKinds: ["powerCut"], faulty: [] });
      expectSound(report);
      crashes += report.tally.crashes!;
    }
    expect(crashes).toBeGreaterThan(100);
  },
);

test.for(groups(21, 9, 3))("two runs of one seed are the same run, seeds %s", { timeout: 120_000 }, (seeds) => {
  const hashes = new Set<string>();
  for (const seed of seeds) {
    const [one, same] = [simulate({ seed }), simulate({ seed })];
    expect(same).toEqual(one);
    hashes.add(one.auditHash);
  }
  expect(hashes.size).toBe(seeds.length);
});

/** A spoiler of lanes among many, while everything goes through lanes. */
const spoiled = (seed: number): Report =>
  simulate({ seed, lanePermille: 1_000, faulty: [{ node: 1, misbehaviour: "laneSpoiler" }] });

test.for(groups(601, 12, 6))(
  "lanes that are spoiled cost nobody anything that is final, seeds %s (BFT-084, BFT-086, BFT-087, BFT-088)",
  { timeout: 120_000 },
  (seeds) => {
    for (const seed of seeds) {
      const report = spoiled(seed);
      expectSound(report);
      expect(report.tally.batchesFinal, report.reproduce).toBeGreaterThan(0);
    }
  },
);

test("lanes carry nearly all commands when every client asks for it", { timeout: 60_000 }, () => {
  for (let seed = 621; seed <= 622; seed++) {
    const report = simulate({ seed, lanePermille: 1_000, faulty: [], faultKinds: ["pause"], commandsEveryMs: 20 });
    expectSound(report);
    expect(report.tally.batchesFinal).toBeGreaterThan(50);
    // A node that was stopped takes some blocks whole.
    expect(report.tally.batches).toBeGreaterThan(0.9 * report.tally.batchesFinal! * report.nodesCount);
  }
});

test("no command is ordered twice while no node forgets what is final", { timeout: 60_000 }, () => {
  const kinds = ["partition", "clog", "reset", "pause", "slowDisk"] as const;
  for (let seed = 501; seed <= 506; seed++) {
    // With lanes a client that asks elsewhere after two seconds may have its command ordered from a lane, too.
    const report = simulate({ seed, faultKinds: kinds, faulty: [], lanePermille: 0 });
    expectSound(report);
    expect(report.tally.orderedTwice, report.reproduce).toBe(0);
  }
});

test("hundreds of views and a peer that floods leave a replica within its bounds (I10)", { timeout: 60_000 }, () => {
  const weather = { delayUsMin: 1_000, delayUsMean: 3_000, lossPermille: 1, doublePermille: 1, slowPermille: 0 };
  const faulty = [{ node: 3, misbehaviour: "flooder" as const }];
  const pace = { faultsMs: 9_000, faultsEveryMs: 4_000, commandsEveryMs: 10 };
  const report = simulate({ seed: 1, nodesCount: 4, faulty, faultKinds: ["crash", "pause"], weather, ...pace });
  expectSound(report);
  // What is kept of views goes after 256 of them.
  expect(report.viewsCount).toBeGreaterThan(400);
});

test("the seeds meet every fault and every misbehaviour there is", { timeout: 120_000 }, () => {
  // The groups above have run them, unless this test was asked for alone.
  if (seen.length === 0) {
    expectSound(spoiled(601));
    for (let seed = 1; seed <= toySeedsCount; seed++) expectSound(simulate({ seed }));
  }
  const struck = new Set(seen.flatMap(({ faults }) => Object.keys(faults)));
  const actors = new Set(seen.flatMap(({ faulty }) => faulty.map(({ misbehaviour }) => misbehaviour)));
  expect([...struck].sort()).toEqual([...faultKinds].sort());
  expect([...actors].sort()).toEqual([...misbehaviours].sort());
  for (const name of Object.keys(seen[0]!.tally)) {
    const total = seen.reduce((sum, { tally }) => sum + tally[name]!, 0);
    // No honest replica halts, and none that is not is watched.
    if (name !== "halted") expect(total, name).toBeGreaterThan(0);
  }
});

test("the workload trades, settles, delivers, and is refused", () => {
  const totals = new Map<string, number>();
  for (let seed = 301; seed <= 304; seed++) {
    const { happened } = simulate({ seed, application: exchangeApplication, faulty: [] });
    for (const [kind, count] of Object.entries(happened)) totals.set(kind, (totals.get(kind) ?? 0) + count);
  }
  for (const kind of ["trade", "order", "quotes", "settled", "instrumentSettled", "withdrawalRequested"]) {
    expect(totals.get(kind), kind).toBeGreaterThan(0);
  }
  const refusals = [...totals.keys()].filter((kind) => kind.startsWith("refused"));
  expect(refusals.length).toBeGreaterThan(8);
}, 60_000);

test("a node that computes something else is found (I6, BFT-070)", () => {
  let opened = 0;
  const flawed = (context: ApplicationContext): Application => {
    const sound = exchangeApplication(context);
    return {
      ...sound,
      open() {
        const exchange = sound.open();
        if (opened++ % 3 !== 2) return exchange;
        return {
          ...exchange,
          execute(block) {
            const roots = exchange.execute(block);
            return block.height < 4 ? roots : { ...roots, resultsRoot: sound.chainId };
          },
        };
      },
    };
  };
  const report = simulate({ seed: 11, nodesCount: 4, faulty: [], application: flawed });
  expect(report.failures.join()).toMatch(/I6: node \d computes .* at height 4/);
});
