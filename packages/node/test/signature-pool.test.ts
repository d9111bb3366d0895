/** A lone command is checked in place; several go to a worker together. */
import { afterAll, expect, test } from "vitest";
import { startSignaturePool } from "../src/signature-pool.ts";
import { isValid, type Verdict } from "../src/verdict.ts";
import { limitOrder, signCommand, testChain, until } from "./network.ts";

const { genesis, accountSeeds } = testChain();
const commands = Array.from({ length: 3 }, (_, index) =>
  signCommand(genesis, accountSeeds[index]!, limitOrder({ instrument: 1, side: "buy", priceTicks: 120_000 })),
);
const forged = commands[0]!.slice();
forged[forged.length - 1]! ^= 1;

const verdicts = new Map<number, Verdict>();
const pool = startSignaturePool(1, (error) => {
  throw error;
});
const offered = [...commands, forged];
pool.serve({ take: (number) => offered[number], judged: (number, verdict) => void verdicts.set(number, verdict) });
afterAll(() => pool.stop());

/** No message of a worker comes before this resolves. */
const endOfTurn = (): Promise<void> => new Promise((resolve) => process.nextTick(() => process.nextTick(resolve)));

test("one command has its verdict at the end of the turn, a forged one too", async () => {
  for (const number of [0, 3]) {
    await new Promise((resolve) => setTimeout(resolve, 5));
    pool.check(number, false);
    expect(verdicts.has(number)).toBe(false);
    await endOfTurn();
    expect(isValid(verdicts.get(number)!)).toBe(number === 0);
  }
  expect(pool.backlog()).toBe(0);
});

test("several are a batch for a worker", async () => {
  verdicts.clear();
  for (const number of [0, 1, 2, 3]) pool.check(number, false);
  await endOfTurn();
  expect(verdicts.size).toBe(0);
  await until(() => verdicts.size === 4, "the worker's verdicts");
  expect([0, 1, 2, 3].map((number) => isValid(verdicts.get(number)!))).toEqual([true, true, true, false]);
});
