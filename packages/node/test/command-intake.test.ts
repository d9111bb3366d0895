import { describe, expect, test } from "vitest";
import type { ValidatorIndex } from "@stoa/protocol/primitives";
import { chainIdOf } from "@stoa/protocol/genesis";
import { commandDigest } from "@stoa/protocol/command";
import { createChecker, nobody } from "../src/checker.ts";
import { createIntake } from "../src/command-intake.ts";
import { createMempool } from "../src/mempool.ts";
import { judge } from "../src/verdict.ts";
import { fakePool, type FakeCheck } from "./fake-pool.ts";
import { limitOrder, signCommand, testChain } from "./network.ts";

const { genesis, accountSeeds } = testChain();
const order = limitOrder({ instrument: 1, side: "buy", priceTicks: 120_000 });
const signed = (): Uint8Array => signCommand(genesis, accountSeeds[0]!, order);
const peer = 2 as ValidatorIndex;

function setUp() {
  const checks: FakeCheck[] = [];
  const forwarded: { encoded: Uint8Array; knownBy: number[] }[] = [];
  const answers: { id: number; refusal: string }[] = [];
  let nowMs = Date.now();
  let arrivals = 0;
  const mempool = createMempool({
    chainId: chainIdOf(genesis),
    validatorKeys: genesis.validators.map(({ key }) => key),
    admission: { judge: () => "account", arrived: () => undefined, left: () => undefined },
  });
  const pool = fakePool(
    (check) => void checks.push(check),
    () => checks.length,
  );
  const checker = createChecker(100, pool);
  const intake = createIntake({
    mempool,
    checker,
    wallMs: () => nowMs,
    answer: (id, refusal) => void answers.push({ id, refusal }),
    forward: (encoded, knownBy) => void forwarded.push({ encoded: Uint8Array.from(encoded), knownBy: [...knownBy] }),
    arrived: () => void arrivals++,
  });
  return {
    intake,
    checker,
    mempool,
    forwarded,
    answers,
    arrivals: () => arrivals,
    judgeAll: () => checks.splice(0).forEach(({ encoded, done }) => done(judge(encoded))),
    pass: (timeMs: number) => void (nowMs += timeMs),
  };
}

describe("commands on their way into the mempool", () => {
  test("from a client are checked, admitted, sent on at once, and answered", () => {
    const { intake, judgeAll, forwarded, answers, arrivals } = setUp();
    const encoded = signed();
    intake.fromClient(1, encoded, false);
    expect([forwarded.length, answers.length]).toEqual([0, 0]);
    judgeAll();
    expect(forwarded).toEqual([{ encoded, knownBy: [] }]);
    expect(answers).toEqual([{ id: 1, refusal: "none" }]);
    expect(arrivals()).toBe(1);
  });

  test("are not sent back to a peer that had them", () => {
    const { intake, judgeAll, forwarded } = setUp();
    const encoded = signed();
    intake.fromClient(1, encoded, false);
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
    const { intake, judgeAll, forwarded, mempool, pass } = setUp();
    const [first, second] = [signed(), signed()];
    intake.fromClient(1, first, true);
    intake.fromClient(2, second, true);
    judgeAll();
    intake.tick();
    expect(forwarded).toEqual([]);
    mempool.finalized(commandDigest(first), 0);
    pass(600);
    intake.tick();
    intake.tick();
    expect(forwarded).toEqual([{ encoded: second, knownBy: [] }]);
  });

  test("are answered each time they are offered, and checked once", () => {
    const { intake, judgeAll, answers } = setUp();
    const encoded = signed();
    intake.fromClient(1, encoded, false);
    intake.fromClient(2, encoded, true);
    judgeAll();
    intake.fromClient(3, encoded, false);
    expect(answers).toEqual([1, 2, 3].map((id) => ({ id, refusal: "none" })));
  });

  test("offered by several while they are being checked are answered to each, and sent on at once if one of them asks", () => {
    const { intake, judgeAll, forwarded, answers } = setUp();
    const encoded = signed();
    intake.fromPeer(peer, encoded);
    intake.fromClient(1, encoded, true);
    intake.fromClient(2, encoded, false);
    intake.fromClient(3, encoded, true);
    judgeAll();
    expect(answers).toEqual([1, 2, 3].map((id) => ({ id, refusal: "none" })));
    expect(forwarded).toEqual([{ encoded, knownBy: [peer] }]);
  });

  test("with a forged signature are refused and go no further", () => {
    const { intake, judgeAll, forwarded, answers, mempool } = setUp();
    const encoded = signed();
    encoded[encoded.length - 40]! ^= 1;
    intake.fromClient(1, encoded, false);
    judgeAll();
    expect(answers).toEqual([{ id: 1, refusal: "signature-invalid" }]);
    expect([forwarded.length, mempool.count()]).toEqual([0, 0]);
  });

  test("that this node has checked already, for a proposal, are admitted and answered at once", () => {
    const { intake, checker, judgeAll, answers, mempool } = setUp();
    const encoded = signed();
    checker.check({ digest: commandDigest(encoded), encoded }, true, nobody, 0);
    judgeAll();
    intake.fromClient(5, encoded, true);
    expect(answers).toEqual([{ id: 5, refusal: "none" }]);
    expect(mempool.count()).toBe(1);
  });

  test("that became final while they were being checked are answered, and neither wait nor are sent on", () => {
    const { intake, judgeAll, forwarded, answers, mempool } = setUp();
    const encoded = signed();
    intake.fromClient(1, encoded, false);
    mempool.finalized(commandDigest(encoded), 0);
    intake.fromClient(2, encoded, false);
    expect(answers).toEqual([{ id: 2, refusal: "none" }]);
    judgeAll();
    expect(answers).toEqual([2, 1].map((id) => ({ id, refusal: "none" })));
    expect([forwarded.length, mempool.count()]).toEqual([0, 0]);
  });
});
