import { describe, expect, test } from "vitest";
import { activeEd25519 } from "@stoa/base/active-signature";
import type { Money, PriceE8, TimeMs } from "@stoa/base/units";
import { chainIdOf } from "@stoa/protocol/genesis";
import { commandDigest } from "@stoa/protocol/command";
import { payloadWeightMax, weightMaxAt } from "../src/command-weight.ts";
import { nameOf } from "../src/envelope.ts";
import { createMempool, type Mempool, type MempoolOptions } from "../src/mempool.ts";
import { judge, malformed, signatureInvalid } from "../src/verdict.ts";
import { limitOrder, signCommand, testChain } from "./network.ts";

const { genesis, accountSeeds, validatorSeeds } = testChain();
const [alice, bob] = accountSeeds as [(typeof accountSeeds)[0], (typeof accountSeeds)[0]];
const order = limitOrder({ instrument: 1, side: "buy", priceTicks: 120_000 });
const nowMs = Date.now();
const noneExcluded: ReadonlySet<string> = new Set();

const create = (overrides: Partial<MempoolOptions> = {}): Mempool =>
  createMempool({
    chainId: chainIdOf(genesis),
    validatorKeys: genesis.validators.map(({ key }) => key),
    ...overrides,
  });
const nameOfCommand = (encoded: Uint8Array): string => nameOf(commandDigest(encoded));

/** Offers and judges, as the intake does. */
function admit(mempool: Mempool, encoded: Uint8Array): string {
  const offer = mempool.offer(encoded, nowMs);
  if (offer.kind === "refused") return offer.refusal;
  if (offer.kind === "known") return "known";
  return mempool.judged(offer.name, judge(encoded));
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
    mempool.finalized([nameOfCommand(first)], nowMs);
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

  test("whoever signs in another's name uses up his own quota, not the other's", () => {
    const mempool = create({ commandsPerAccountCountMax: 2 });
    const inHerName = (): Uint8Array => signCommand(genesis, bob, order, { account: activeEd25519.publicKey(alice) });
    expect([1, 2, 3].map(() => admit(mempool, inHerName()))).toEqual(["none", "none", "account-quota"]);
    expect(admit(mempool, signCommand(genesis, alice, order))).toBe("none");
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
    expect([1, 2, 3].map(() => admit(byCount, signCommand(genesis, alice, order)))).toEqual([
      "none",
      "none",
      "mempool-full",
    ]);
    const bySize = create({ sizeMax: 2 * signCommand(genesis, alice, order).length });
    expect([1, 2, 3].map(() => admit(bySize, signCommand(genesis, alice, order)))).toEqual([
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
    const excluded = new Set(commands.slice(0, 9).map(nameOfCommand));
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
    mempool.finalized([nameOfCommand(first)], nowMs);
    expect(admit(mempool, first)).toBe("known");
    expect(mempool.count()).toBe(1);
    mempool.finalized([], nowMs + 5_000);
    expect(mempool.count()).toBe(0);
    expect(mempool.hasWork()).toBe(false);
  });

  test("a command that became final while its signature was being checked does not enter", () => {
    const mempool = create();
    const encoded = signCommand(genesis, alice, order);
    const offer = mempool.offer(encoded, nowMs);
    mempool.finalized([nameOfCommand(encoded)], nowMs);
    expect(offer.kind === "unchecked" && mempool.judged(offer.name, judge(encoded))).toBe("none");
    expect(mempool.count()).toBe(0);
  });
});
