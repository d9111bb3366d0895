/** `stoa simulate`: whole clusters on one thread, each from a seed, with faults; says what broke and how to see it again. */
import { exchangeApplication } from "@stoa/simulator/real-exchange";
import { simulate, type Report } from "@stoa/simulator/run";
import { Failure } from "../failure.ts";

export interface SimulateFlags {
  /** The first seed. */
  readonly seed: number;
  /** How many seeds, one after another. */
  readonly count: number;
  readonly nodes?: number | undefined;
  /** How long faults last, in simulated milliseconds. */
  readonly duration?: number | undefined;
  readonly application: string;
}

export function runSimulate(flags: SimulateFlags): void {
  const { nodes, duration, application } = flags;
  if (application !== "toy" && application !== "exchange") {
    throw new Failure(`--application is toy or exchange: got ${application}`);
  }
  if (nodes !== undefined && (nodes < 1 || 16 < nodes)) throw new Failure(`--nodes is between 1 and 16: got ${nodes}`);
  for (let seed = flags.seed; seed < flags.seed + flags.count; seed++) {
    const report = simulate({
      seed,
      ...(nodes === undefined ? {} : { nodesCount: nodes }),
      ...(duration === undefined ? {} : { faultsMs: duration }),
      ...(application === "toy" ? {} : { application: exchangeApplication }),
    });
    for (const line of reportLines(report)) console.log(line);
    if (0 < report.failures.length) throw new Failure(`seed ${seed} failed; see it again with: ${report.reproduce}`);
  }
}

export function reportLines(report: Report): readonly string[] {
  const { seed, application, nodesCount, faulty, simulatedMs, blocksCount, viewsCount, auditHash, failures } = report;
  const faults = faulty.map(({ node, misbehaviour }) => `${node} ${misbehaviour}`).join(", ");
  return [
    `seed ${seed}  ${application}  ${nodesCount} nodes${faults === "" ? "" : ` (faulty: ${faults})`}` +
      `  ${simulatedMs} ms simulated  ${blocksCount} blocks  ${viewsCount} views  audit ${auditHash.slice(0, 16)}` +
      `  ${failures.length === 0 ? "every invariant held" : "FAILED"}`,
    ...failures.map((failure) => `  ${failure}`),
  ];
}
