import { describe, expect, test } from "vitest";
import { concatBytes } from "@stoa/base/bytes";
import type { PriceE8, TimeMs } from "@stoa/base/units";
import type { ValidatorIndex } from "@stoa/protocol/primitives";
import { chainIdOf } from "@stoa/protocol/genesis";
import { commandDigest } from "@stoa/protocol/command";
import { createChecker, nobody } from "../src/checker.ts";
import { createIntake } from "../src/command-intake.ts";
import { homeOf } from "../src/command-way.ts";
import { createMempool } from "../src/mempool.ts";
import { judge } from "../src/verdict.ts";
import { fakePool, type FakeCheck } from "./fake-pool.ts";
import { limitOrder, seedOf, signCommand, testChain } from "./network.ts";

const { genesis, accountSeeds, validatorSeeds } = testChain();
const order = limitOrder({ instrument: 1, side: "buy", priceTicks: 120_000 });
const signed = (): Uint8Array => signCommand(genesis, accountSeeds[0]!, order);
const prices = (): Uint8Array =>
  signCommand(genesis, validatorSeeds[0]!, {
    kind: "prices",
    sequence: 1,
    sourceMs: Date.now() as TimeMs,
    indexes: [{ index: 0, price: 1 as PriceE8 }],
    curves: [],
  });
const peer = 2 as ValidatorIndex;

/** A lane with room for so many commands; `isHome`: whether those that all validators have belong into it. */
function laneOf(options: { readonly isOn?: boolean; readonly isHome?: boolean; readonly room?: number } = {}) {
  const { isHome = true, room = 100 } = options;
  let { isOn = false } = options;
  const [taken, lying]: [Uint8Array[], Uint8Array[]] = [[], []];
  return {
    taken,
    lying,
    turn: (now: boolean) => void (isOn = now),
    isOn: () => isOn,
    isHome: () => isHome,
    missed: (encoded: Uint8Array) => void lying.push(Uint8Array.from(encoded)),
    put: (encoded: Uint8Array) => taken.length < room && 0 < taken.push(Uint8Array.from(encoded)),
  };
}

function setUp(lane = laneOf()) {
  const checks: FakeCheck[] = [];
  const forwarded: { encoded: Uint8Array; knownBy: number[] }[] = [];
  const answers: { id: number; refusal: string }[] = [];
  const awaited: number[] = [];
  const blamed: number[] = [];
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
    lane,
    wallMs: () => nowMs,
    answer(id, refusal, isAwaited) {
      answers.push({ id, refusal });
      if (isAwaited) awaited.push(id);
    },
    forward: (encoded, knownBy) => void forwarded.push({ encoded: Uint8Array.from(encoded), knownBy: [...knownBy] }),
    forged: (from) => void blamed.push(from),
    arrived: () => void arrivals++,
  });
  return {
    intake,
    checker,
    mempool,
    forwarded,
    answers,
    awaited,
    blamed,
    arrivals: () => arrivals,
    judgeAll: () => checks.splice(0).forEach(({ encoded, done }) => done(judge(encoded))),
    nowMs: () => nowMs,
    pass: (timeMs: number) => void (nowMs += timeMs),
  };
}

