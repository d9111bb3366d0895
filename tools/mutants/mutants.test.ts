/**
 * The table of mutants, and a few of them put to the test: one for each way of noticing. All of them, with a table of who noticed:
 * `npm run verify:mutants`.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readText, root } from "../sources.ts";
import { catchMutant } from "./catch.ts";
import { createSandbox, mutatedText, type Sandbox } from "./sandbox.ts";
import { mutants } from "./table.ts";

let sandbox: Sandbox;
beforeAll(() => {
  sandbox = createSandbox();
});
afterAll(() => sandbox.remove());

test("at least thirty rules of the protocol are broken, each in a way of its own", () => {
  expect(mutants.length).toBeGreaterThanOrEqual(30);
  expect(new Set(mutants.map(({ name }) => name)).size).toBe(mutants.length);
  expect(new Set(mutants.map(({ file, find, replace }) => JSON.stringify([file, find, replace]))).size).toBe(
    mutants.length,
  );
  const criteria = readText("spec/consensus.md") + readText("spec/light-client.md");
  expect(mutants.filter(({ rule }) => !criteria.includes(`**${rule}**`)).map(({ name }) => name)).toEqual([]);
});

test("every mutant finds its place in the shipped source exactly once, and changes it", () => {
  for (const { file, find, replace, name } of mutants) {
    expect(mutatedText(file, find, replace), name).not.toBe(readText(`packages/${file}`));
  }
});

test("every test that is to notice a mutant exists", () => {
  const missing = mutants
    .flatMap(({ checks }) => checks)
    .filter((check) => check.by === "test")
    // A title made from a table holds the words as a part, up to the first that the table fills in.
    .filter(({ file, name }) => !readText(file).includes(name) && !readText(file).includes(name.split(" ").at(-1)!));
  expect(missing).toEqual([]);
});

test.for([
  "notarizes a second block in a view",
  "writes a vote after it is sent",
  "takes any certified block of the view as the parent",
  "votes in the view of the floor of a lost log",
  "does not write the block that it votes for",
  "exactly two thirds of the stake are a quorum",
  "takes a proposal from a validator that does not lead",
])("the mutant that %s is noticed", async (name) => {
  const mutant = mutants.find((one) => one.name === name)!;
  const outcomes = await catchMutant(sandbox, mutant);
  expect(outcomes.length).toBeGreaterThan(0);
  for (const { caught, fact } of outcomes) expect(caught, fact).toBe(true);
  // The copy is as it was, and the working tree was never touched.
  const copied = readFileSync(join(sandbox.folder, "packages", mutant.file), "utf8");
  expect(copied).toBe(readFileSync(join(root, "packages", mutant.file), "utf8"));
});

test("code as it is passes a check that notices mutants", async () => {
  const mutant = mutants.find((one) => one.name === "skips views without a nullification")!;
  const harmless = { ...mutant, replace: `${mutant.find} // as it was`, checks: mutant.checks.slice(0, 1) };
  expect(await catchMutant(sandbox, harmless)).toMatchObject([{ caught: false, fact: "nothing noticed" }]);
});
