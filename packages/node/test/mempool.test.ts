import { describe, expect, test } from "vitest";
import { activeEd25519 } from "@stoa/base/active-signature";
import { concatBytes } from "@stoa/base/bytes";
import type { Digest } from "@stoa/base/hash";
import { createPrng, type Prng } from "@stoa/base/prng";
import type { Money, PriceE8, TimeMs } from "@stoa/base/units";
import { chainIdOf } from "@stoa/protocol/genesis";
import { commandDigest } from "@stoa/protocol/command";
import type { Judgement } from "../src/admission.ts";
import { ways } from "../src/command-way.ts";
import { payloadWeightMax, weightMaxAt } from "../src/command-weight.ts";
import { isPrices } from "../src/envelope.ts";
import { createMempool, type Mempool, type MempoolOptions } from "../src/mempool.ts";
import { judge, malformed, signatureInvalid } from "../src/verdict.ts";
import { createNaiveMempool } from "./naive-mempool.ts";
import { keyOf, limitOrder, seedOf, signCommand, testChain } from "./network.ts";

const { genesis, accountSeeds, validatorSeeds } = testChain();
const [alice, bob] = accountSeeds as [(typeof accountSeeds)[0], (typeof accountSeeds)[0]];
const order = limitOrder({ instrument: 1, side: "buy", priceTicks: 120_000 });
const nowMs = Date.now();
const noneExcluded: readonly Uint8Array[] = [];

/** An exchange that says this of every command. */
const admitting = (judge: (encoded: Uint8Array) => Judgement): MempoolOptions["admission"] => ({
  judge,
  arrived: () => undefined,
  left: () => undefined,
});
const create = (overrides: Partial<MempoolOptions> = {}): Mempool =>
  createMempool({
    chainId: chainIdOf(genesis),
    validatorKeys: genesis.validators.map(({ key }) => key),
    admission: admitting(() => "account"),
    ...overrides,
  });
const digestsOf = (...commands: Uint8Array[]): Uint8Array => concatBytes(...commands.map(commandDigest));

/** Offers and judges, as the intake does. */
function admit(mempool: Mempool, encoded: Uint8Array): string {
  const offer = mempool.offer(encoded, nowMs);
  return typeof offer === "number" ? mempool.judged(offer, judge(encoded), nowMs) : offer;
}
const prices = (validator: number, sequence: number): Uint8Array =>
  signCommand(genesis, validatorSeeds[validator]!, {
    kind: "prices",
    sequence,
    sourceMs: nowMs as TimeMs,
    indexes: [{ index: 0, price: 1 as PriceE8 }],
    curves: [],
  });
const build = (mempool: Mempool, sizeMax = 1_000_000) =>
  mempool.build({ sizeMax, timeMs: nowMs, excluded: noneExcluded });

