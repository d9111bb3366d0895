/**
 * `stoa simulate`: whole clusters on one thread, each from a seed, with everything that can go wrong; several seeds at a time,
 * each in a process of its own. Says what broke, with the fewest causes, and how to see it again; or tells the story of one
 * seed. The simulator itself knows nothing of processes and screens.
 */
import { fork, execFileSync, type ChildProcess } from "node:child_process";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { simulateFork, type ForkReport } from "@stoa/simulator/fork";
import { exchangeApplication } from "@stoa/simulator/real-exchange";
import { simulate, type Report, type SimulateOptions } from "@stoa/simulator/run";
import { shrink } from "@stoa/simulator/shrink";
import { storyText } from "@stoa/simulator/story";
import { Failure } from "../failure.ts";

export interface SimulateFlags {
  /** The first seed. */
  readonly seed: number;
  /** How many seeds. */
  readonly seeds: number;
  readonly nodes?: number | undefined;
  /** How long faults last in each seed, in simulated minutes. */
  readonly minutes?: number | undefined;
  readonly application: string;
  readonly jobs?: number | undefined;
  /** Parts of the plan to keep, separated by commas; `none` for none. */
  readonly only?: string | undefined;
  readonly explain: boolean;
  readonly twice: boolean;
  readonly fork: boolean;
}

/** What one seed of a batch came to; crosses processes as it is. */
export interface SeedResult {
  readonly report: Report;
  /** The smallest failing run that was found. */
  readonly smallest: Report | undefined;
}

const nodesCountMax = 100;
/** So many seeds have a line each; more have a summary. */
const linesCountMax = 20;
const progressMs = 2_000;

export async function runSimulate(flags: SimulateFlags): Promise<void> {
  const { nodes, application, seeds } = flags;
  if (application !== "toy" && application !== "exchange") {
    throw new Failure(`--application is toy or exchange: got ${application}`);
  }
  if (nodes !== undefined && (nodes < 1 || nodesCountMax < nodes)) {
    throw new Failure(`--nodes is between 1 and ${nodesCountMax}: got ${nodes}`);
  }
  if (flags.minutes !== undefined && !(0 < flags.minutes))
    throw new Failure(`--minutes is more than 0: got ${flags.minutes}`);
  if (flags.fork) return runForks(flags);
  if (flags.explain) return explain(flags);
  const jobs = Math.min(seeds, flags.jobs ?? Math.max(1, availableParallelism() - 1));
  const summary = createSummary(flags);
  if (jobs <= 1) {
    for (let seed = flags.seed; seed < flags.seed + seeds; seed++) summary.add(runSeed(flags, seed));
  } else await runInProcesses(flags, jobs, summary.add);
  summary.end();
}

export function optionsOf(flags: SimulateFlags, seed: number): SimulateOptions {
  const { nodes, minutes, only, application } = flags;
  return {
    seed,
    ...(nodes === undefined ? {} : { nodesCount: nodes }),
    ...(minutes === undefined ? {} : { faultsMs: Math.round(60_000 * minutes) }),
    ...(application === "exchange" ? { application: exchangeApplication } : {}),
    ...(only === undefined ? {} : { keep: only === "none" ? [] : only.split(",") }),
  };
}

/** One seed, or twice the same; when it fails, the smallest part of its plan with which it does. */
export function runSeed(flags: SimulateFlags, seed: number): SeedResult {
  const options = optionsOf(flags, seed);
  const report = simulate(options);
  if (flags.twice && report.failures.length === 0) {
    const again = simulate(options);
    if (again.auditHash !== report.auditHash) {
      const fact = `determinism: two runs of seed ${seed} have the audit hashes ${report.auditHash} and ${again.auditHash}`;
      return { report: { ...report, failures: [fact] }, smallest: undefined };
    }
  }
  const smallest = report.failures.length === 0 ? undefined : shrink(options, report).report;
  return { report, smallest };
}

// ---- one story

function explain(flags: SimulateFlags): void {
  if (flags.seeds !== 1) throw new Failure("--explain tells the story of one seed: leave --seeds out");
  const options = optionsOf(flags, flags.seed);
  const report = simulate({ ...options, listen: (line) => console.log(storyText(line)) });
  console.log("");
  for (const { name, words } of report.parts) console.log(`${name.padEnd(10)} ${words}`);
  for (const line of reportLines(report)) console.log(line);
  if (0 < report.failures.length) throw new Failure(`seed ${flags.seed} failed`);
}

// ---- above a third

function runForks(flags: SimulateFlags): void {
  let forksCount = 0;
  for (let seed = flags.seed; seed < flags.seed + flags.seeds; seed++) {
    const listen = flags.explain
      ? { listen: (line: Parameters<typeof storyText>[0]) => console.log(storyText(line)) }
      : {};
    const report = simulateFork({ ...optionsOf(flags, seed), ...listen });
    forksCount += report.forked ? 1 : 0;
    if (flags.seeds <= linesCountMax || 0 < report.failures.length) {
      for (const line of forkLines(report)) console.log(line);
    }
    if (0 < report.failures.length) throw new Failure(`seed ${seed} failed: ${report.failures[0]}`);
  }
  console.log(
    `${forksCount} of ${flags.seeds} seeds forked with over a third faulty; each fork convicts a third at least, and nobody honest`,
  );
}

