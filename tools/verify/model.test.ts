/** The model of the consensus in `spec/consensus`: types, scenarios, and a few random runs. More: `npm run verify:model`. */
import { expect, test } from "vitest";
import { readText } from "../sources.ts";
import { runScenarios, runWorld, typecheck, worlds } from "./quint.ts";

/** Quint is a process of its own, and slow to start where others want the processors, too. */
const patient = { timeout: 300_000 };

test("the model has types", patient, async () => {
  // With it `simplex.qnt`, which it imports; the runs below check `worlds.qnt` on their way.
  const { passed, output } = await typecheck("simplexTest.qnt");
  expect(passed, output).toBe(true);
});

test(
  "every scenario of the model ends as it says: each rule refuses its attack, and without it the attack succeeds",
  patient,
  async () => {
    const written = readText("spec/consensus/simplexTest.qnt").match(/^ {2}run \w+Test =/gm)!.length;
    expect(written).toBeGreaterThan(30);
    const { passed, passedCount, output } = await runScenarios();
    expect(passed, output).toBe(true);
    expect(passedCount).toBe(written);
  },
);

test.for(worlds)("random runs of the world $name break no invariant", patient, async (world) => {
  const { passed, output, reached } = await runWorld(world, 10, 7);
  expect(passed, output).toBe(true);
  // That something happens at all; what else is reached takes more runs than there is time for here.
  if (world.name === "votes") expect(reached.someFinal).toBeGreaterThan(0);
});

test("each invariant of the model is stated in words beside it", () => {
  const lines = readText("spec/consensus/simplex.qnt").split("\n");
  const from = lines.findIndex((line) => line.includes("---- invariants"));
  const until = lines.findIndex((line) => line.includes("---- witnesses"));
  const invariants = lines
    .map((line, index) => ({ name: /^ {2}val (\w+)/.exec(line)?.[1], before: lines[index - 1] ?? "", index }))
    .filter(({ name, index }) => name !== undefined && from < index && index < until);
  // Names for parts, and conjunctions of what has its words already.
  const parts = ["finals", "certified", "safety", "lanes", "everything"];
  const silent = invariants.filter(({ name, before }) => !parts.includes(name!) && !before.trim().startsWith("///"));
  expect(invariants.length).toBeGreaterThan(12);
  expect(silent.map(({ name }) => name)).toEqual([]);
});
