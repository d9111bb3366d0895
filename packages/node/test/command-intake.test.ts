import { describe, expect, test } from "vitest";
import type { ValidatorIndex } from "@stoa/protocol/primitives";
import { chainIdOf } from "@stoa/protocol/genesis";
import { commandDigest } from "@stoa/protocol/command";
import { createChecker } from "../src/checker.ts";
import { createIntake } from "../src/command-intake.ts";
import { nameOf } from "../src/envelope.ts";
import { createMempool } from "../src/mempool.ts";
import { createVerdictCache, judge, type Verdict } from "../src/verdict.ts";
import { limitOrder, signCommand, testChain } from "./network.ts";

const { genesis, accountSeeds } = testChain();
const order = limitOrder({ instrument: 1, side: "buy", priceTicks: 120_000 });
const signed = (): Uint8Array => signCommand(genesis, accountSeeds[0]!, order);
const peer = 2 as ValidatorIndex;

function setUp() {
  const checks: { encoded: Uint8Array; done: (verdict: Verdict) => void }[] = [];
  const forwarded: { encoded: Uint8Array; knownBy: number[] }[] = [];
  const answers: string[] = [];
  let nowMs = Date.now();
  let arrivals = 0;
  const mempool = createMempool({
    chainId: chainIdOf(genesis),
    validatorKeys: genesis.validators.map(({ key }) => key),
  });
  const pool = {
    check: (encoded: Uint8Array, _: boolean, done: (verdict: Verdict) => void) => void checks.push({ encoded, done }),
    backlog: () => checks.length,
  };
  const intake = createIntake({
    mempool,
    checker: createChecker(createVerdictCache(100), pool),
    wallMs: () => nowMs,
    forward: (encoded, knownBy) => void forwarded.push({ encoded, knownBy: [...knownBy] }),
    arrived: () => void arrivals++,
  });
  return {
    intake,
    mempool,
    forwarded,
    answers,
    answer: (refusal: string) => void answers.push(refusal),
    arrivals: () => arrivals,
    judgeAll: () => checks.splice(0).forEach(({ encoded, done }) => done(judge(encoded))),
    pass: (timeMs: number) => void (nowMs += timeMs),
  };
}

describe("commands on their way into the mempool", () => {
  test("from a client are checked, admitted, sent on at once, and answered", () => {
    const { intake, judgeAll, forwarded, answers, answer, arrivals } = setUp();
    const encoded = signed();
    intake.fromClient(encoded, false, answer);
    expect([forwarded.length, answers.length]).toEqual([0, 0]);
    judgeAll();
    expect(forwarded).toEqual([{ encoded, knownBy: [] }]);
    expect(answers).toEqual(["none"]);
    expect(arrivals()).toBe(1);
  });

  test("are not sent back to a peer that had them", () => {
    const { intake, judgeAll, forwarded, answer } = setUp();
    const encoded = signed();
    intake.fromClient(encoded, false, answer);
    intake.fromPeer(peer, encoded);
    judgeAll();
    expect(forwarded).toEqual([{ encoded, knownBy: [peer] }]);
  });

  test("from a peer are admitted and not sent on", () => {
    const { intake, judgeAll, forwarded, mempool } = setUp();
    intake.fromPeer(peer, signed());
    judgeAll();
    expect(forwarded).toEqual([]);
    expect(mempool.count()).toBe(1);
  });

  test("given to all validators are sent on only if they still wait after half a second", () => {
    const { intake, judgeAll, forwarded, answer, mempool, pass } = setUp();
    const [first, second] = [signed(), signed()];
    intake.fromClient(first, true, answer);
    intake.fromClient(second, true, answer);
    judgeAll();
    intake.tick();
    expect(forwarded).toEqual([]);
    mempool.finalized([nameOf(commandDigest(first))], 0);
    pass(600);
    intake.tick();
    intake.tick();
    expect(forwarded).toEqual([{ encoded: second, knownBy: [] }]);
  });

  test("are answered each time they are offered, and checked once", () => {
    const { intake, judgeAll, answers, answer } = setUp();
    const encoded = signed();
    intake.fromClient(encoded, false, answer);
    intake.fromClient(encoded, true, answer);
    judgeAll();
    intake.fromClient(encoded, false, answer);
    expect(answers).toEqual(["none", "none", "none"]);
  });

  test("with a forged signature are refused and go no further", () => {
    const { intake, judgeAll, forwarded, answers, answer, mempool } = setUp();
    const encoded = signed();
    encoded[encoded.length - 1]! ^= 1;
    intake.fromClient(encoded, false, answer);
    judgeAll();
    expect(answers[0]).not.toBe("none");
    expect([forwarded.length, mempool.count()]).toEqual([0, 0]);
  });
});