test("a peer that sends on what nobody signed is to blame; whoever offers it as a client is only refused (NET-031)", () => {
  const { intake, blamed, answers, judgeAll } = setUp();
  const forged = signed();
  forged[forged.length - 1]! ^= 1;
  intake.fromClient(1, forged, false);
  judgeAll();
  expect(answers).toEqual([{ id: 1, refusal: "signature-invalid" }]);
  expect(blamed).toEqual([]);
  const another = signed();
  another[another.length - 1]! ^= 1;
  intake.fromPeer(peer, another);
  intake.fromPeer(peer, signed());
  judgeAll();
  expect(blamed).toEqual([peer]);
  intake.fromPeer(peer, new Uint8Array(3));
  intake.fromPeer(peer, new Uint8Array(220).fill(251));
  judgeAll();
  expect(blamed).toEqual([peer, peer, peer]);
});

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

  test("are answered at once but for the word to who gives them to all that they were taken", () => {
    const { intake, judgeAll, awaited, answers } = setUp();
    const [one, other] = [signed(), signed()];
    const forged = signed();
    forged[forged.length - 1]! ^= 1;
    intake.fromClient(1, one, false);
    intake.fromClient(2, other, true);
    intake.fromClient(3, forged, true);
    judgeAll();
    intake.fromClient(4, one, false);
    intake.fromClient(5, other, true);
    intake.fromClient(6, new Uint8Array(3), true);
    expect(answers).toHaveLength(6);
    expect(awaited).toEqual([1, 3, 4, 6]);
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

  test("given to all validators are sent on only if a block with room leaves them out after half a second", () => {
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
    intake.ordered(1_000);
    intake.tick();
    expect(forwarded).toEqual([]);
    intake.ordered(1);
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

describe("commands of clients while lanes are used", () => {
  const built = ({ mempool, nowMs }: ReturnType<typeof setUp>) =>
    mempool.build({ sizeMax: 100_000, timeMs: nowMs(), excluded: [] }).commands.length;
  const held = (...commands: Uint8Array[]) => concatBytes(...commands.map(commandDigest));

  test("given to this validator alone go into its lane and nowhere else", () => {
    const lane = laneOf({ isOn: true, isHome: false });
    const set = setUp(lane);
    const encoded = signed();
    set.intake.fromClient(1, encoded, false);
    set.judgeAll();
    set.pass(600);
    set.intake.ordered(0);
    set.intake.tick();
    expect([lane.taken, set.forwarded, built(set)]).toEqual([[encoded], [], 0]);
    expect(set.mempool.hasWork()).toBe(true);
  });

  test("given to all are put into a lane by one validator, and by the others left to it", () => {
    const [home, other] = [laneOf({ isOn: true }), laneOf({ isOn: true, isHome: false })];
    const sets = [setUp(home), setUp(other)];
    const encoded = signed();
    for (const set of sets) {
      set.intake.fromClient(1, encoded, true);
      set.judgeAll();
    }
    expect([home.taken, other.taken, ...sets.map(built)]).toEqual([[encoded], [], 0, 0]);
    for (const set of sets) {
      set.mempool.inLane(held(encoded), set.nowMs());
      set.pass(600);
      set.intake.ordered(0);
      set.intake.tick();
    }
    expect([...sets.map(({ forwarded }) => forwarded.length), ...sets.map(built)]).toEqual([0, 0, 0, 0]);
  });

  test("that their home does not put into its lane are loose after two seconds, or when a validator goes, and are sent on", () => {
    const lane = laneOf({ isOn: true, isHome: false });
    const set = setUp(lane);
    const encoded = signed();
    set.intake.fromClient(1, encoded, true);
    set.judgeAll();
    expect(built(set)).toBe(0);
    set.pass(1_900);
    set.intake.ordered(0);
    set.intake.tick();
    expect([built(set), set.forwarded.length]).toEqual([0, 0]);
    set.pass(200);
    expect(built(set)).toBe(1);
    set.intake.tick();
    expect([set.forwarded, lane.lying]).toEqual([[{ encoded, knownBy: [] }], [encoded]]);
    set.intake.fromClient(2, signed(), true);
    set.judgeAll();
    expect(built(set)).toBe(1);
    set.mempool.expectNothing(set.nowMs());
    expect(built(set)).toBe(2);
  });

  test("do not overtake each other when lanes begin to be used, nor when they are not used any more", () => {
    const lane = laneOf();
    const set = setUp(lane);
    const commands = [1, 2, 3, 4, 5].map(signed);
    const give = (index: number): void => {
      set.intake.fromClient(index, commands[index]!, true);
      set.judgeAll();
    };
    [0, 1].forEach(give);
    expect([lane.taken.length, built(set)]).toEqual([0, 2]);
    lane.turn(true);
    give(2);
    expect([lane.taken, built(set)]).toEqual([commands.slice(0, 3), 0]);
    lane.turn(false);
    give(3);
    expect([lane.taken, built(set)]).toEqual([commands.slice(0, 4), 0]);
    set.mempool.finalized(held(...commands.slice(0, 4)), set.nowMs());
    give(4);
    expect([lane.taken.length, built(set)]).toEqual([4, 1]);
  });

  test("for which the lane has no room are loose, as prices and what peers send always are", () => {
    const full = laneOf({ isOn: true, room: 0 });
    const first = setUp(full);
    first.intake.fromClient(1, signed(), false);
    first.judgeAll();
    expect([first.forwarded.length, built(first)]).toEqual([1, 1]);
    const lane = laneOf({ isOn: true });
    const second = setUp(lane);
    second.intake.fromClient(1, prices(), false);
    second.intake.fromPeer(peer, signed());
    second.judgeAll();
    expect([lane.taken.length, second.forwarded.length, built(second)]).toEqual([0, 1, 2]);
  });

  test("that come after the batch that holds them go nowhere", () => {
    const lane = laneOf({ isOn: true });
    const set = setUp(lane);
    const encoded = signed();
    set.mempool.inLane(held(encoded), set.nowMs());
    set.intake.fromClient(1, encoded, false);
    set.judgeAll();
    expect([lane.taken.length, set.forwarded.length, built(set)]).toEqual([0, 0, 0]);
    expect(set.answers).toEqual([{ id: 1, refusal: "none" }]);
  });

  test("in a lane that does not get on are taken by a leader after half a minute", () => {
    const set = setUp(laneOf({ isOn: true }));
    set.intake.fromClient(1, signed(), false);
    set.judgeAll();
    set.pass(29_900);
    expect(built(set)).toBe(0);
    set.pass(200);
    expect(built(set)).toBe(1);
  });
});

test("every account has one home among the validators that will do, and each of them is home to some", () => {
  const ofAccount = (account: number): Uint8Array => signCommand(genesis, seedOf(500 + account), order);
  const accounts = Array.from({ length: 48 }, (_, account) => account);
  const homesAmong = (willDo: (index: number) => boolean) =>
    accounts.map((account) => homeOf(ofAccount(account), 4, willDo));
  const homes = homesAmong(() => true);
  expect(new Set(homes)).toEqual(new Set([0, 1, 2, 3]));
  expect(homesAmong(() => true)).toEqual(homes);
  expect(homesAmong((index) => index !== 2)).toEqual(homes.map((home) => (home === 2 ? 3 : home)));
  expect(homesAmong(() => false)).toEqual(homes);
});