describe("the mempool", () => {
  test("admits a signed command once and gives it to a leader in order of arrival", () => {
    const mempool = create();
    const commands = [1, 2, 3].map(() => signCommand(genesis, alice, order));
    expect(commands.map((one) => admit(mempool, one))).toEqual(["none", "none", "none"]);
    expect(admit(mempool, commands[0]!)).toBe("known");
    expect(build(mempool).commands).toEqual(commands);
    expect(build(mempool).work).toBe(true);
  });

  test("refuses what is no command, another chain's, expired or badly signed", () => {
    const mempool = create();
    const good = signCommand(genesis, alice, order);
    expect(admit(mempool, new Uint8Array(20))).toBe("malformed");
    expect(admit(mempool, new Uint8Array(70_000))).toBe("malformed");
    const trailing = new Uint8Array(good.length + 1);
    trailing.set(good);
    expect(judge(trailing)).toBe(malformed);
    expect(admit(mempool, trailing)).toBe("malformed");
    expect(admit(mempool, signCommand(genesis, alice, order, { chainId: new Uint8Array(32) }))).toBe("chain-wrong");
    expect(admit(mempool, signCommand(genesis, alice, order, { expiresAtMs: (nowMs - 1) as TimeMs }))).toBe("expired");
    const forged = Uint8Array.from(good);
    forged[forged.length - 1]! ^= 1;
    expect([malformed, signatureInvalid]).toContain(judge(forged));
    expect(admit(mempool, forged)).not.toBe("none");
    expect(mempool.count()).toBe(0);
  });

  test("a nonce that waits already is refused, and is free again when its command is final", () => {
    const mempool = create();
    const first = signCommand(genesis, alice, order, { nonce: 7n });
    admit(mempool, first);
    const second = signCommand(genesis, alice, limitOrder({ instrument: 1, side: "sell", priceTicks: 1 }), {
      nonce: 7n,
    });
    expect(admit(mempool, second)).toBe("nonce-reused");
    expect(admit(mempool, signCommand(genesis, bob, order, { nonce: 7n }))).toBe("none");
    mempool.finalized(digestsOf(first), nowMs);
    expect(admit(mempool, second)).toBe("none");
  });

  test("an account has a quota, and forgeries in its name do not use it up", () => {
    const mempool = create({ commandsPerAccountCountMax: 2 });
    for (let count = 0; count < 10; count++) {
      const forged = signCommand(genesis, alice, order);
      forged[forged.length - 2]! ^= 1;
      expect(admit(mempool, forged)).toBe("signature-invalid");
    }
    expect([1, 2, 3].map(() => admit(mempool, signCommand(genesis, alice, order)))).toEqual([
      "none",
      "none",
      "account-quota",
    ]);
    expect(admit(mempool, signCommand(genesis, bob, order))).toBe("none");
  });

  test("the keys of an account share its quota, and so do its sub-accounts", () => {
    const mempool = create({ commandsPerAccountCountMax: 2 });
    const account = activeEd25519.publicKey(alice);
    expect(admit(mempool, signCommand(genesis, alice, order))).toBe("none");
    expect(admit(mempool, signCommand(genesis, bob, order, { account, subaccount: 1 }))).toBe("none");
    expect(admit(mempool, signCommand(genesis, alice, order))).toBe("account-quota");
    expect(admit(mempool, signCommand(genesis, bob, order))).toBe("none");
  });

  test("nobody takes more than a part of what is free, so there is room for one more", () => {
    const mempool = create({ commandsCountMax: 64 });
    const takenBy = (seed: (typeof accountSeeds)[0]): number => {
      for (let count = 0; ; count++) if (admit(mempool, signCommand(genesis, seed, order)) !== "none") return count;
    };
    const taken = Array.from({ length: 12 }, (_, index) => takenBy(seedOf(2_000 + index)));
    expect(taken[0]).toBe(4);
    expect(taken).toEqual([...taken].sort((left, right) => right - left));
    expect(taken.at(-1)).toBeGreaterThan(0);
    // The same by size: one command of four orders counts as what it takes.
    const size = signCommand(genesis, alice, order).length;
    const bySize = create({ sizeMax: 32 * size });
    expect([1, 2, 3].map(() => admit(bySize, signCommand(genesis, alice, order)))).toEqual([
      "none",
      "none",
      "account-quota",
    ]);
  });

  test("what the exchange's state refuses takes no place, not even to be checked", () => {
    const mempool = create({ admission: admitting(() => "key-expired") });
    expect(mempool.offer(signCommand(genesis, alice, order), nowMs)).toBe("key-expired");
    expect(mempool.count()).toBe(0);
  });

  test("the state is asked again when the signature has been checked", () => {
    let judgement: Judgement = "account";
    const mempool = create({ admission: admitting(() => judgement) });
    const encoded = signCommand(genesis, alice, order);
    const offer = mempool.offer(encoded, nowMs) as number;
    judgement = "nonce-reused";
    expect(mempool.judged(offer, judge(encoded), nowMs)).toBe("nonce-reused");
    expect(mempool.count()).toBe(0);
  });

  test("commands that no account answers for share one quota, from the moment they are offered", () => {
    const known = activeEd25519.publicKey(alice);
    const isKnown = (encoded: Uint8Array): boolean => Buffer.from(encoded.subarray(32, 64)).equals(known);
    const mempool = create({
      admission: admitting((encoded) => (isKnown(encoded) ? "account" : "common")),
      commonCommandsCountMax: 3,
    });
    const stranger = (index: number): Uint8Array => signCommand(genesis, seedOf(3_000 + index), order);
    const offers = [0, 1, 2, 3].map((index) => mempool.offer(stranger(index), nowMs));
    expect(offers.map((offer) => (typeof offer === "number" ? "unchecked" : offer))).toEqual([
      "unchecked",
      "unchecked",
      "unchecked",
      "common-quota",
    ]);
    expect(admit(mempool, signCommand(genesis, alice, order))).toBe("none");
    // A forgery gives its place back; so does what leaves.
    mempool.judged(offers[0] as number, signatureInvalid, nowMs);
    const next = stranger(4);
    expect(admit(mempool, next)).toBe("none");
    expect(admit(mempool, stranger(5))).toBe("common-quota");
    mempool.finalized(digestsOf(next), nowMs);
    expect(admit(mempool, stranger(6))).toBe("none");
  });

  test("when the state has changed, some of them count for their account and some leave", () => {
    let judgement: Judgement = "common";
    const heard: string[] = [];
    const mempool = create({
      admission: { judge: () => judgement, arrived: () => heard.push("arrived"), left: () => heard.push("left") },
      commonCommandsCountMax: 32,
      commandsPerAccountCountMax: 2,
    });
    const commands = [1, 2].map(() => signCommand(genesis, alice, order));
    for (const one of commands) expect(admit(mempool, one)).toBe("none");
    mempool.judgeAgain(nowMs);
    expect(mempool.count()).toBe(2);
    judgement = "account";
    mempool.judgeAgain(nowMs);
    expect(build(mempool).commands).toEqual(commands);
    expect(admit(mempool, signCommand(genesis, alice, order))).toBe("account-quota");
    judgement = "common";
    expect(admit(mempool, signCommand(genesis, bob, order))).toBe("none");
    judgement = "account-unknown";
    mempool.judgeAgain(nowMs);
    expect(build(mempool).commands).toEqual(commands);
    // It is told of what is being checked, too, and of what was not taken.
    expect(heard).toEqual(["arrived", "arrived", "arrived", "left", "arrived", "left"]);
  });

  test("nobody but a validator itself replaces its price message", () => {
    const mempool = create();
    const genuine = prices(0, 1);
    admit(mempool, genuine);
    const stranger = signCommand(
      genesis,
      alice,
      { kind: "prices", sequence: 9, sourceMs: nowMs as TimeMs, indexes: [], curves: [] },
      { account: activeEd25519.publicKey(validatorSeeds[0]!) },
    );
    admit(mempool, stranger);
    expect(build(mempool).commands).toContainEqual(genuine);
    admit(mempool, prices(0, 2));
    expect(build(mempool).commands).not.toContainEqual(genuine);
  });

  test("its count and its size have limits", () => {
    const byCount = create({ commandsCountMax: 2 });
    const seeds = accountSeeds.slice(0, 3);
    expect(seeds.map((seed) => admit(byCount, signCommand(genesis, seed, order)))).toEqual([
      "none",
      "none",
      "mempool-full",
    ]);
    const bySize = create({ sizeMax: 2 * signCommand(genesis, alice, order).length });
    expect(seeds.map((seed) => admit(bySize, signCommand(genesis, seed, order)))).toEqual([
      "none",
      "none",
      "mempool-full",
    ]);
  });

  test("a payload stays within its size, and leaves out what ancestors hold", () => {
    const mempool = create();
    const commands = Array.from({ length: 10 }, () => signCommand(genesis, alice, order));
    for (const one of commands) admit(mempool, one);
    const size = commands[0]!.length;
    expect(build(mempool, 4 + 3 * (size + 4)).commands).toHaveLength(3);
    const excluded = [digestsOf(...commands.slice(0, 4)), digestsOf(...commands.slice(4, 9))];
    expect(mempool.build({ sizeMax: 100_000, timeMs: nowMs, excluded }).commands).toEqual([commands[9]]);
  });

  test("the further execution is behind, the less work a leader adds; one command always fits", () => {
    const mempool = create();
    for (let count = 0; count < 10; count++) admit(mempool, signCommand(genesis, alice, order));
    const countAt = (weightMax: number): number =>
      mempool.build({ sizeMax: 1_000_000, timeMs: nowMs, excluded: noneExcluded, weightMax }).commands.length;
    expect([0, 1, 4, 100].map(countAt)).toEqual([1, 1, 4, 10]);
    const weights = [0, 8, 16, 64, 512].map(weightMaxAt);
    expect(weights[0]).toBe(payloadWeightMax);
    expect(weights).toEqual([...weights].sort((left, right) => right - left));
    expect(weights.at(-1)).toBeLessThan(10);
  });

  test("price messages are no work; of one validator only the newest waits", () => {
    const mempool = create();
    expect(admit(mempool, prices(0, 1))).toBe("none");
    expect(admit(mempool, prices(1, 1))).toBe("none");
    const newest = prices(0, 2);
    expect(admit(mempool, newest)).toBe("none");
    expect(mempool.count()).toBe(2);
    expect(mempool.hasWork()).toBe(false);
    expect(build(mempool)).toMatchObject({ work: false });
    expect(build(mempool).commands).toContainEqual(newest);
    const pretender = signCommand(genesis, alice, {
      kind: "prices",
      sequence: 1,
      sourceMs: nowMs as TimeMs,
      indexes: [],
      curves: [],
    });
    expect(admit(mempool, pretender)).toBe("none");
    expect(mempool.hasWork()).toBe(true);
  });

  test("what is final leaves and is known when it comes again; what has expired leaves", () => {
    const mempool = create();
    const first = signCommand(genesis, alice, order);
    const second = signCommand(
      genesis,
      alice,
      { kind: "faucet", asset: 0, amount: 1n as Money },
      { expiresAtMs: (nowMs + 10) as TimeMs },
    );
    admit(mempool, first);
    admit(mempool, second);
    mempool.finalized(digestsOf(first), nowMs);
    expect(admit(mempool, first)).toBe("known");
    expect(mempool.count()).toBe(1);
    mempool.finalized(digestsOf(), nowMs + 5_000);
    expect(mempool.count()).toBe(0);
    expect(mempool.hasWork()).toBe(false);
  });

  test("a command that became final while its signature was being checked does not enter", () => {
    const mempool = create();
    const encoded = signCommand(genesis, alice, order);
    const offer = mempool.offer(encoded, nowMs);
    mempool.finalized(digestsOf(encoded), nowMs);
    expect(mempool.offer(encoded, nowMs)).toBe("known");
    expect(mempool.judged(offer as number, judge(encoded), nowMs)).toBe("none");
    expect(mempool.count()).toBe(0);
  });

  test("commands that wait for long are told oldest first, and may leave while they are told", () => {
    const mempool = create();
    const commands = [1, 2, 3].map(() => signCommand(genesis, alice, order));
    commands.forEach((encoded, index) =>
      mempool.judged(mempool.offer(encoded, nowMs) as number, judge(encoded), nowMs + index),
    );
    const told: Uint8Array[] = [];
    mempool.forEachSince(nowMs + 1, (number) => {
      told.push(Uint8Array.from(mempool.encodedOf(number)));
      mempool.finalized(Uint8Array.from(mempool.digestOf(number)), nowMs);
    });
    expect(told).toEqual(commands.slice(0, 2));
    expect(build(mempool).commands).toEqual([commands[2]]);
  });
});

