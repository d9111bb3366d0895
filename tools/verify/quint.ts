/**
 * Runs Quint over the model in `spec/consensus` and reads what it says. Quint is a program of its own, so it is started as one;
 * always with its evaluator in TypeScript, since the other is not on the registry (docs/decisions/0309).
 */
import { execFile } from "node:child_process";
import { join } from "node:path";

const root = join(import.meta.dirname, "../..");
const quint = join(root, "node_modules/@informalsystems/quint/dist/src/cli.js");
const folder = "spec/consensus";

export interface QuintAnswer {
  readonly passed: boolean;
  readonly output: string;
}

function run(words: readonly string[]): Promise<QuintAnswer> {
  return new Promise((resolve) => {
    const options = { cwd: root, maxBuffer: 1 << 26, env: { ...process.env, NO_COLOR: "1" } };
    execFile(process.execPath, [quint, ...words], options, (error, stdout, stderr) =>
      resolve({ passed: error === null, output: stdout + stderr }),
    );
  });
}

/** Whether a file of the model, and all that it imports, has types. */
export const typecheck = (file: string): Promise<QuintAnswer> => run(["typecheck", `${folder}/${file}`]);

/** Runs every scenario; `passedCount` of the answer says how many there were. */
export async function runScenarios(): Promise<QuintAnswer & { readonly passedCount: number }> {
  const file = `${folder}/simplexTest.qnt`;
  const answer = await run(["test", "--backend", "typescript", "--main", "simplexTest", file]);
  const passedCount = Number(/(\d+) passing/.exec(answer.output)?.[1] ?? 0);
  return { ...answer, passedCount };
}

/** What a run may reach, to show that its invariants were not about nothing. */
export const witnesses = ["someFinal", "someFinalWithData", "someFinalAfterSkip", "someFinalAfterLoss"] as const;
export type Witness = (typeof witnesses)[number];

export interface World {
  /** A module of `worlds.qnt`. */
  readonly name: string;
  /** The action that is repeated: `step`, or `steady` with fewer views given up. */
  readonly step: "step" | "steady";
  readonly stepsCount: number;
  /** What enough runs of this world reach. */
  readonly reaches: readonly Witness[];
}

export const worlds: readonly World[] = [
  { name: "votes", step: "step", stepsCount: 30, reaches: ["someFinal", "someFinalAfterSkip"] },
  { name: "stakes", step: "step", stepsCount: 36, reaches: ["someFinal", "someFinalAfterSkip"] },
  { name: "withLosses", step: "step", stepsCount: 30, reaches: ["someFinal", "someFinalAfterLoss"] },
  { name: "withLanes", step: "steady", stepsCount: 40, reaches: ["someFinal", "someFinalWithData"] },
  { name: "withBoth", step: "steady", stepsCount: 40, reaches: ["someFinalWithData", "someFinalAfterLoss"] },
];

export interface RandomRuns extends QuintAnswer {
  /** In how many runs each witness was reached. */
  readonly reached: Readonly<Record<Witness, number>>;
}

/** Random runs of one world; `everything` must hold in every state. The same seed gives the same runs. */
export async function runWorld(world: World, runsCount: number, seed: number): Promise<RandomRuns> {
  const { name, step, stepsCount } = world;
  const bounds = ["--max-samples", String(runsCount), "--max-steps", String(stepsCount), "--seed", String(seed)];
  const checks = ["--invariant", "everything", "--witnesses", ...witnesses];
  const answer = await run([
    ...["run", `${folder}/worlds.qnt`, "--backend", "typescript", "--verbosity", "1"],
    ...["--main", name, "--step", step, ...bounds, ...checks],
  ]);
  const count = (witness: Witness): number =>
    Number(new RegExp(`${witness} was witnessed in (\\d+) trace`).exec(answer.output)?.[1] ?? 0);
  const reached = Object.fromEntries(witnesses.map((witness) => [witness, count(witness)])) as RandomRuns["reached"];
  return { ...answer, passed: answer.passed && answer.output.includes("No violation found"), reached };
}