function forkLines({ seed, corrupted, forked, guilty, convictedStake, totalStake }: ForkReport): readonly string[] {
  return [
    `seed ${seed}  keys in two processes: ${corrupted.join(" ")}  ${forked ? "forked" : "did not fork"}` +
      `  convicted: ${convictedStake} of ${totalStake} stake`,
    ...guilty.map(({ fact }) => `  ${fact}`),
  ];
}

// ---- many seeds

const worker = fileURLToPath(new URL("simulate-worker.ts", import.meta.url));

/** Every process asks for the next seed when it is done with one. */
async function runInProcesses(flags: SimulateFlags, jobs: number, add: (result: SeedResult) => void): Promise<void> {
  let next = flags.seed;
  const end = flags.seed + flags.seeds;
  const runOne = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const child: ChildProcess = fork(worker, [], { stdio: ["ignore", "inherit", "inherit", "ipc"] });
      const give = (): void => {
        if (next < end) child.send({ flags, seed: next++ });
        else child.disconnect();
      };
      child.on("message", (result: SeedResult) => {
        try {
          add(result);
          give();
        } catch (error) {
          child.kill();
          reject(error);
        }
      });
      child.on("error", reject);
      child.on("exit", (code) =>
        code === 0 ? resolve() : reject(new Failure(`a process of the simulation ended with ${code}`)),
      );
      give();
    });
  await Promise.all(Array.from({ length: jobs }, runOne));
}

/** What a batch of seeds comes to: a line each or a summary, failures with their fewest causes; `end` throws when any failed. */
export function createSummary(flags: SimulateFlags): {
  readonly add: (result: SeedResult) => void;
  readonly end: () => void;
} {
  const startMs = performance.now();
  const faults: Record<string, number> = {};
  const sum = { seeds: 0, failed: 0, simulatedMs: 0, blocks: 0, views: 0, messages: 0 };
  let saidMs = startMs;
  let firstFailure: string | undefined;
  const speed = (): string => {
    const tookMs = performance.now() - startMs;
    const perHour = Math.round((sum.seeds * 3_600_000) / tookMs).toLocaleString("en");
    return `${Math.round(sum.simulatedMs / tookMs)} simulated seconds a second, ${perHour} seeds an hour`;
  };
  return {
    add({ report, smallest }) {
      sum.seeds++;
      sum.simulatedMs += report.simulatedMs;
      sum.blocks += report.blocksCount;
      sum.views += report.viewsCount;
      sum.messages += report.tally["sent"] ?? 0;
      for (const [kind, count] of Object.entries(report.faults)) faults[kind] = (faults[kind] ?? 0) + count;
      const failed = 0 < report.failures.length;
      if (failed || flags.seeds <= linesCountMax) for (const line of reportLines(report)) console.log(line);
      if (failed) {
        sum.failed++;
        for (const line of failureLines(report, smallest)) console.log(line);
        firstFailure ??= (smallest ?? report).reproduce;
      }
      if (linesCountMax < flags.seeds && saidMs + progressMs < performance.now()) {
        saidMs = performance.now();
        process.stderr.write(`${sum.seeds} of ${flags.seeds} seeds, ${sum.failed} failed; ${speed()}\n`);
      }
    },
    end() {
      if (1 < flags.seeds) {
        const struck = Object.entries(faults).sort(([, left], [, right]) => right - left);
        console.log(
          `${sum.seeds} seeds, ${sum.failed} failed: ${sum.blocks} blocks final in ${sum.views} views, ${sum.messages} messages, ` +
            `${Math.round(sum.simulatedMs / 1_000)} s simulated; ${speed()}`,
        );
        console.log(`faults: ${struck.map(([kind, count]) => `${kind} ${count}`).join(", ")}`);
      }
      if (firstFailure !== undefined)
        throw new Failure(`${sum.failed} of ${sum.seeds} seeds failed; see one with: ${firstFailure} --explain`);
    },
  };
}

export function reportLines(report: Report): readonly string[] {
  const { seed, application, nodesCount, faulty, simulatedMs, blocksCount, viewsCount, auditHash, failures } = report;
  const names = [
    ...faulty.map(({ node, misbehaviour }) => `${node} ${misbehaviour}`),
    ...report.dishonest.map(({ node, why }) => `${node}: ${why}`),
  ];
  return [
    `seed ${seed}  ${application}  ${nodesCount} nodes${names.length === 0 ? "" : ` (faulty: ${names.join(", ")})`}` +
      `  ${simulatedMs} ms simulated  ${blocksCount} blocks  ${viewsCount} views  audit ${auditHash.slice(0, 16)}` +
      `  ${failures.length === 0 ? "every invariant held" : "FAILED"}`,
    ...failures.map((failure) => `  ${failure}`),
  ];
}

function failureLines(report: Report, smallest: Report | undefined): readonly string[] {
  const least = smallest ?? report;
  return [
    `  commit ${commitOf()}; the least that fails so is ${least.parts.length} of ${report.parts.length} parts:`,
    ...least.parts.map(({ name, words }) => `    ${name.padEnd(10)} ${words}`),
    `  ${least.failures[0] ?? ""}`,
    `  ${least.reproduce} --explain`,
  ];
}

function commitOf(): string {
  try {
    const cwd = fileURLToPath(new URL(".", import.meta.url));
    return execFileSync("git", ["rev-parse", "HEAD"], {
      cwd,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    }).trim();
  } catch {
    return "unknown (no git here)";
  }
}