describe("the mempool does what the naive one does", () => {
  /** Commands of a few accounts: nonces and price messages that meet, forgeries, other chains, short lives, large ones. */
  function createCommands(prng: Prng, count: number): Uint8Array[] {
    const make = (): Uint8Array => {
      const overrides = {
        nonce: BigInt(prng.below(40)),
        expiresAtMs: (nowMs + (prng.below(4) === 0 ? prng.below(12_000) : 60_000)) as TimeMs,
        ...(prng.below(20) === 0 ? { chainId: new Uint8Array(32) as Digest } : {}),
        ...(prng.below(3) === 0 ? { account: keyOf(4_000 + prng.below(30)) } : {}),
      };
      const choice = prng.below(10);
      const sequence = prng.below(1_000);
      const body = { kind: "prices", sequence, sourceMs: nowMs as TimeMs, indexes: [], curves: [] } as const;
      if (choice === 0) return signCommand(genesis, validatorSeeds[prng.below(2)]!, body, overrides);
      if (choice === 1) return signCommand(genesis, alice, body, overrides);
      const parts = choice === 2 ? prng.below(60) + 1 : 0;
      const place = limitOrder({ instrument: 1, side: "buy", priceTicks: 1 + prng.below(1_000_000) });
      const encoded = signCommand(
        genesis,
        accountSeeds[prng.below(3)]!,
        parts === 0 ? place : { kind: "batch", parts: Array.from({ length: parts }, () => place) as never },
        overrides,
      );
      if (prng.below(15) === 0) encoded[encoded.length - 40]! ^= 1;
      return encoded;
    };
    return Array.from({ length: count }, make);
  }

  test.each([1, 2, 3, 5])("whatever comes, in whatever order (seed %i)", (seed) => {
    const prng = createPrng(seed);
    const standings: Judgement[] = Array.from({ length: 10 }, () => "account");
    const options = {
      chainId: chainIdOf(genesis),
      validatorKeys: genesis.validators.map(({ key }) => key),
      commandsCountMax: 20 + prng.below(10),
      sizeMax: 2_000 + prng.below(1_500),
      commandsPerAccountCountMax: 1 + prng.below(3),
      commonCommandsCountMax: 4 + prng.below(8),
      commonSizeMax: 1_000 + prng.below(4_000),
      // What an account is to the exchange follows from its key, and changes. Price messages speak for none.
      admission: admitting((encoded) => (isPrices(encoded) ? "account" : standings[encoded[40]! % standings.length]!)),
    };
    const mempool = createMempool(options);
    const naive = createNaiveMempool(options);
    const commands = createCommands(prng, 500);
    const checking = new Map<number, Uint8Array>();
    const answers = new Set<string>();
    let timeMs = nowMs;
    for (let step = 0; step < 4_000; step++) {
      const encoded = commands[prng.below(commands.length)]!;
      timeMs += prng.below(4);
      const action = prng.below(10);
      if (action < 5) {
        const offer = mempool.offer(encoded, timeMs);
        const word = typeof offer === "number" ? "unchecked" : offer;
        expect(word).toBe(naive.offer(encoded, timeMs));
        answers.add(word);
        if (typeof offer === "number") checking.set(offer, encoded);
      } else if (action < 9) {
        const [number, bytes] = [...checking][prng.below(checking.size + 1)] ?? [0, undefined];
        if (bytes === undefined) continue;
        expect(mempool.encodedOf(number)).toEqual(bytes);
        expect(mempool.digestOf(number)).toEqual(commandDigest(bytes));
        checking.delete(number);
        const verdict = judge(bytes);
        const answer = mempool.judged(number, verdict, timeMs);
        expect(answer).toBe(naive.judged(bytes, verdict, timeMs));
        answers.add(answer);
      } else {
        const [excludedCount, finalCount] = [prng.below(5), prng.below(3)];
        const sizeMax = prng.below(2) === 0 ? 1_000_000 : 1_000 + prng.below(6_000);
        const excluded = naive.build(sizeMax, timeMs, []).commands.slice(0, excludedCount).map(commandDigest);
        const weightMax = prng.below(2) === 0 ? payloadWeightMax : prng.below(70);
        const built = mempool.build({ sizeMax, timeMs, excluded: [concatBytes(...excluded), digestsOf()], weightMax });
        expect(built).toEqual(naive.build(sizeMax, timeMs, excluded, weightMax));
        const random = commands[prng.below(commands.length)]!;
        const final = [...built.commands.slice(0, finalCount).map((one) => Uint8Array.from(one)), random];
        // So far apart that the fast one looks for what has expired each time.
        timeMs += 1_000;
        mempool.finalized(digestsOf(...final), timeMs);
        naive.finalized(final.map(commandDigest), timeMs);
        const waiting: number[] = [];
        mempool.forEachSince(timeMs, (number) => waiting.push(number));
        const [some, way] = [waiting[prng.below(waiting.length + 1)], ways[prng.below(ways.length)]!];
        if (some !== undefined) {
          naive.setWay(mempool.encodedOf(some), way, timeMs);
          mempool.setWay(some, way, timeMs);
        }
        const batch = Array.from({ length: prng.below(4) }, () => commands[prng.below(commands.length)]!);
        mempool.inLane(digestsOf(...batch), timeMs);
        naive.inLane(batch, timeMs);
        if (prng.below(5) === 0) {
          mempool.outOfLane(digestsOf(...batch), timeMs);
          for (const one of batch) naive.setWay(one, "loose", timeMs);
          mempool.expectNothing(timeMs);
          naive.expectNothing(timeMs);
        }
        standings[prng.below(standings.length)] = (["account", "account", "common", "account-unknown"] as const)[
          prng.below(4)
        ]!;
        mempool.judgeAgain(timeMs);
        naive.judgeAgain(timeMs);
        commands.push(...createCommands(prng, 3));
      }
      expect([mempool.count(), mempool.size(), mempool.hasWork()]).toEqual([
        naive.count(),
        naive.size(),
        naive.hasWork(),
      ]);
      const ordered: unknown[] = [];
      mempool.forEachSince(timeMs, (number) => ordered.push([mempool.wayOf(number), mempool.isAfterLane(number)]));
      expect(ordered).toEqual(naive.ways());
      const since: Uint8Array[] = [];
      mempool.forEachSince(timeMs - 1_500, (number) => since.push(mempool.encodedOf(number)));
      expect(since).toEqual(naive.since(timeMs - 1_500));
    }
    expect([...answers].sort()).toEqual(
      expect.arrayContaining([
        "account-quota",
        "account-unknown",
        "common-quota",
        "expired",
        "known",
        "mempool-full",
        "nonce-reused",
        "none",
      ]),
    );
  });
});
