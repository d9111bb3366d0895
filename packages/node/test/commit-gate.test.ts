import { describe, expect, test } from "vitest";
import type { FinalBlock } from "@stoa/protocol/block";
import { encodePayload } from "@stoa/protocol/payload";
import { createChecker } from "../src/checker.ts";
import { createCommitGate } from "../src/commit-gate.ts";
import { startSignaturePool } from "../src/signature-pool.ts";
import { fakePool, type FakeCheck } from "./fake-pool.ts";
import { isValid, judge, weightOf, type Verdict } from "../src/verdict.ts";
import { limitOrder, signCommand, testChain, until } from "./network.ts";

const { genesis, accountSeeds } = testChain();
const order = limitOrder({ instrument: 1, side: "buy", priceTicks: 120_000 });
const signed = (): Uint8Array => signCommand(genesis, accountSeeds[0]!, order);
function forged(): Uint8Array {
  const encoded = signed();
  encoded[encoded.length - 40]! ^= 1;
  return encoded;
}
const blockOf = (height: number, ...commands: Uint8Array[]): FinalBlock =>
  ({ header: { height }, payload: encodePayload(commands) }) as unknown as FinalBlock;

const bytes = (size: number): Uint8Array => new Uint8Array(size);

function gateOver(asked: FakeCheck[]) {
  const released: { height: number; bits: number[]; encoded: number }[] = [];
  const pool = fakePool(
    (check) => void asked.push(check),
    () => asked.length,
  );
  const checker = createChecker(1_000, pool);
  const gate = createCommitGate(checker, ({ header }, encoded, bits) =>
    released.push({ height: header.height, bits: [...bits], encoded: encoded.length }),
  );
  return { gate, checker, released };
}

describe("the gate before execution", () => {
  test("a block waits until each of its signatures was checked here, and bits say what was found", () => {
    const asked: FakeCheck[] = [];
    const { gate, released } = gateOver(asked);
    gate.put(blockOf(1, signed(), forged(), signed()), bytes(11));
    expect(released).toEqual([]);
    expect(asked.every(({ urgent }) => urgent)).toBe(true);
    for (const { encoded, done } of asked) done(judge(encoded));
    expect(released).toEqual([{ height: 1, bits: [0b101], encoded: 11 }]);
  });

  test("blocks leave in order, whichever is ready first", () => {
    const asked: FakeCheck[] = [];
    const { gate, released } = gateOver(asked);
    gate.put(blockOf(1, signed()), bytes(1));
    gate.put(blockOf(2), bytes(1));
    gate.put(blockOf(3, signed()), bytes(1));
    expect(released).toEqual([]);
    asked[1]!.done(judge(asked[1]!.encoded));
    expect(released).toEqual([]);
    asked[0]!.done(judge(asked[0]!.encoded));
    expect(released.map(({ height }) => height)).toEqual([1, 2, 3]);
  });

  test("a command is checked once, whichever ways it comes by", () => {
    const asked: FakeCheck[] = [];
    const { gate, released } = gateOver(asked);
    const encoded = signed();
    const block = blockOf(1, encoded, encoded);
    gate.anticipate(block.payload);
    gate.put(block, bytes(1));
    expect(asked).toHaveLength(1);
    asked[0]!.done(judge(encoded));
    gate.put(blockOf(2, encoded), bytes(1));
    expect(asked).toHaveLength(1);
    expect(released.map(({ bits }) => bits)).toEqual([[0b11], [0b1]]);
  });

  test("a payload that is no list holds no commands", () => {
    const { gate, released } = gateOver([]);
    gate.put({ header: { height: 1 }, payload: Uint8Array.of(1, 2, 3) } as unknown as FinalBlock, bytes(2));
    expect(released).toEqual([{ height: 1, bits: [], encoded: 2 }]);
  });
});

test("the pool checks on other threads and tells good, forged and malformed commands apart", async () => {
  const pool = startSignaturePool(2, (error) => {
    throw error;
  });
  const commands = Array.from({ length: 300 }, (_, index) =>
    index % 3 === 0 ? signed() : index % 3 === 1 ? forged() : Uint8Array.of(1, 2, 3),
  );
  const verdicts = new Map<number, Verdict>();
  pool.serve({
    take: (number) => (number < commands.length ? commands[number] : undefined),
    judged: (number, verdict) => void verdicts.set(number, verdict),
  });
  commands.forEach((_, index) => pool.check(index, index % 2 === 0));
  pool.check(commands.length, true);
  await until(() => verdicts.size === commands.length, "all verdicts");
  commands.forEach((encoded, index) => expect(verdicts.get(index)).toBe(judge(encoded)));
  expect(isValid(verdicts.get(0)!)).toBe(true);
  expect(weightOf(verdicts.get(0)!)).toBe(1);
  expect(pool.backlog()).toBe(0);
  await pool.stop();
});
