/**
 * Every reason for which a command is refused, and what a refusal leaves behind: nothing, but for the nonce of a command that
 * was its account's to give. Two worlds run side by side; the one that was not asked must have the same roots.
 */
import { limits } from "@stoa/base/limits";
import type { Digest } from "@stoa/base/hash";
import type { PublicKey } from "@stoa/base/signature";
import { money, ticks, timeMs, type PriceE8 } from "@stoa/base/units";
import type { PreparedCommand } from "@stoa/exchange/machine/block-input";
import { createNaiveBook } from "@stoa/exchange/matching/naive-book";
import { scheduleLiquidation } from "@stoa/exchange/risk/liquidation";
import type { CommandBody } from "@stoa/protocol/command";
import { refusalReasons, type RefusalReason } from "@stoa/protocol/reason";
import { describe, expect, test } from "vitest";
import { e8 } from "./terms-fixture.ts";
import { check, ownerOf, place, validatorKey, World, type Envelope, type WorldOptions } from "./world.ts";

interface Case {
  readonly reason: RefusalReason;
  readonly body: CommandBody | ((world: World) => CommandBody);
  readonly account?: string;
  readonly envelope?: Envelope | ((world: World) => Envelope);
  readonly options?: WorldOptions;
  /** Text commands that come before. */
  readonly before?: string;
  readonly prepare?: (world: World) => void;
}

const sessionKey = new Uint8Array(32).fill(9) as PublicKey;
const otherKey = new Uint8Array(32).fill(8) as PublicKey;
const order = place({ sizeLots: 1, priceTicks: ticks(100) });
const authorize = (scopes: number, expiresInMs: number) => (world: World) => {
  const expiresAtMs = timeMs(world.state.timeMs + expiresInMs);
  world.send("A", { kind: "authorizeKey", sessionKey, scopes, expiresAtMs });
};
const transferTo = (target: PublicKey, targetSubaccount: number, amount = 1n): CommandBody => ({
  kind: "transfer",
  target,
  targetSubaccount,
  asset: 2,
  amount: money(amount),
});
const withdraw = (fields: Partial<{ asset: number; amount: bigint; address: string }>): CommandBody => ({
  kind: "withdraw",
  asset: fields.asset ?? 2,
  amount: money(fields.amount ?? 1n),
  address: fields.address ?? "somewhere",
});
const edit = (id: number): CommandBody => ({
  kind: "edit",
  order: id,
  sizeLots: 1 as never,
  priceTicks: undefined,
  postOnly: undefined,
  reduceOnly: undefined,
});

const envelopeCases: readonly Case[] = [
  { reason: "chain-wrong", body: order, envelope: { chainId: ownerOf("x") as never } },
  { reason: "signature-invalid", body: order, envelope: { signatureValid: false } },
  { reason: "command-expired", body: order, envelope: { expiresAtMs: 1_800_000_000_999 } },
  { reason: "account-unknown", account: "Z", body: order },
  { reason: "account-unknown", body: order, envelope: { subaccount: 1 } },
  { reason: "key-not-authorized", body: order, envelope: { key: otherKey } },
  {
    reason: "key-not-authorized",
    body: order,
    envelope: { key: sessionKey },
    prepare: (world) => {
      authorize(2, 60_000)(world);
      world.send("A", { kind: "revokeKey", sessionKey });
    },
  },
  { reason: "key-expired", body: order, envelope: { key: sessionKey }, prepare: authorize(2, 1_500) },
  { reason: "scope-missing", body: order, envelope: { key: sessionKey }, prepare: authorize(1 + 4 + 8, 60_000) },
  { reason: "scope-missing", body: withdraw({}), envelope: { key: sessionKey }, prepare: authorize(11, 60_000) },
  {
    reason: "scope-missing",
    body: transferTo(ownerOf("A"), 1),
    envelope: { key: sessionKey },
    prepare: authorize(1 + 2 + 4, 60_000),
  },
  {
    reason: "scope-missing",
    body: transferTo(ownerOf("B"), 0),
    envelope: { key: sessionKey },
    prepare: authorize(1 + 2 + 8, 60_000),
  },
  {
    reason: "scope-missing",
    body: { kind: "revokeKey", sessionKey },
    envelope: { key: sessionKey },
    prepare: authorize(15, 60_000),
  },
  { reason: "nonce-reused", body: order, envelope: { nonce: 1n }, before: "A buys 1 @ 99 | open A1 1 @ 99" },
  {
    reason: "nonce-too-old",
    body: order,
    envelope: { nonce: 9_000n - BigInt(limits.nonceWindowSize) },
    prepare: (world) => world.send("A", order, { nonce: 9_000n }),
  },
];

const orderCases: readonly Case[] = [
  {
    reason: "expiry-too-far",
    body: order,
    envelope: { expiresAtMs: 1_800_000_001_001 + limits.commandLifetimeMsMax },
  },
  { reason: "instrument-unknown", body: { ...order, instrument: 99 } },
  {
    reason: "instrument-not-open",
    body: order,
    options: { genesis: { prices: { ageMsMax: 1_000, staleMsMax: 1_000 } } },
    prepare: (world) => world.block([], 10_000),
  },
  { reason: "order-unknown", body: { kind: "cancel", order: 5 } },
  { reason: "order-not-owned", body: edit(1), before: "B buys 1 @ 99 | open B1 1 @ 99" },
  {
    reason: "order-not-open",
    body: edit(1),
    before: `
      A buys 1 @ 99 | open A1 1 @ 99
      A cancels A1  | cancelled A1 1 user-request
    `,
  },
  { reason: "size-not-positive", body: place({ sizeLots: 0, priceTicks: ticks(100) }) },
  { reason: "size-too-large", body: place({ sizeLots: limits.orderLotsMax + 1, priceTicks: ticks(100) }) },
  { reason: "price-missing", body: place({ sizeLots: 1 }) },
  { reason: "price-not-positive", body: place({ sizeLots: 1, priceTicks: ticks(0) }) },
  { reason: "price-not-on-tick", body: place({ sizeLots: 1, side: "sell", priceTicks: ticks(201) }) },
  { reason: "price-above-band", body: place({ sizeLots: 1, priceTicks: ticks(151) }) },
  { reason: "price-above-band", body: place({ sizeLots: 1, side: "sell", priceTicks: ticks(2 ** 40) }) },
  { reason: "price-below-band", body: place({ sizeLots: 1, side: "sell", priceTicks: ticks(49) }) },
  {
    reason: "good-til-time-missing",
    body: place({ sizeLots: 1, priceTicks: ticks(100), timeInForce: "good-til-time" }),
  },
  {
    reason: "good-til-time-past",
    body: place({ sizeLots: 1, priceTicks: ticks(100), timeInForce: "good-til-time", goodTilMs: timeMs(1) }),
  },
  {
    reason: "combination-unsupported",
    body: place({ sizeLots: 1, priceTicks: ticks(100), timeInForce: "immediate-or-cancel", postOnly: "reject" }),
  },
  {
    reason: "post-only-would-cross",
    body: place({ sizeLots: 1, priceTicks: ticks(100), postOnly: "reject" }),
    before: "B sells 1 @ 100 | open B1 1 @ 100",
  },
  { reason: "reduce-only-would-increase", body: place({ sizeLots: 1, priceTicks: ticks(100), reduceOnly: true }) },
  {
    reason: "fill-or-kill-not-filled",
    body: place({ sizeLots: 2, priceTicks: ticks(100), timeInForce: "fill-or-kill" }),
    before: "B sells 1 @ 100 | open B1 1 @ 100",
  },
  { reason: "no-liquidity", body: place({ sizeLots: 1, type: "market" }) },
  { reason: "self-match", body: order, before: "A sells 1 @ 100 | open A1 1 @ 100" },
  {
    reason: "orders-too-many",
    body: order,
    options: { dollars: 100_000_000 },
    prepare: (world) => {
      const parts = Array.from({ length: limits.commandPartsCountMax }, () => order);
      const batches = limits.openOrdersPerAccountCountMax / parts.length;
      for (let count = 0; count < batches; count++) world.send("A", { kind: "batch", parts });
    },
  },
  {
    reason: "book-full",
    body: order,
    options: {
      makeBook: () =>
        Object.defineProperty(createNaiveBook(), "ordersCount", { value: limits.openOrdersPerBookCountMax }),
    },
  },
  { reason: "margin-insufficient", body: order, options: { dollars: 9 } },
  {
    reason: "account-in-liquidation",
    body: order,
    prepare: (world) => scheduleLiquidation(world.state.risk, 1, 2, 0),
  },
];

const moneyCases: readonly Case[] = [
  { reason: "asset-unknown", body: withdraw({ asset: 7 }) },
  { reason: "asset-unknown", body: { ...transferTo(ownerOf("B"), 0), asset: 7 } as CommandBody },
  { reason: "asset-unknown", body: { kind: "faucet", asset: 7, amount: money(1n) } },
  { reason: "balance-insufficient", body: withdraw({ amount: 1_000_000_000_001n }) },
  { reason: "balance-insufficient", body: transferTo(ownerOf("B"), 0, 1_000_000_000_001n) },
  {
    reason: "balance-insufficient",
    body: withdraw({ amount: 9_000_000n }),
    options: { dollars: 18 },
    before: "A buys 1 @ 100 | open A1 1 @ 100",
  },
  { reason: "account-in-liquidation", body: withdraw({}), prepare: (w) => scheduleLiquidation(w.state.risk, 1, 2, 0) },
  { reason: "target-invalid", body: transferTo(ownerOf("A"), 0) },
  { reason: "target-invalid", body: transferTo(ownerOf("Z"), 0) },
  { reason: "subaccounts-too-many", body: transferTo(ownerOf("A"), limits.subaccountsCountMax) },
  {
    reason: "keys-too-many",
    body: (world) => ({
      kind: "authorizeKey",
      sessionKey,
      scopes: 2,
      expiresAtMs: timeMs(world.state.timeMs + 60_000),
    }),
    prepare: (world) => {
      for (let key = 1; key <= limits.sessionKeysPerAccountCountMax; key++) {
        const expiresAtMs = timeMs(world.state.timeMs + 60_000);
        const one = new Uint8Array(32).fill(100 + key) as PublicKey;
        world.send("A", { kind: "authorizeKey", sessionKey: one, scopes: 2, expiresAtMs });
      }
    },
  },
  { reason: "key-invalid", body: { kind: "revokeKey", sessionKey } },
  { reason: "key-invalid", body: { kind: "authorizeKey", sessionKey, scopes: 2, expiresAtMs: timeMs(5) } },
  { reason: "key-invalid", body: { kind: "authorizeKey", sessionKey, scopes: 0, expiresAtMs: timeMs(2 ** 45) } },
  { reason: "key-invalid", body: { kind: "authorizeKey", sessionKey, scopes: 16, expiresAtMs: timeMs(2 ** 45) } },
  {
    reason: "key-invalid",
    body: { kind: "authorizeKey", sessionKey: ownerOf("A"), scopes: 2, expiresAtMs: timeMs(2 ** 45) },
  },
  {
    reason: "faucet-disabled",
    body: { kind: "faucet", asset: 2, amount: money(1n) },
    options: { genesis: { faucet: { enabled: false, amountMax: [] } } },
  },
  { reason: "faucet-limit", body: { kind: "faucet", asset: 2, amount: money(1_000_000_001n) } },
  { reason: "faucet-limit", body: { kind: "faucet", asset: 0, amount: money(1n) } },
  { reason: "address-invalid", body: withdraw({ address: " " }) },
];

function prepared(one: Case): { world: World; twin: World; command: PreparedCommand } {
  const [world, twin] = [0, 1].map(() => {
    const made = new World(one.options);
    if (one.before !== undefined) check(one.before, { world: made });
    one.prepare?.(made);
    return made;
  }) as [World, World];
  const body = typeof one.body === "function" ? one.body(world) : one.body;
  const envelope = typeof one.envelope === "function" ? one.envelope(world) : one.envelope;
  const command = world.command(one.account ?? "A", body, envelope);
  return { world, twin, command };
}

function refusedBy(world: World, command: PreparedCommand): void {
  const { events } = world.block([command]);
  expect(events.filter(({ kind }) => kind === "refused" || kind === "order" || kind === "accepted")).toHaveLength(1);
}

const titled = (cases: readonly Case[]) => cases.map((one, index) => [`${index + 1}: ${one.reason}`, one] as const);

describe("a command refused by its envelope changes nothing at all (MATCH-038, MATCH-046)", () => {
  test.each(titled(envelopeCases))("%s", (_, one) => {
    const { world, twin, command } = prepared(one);
    refusedBy(world, command);
    expect(world.last.events).toContainEqual(expect.objectContaining({ kind: "refused", reason: one.reason }));
    twin.block([]);
    expect(world.roots).toEqual(twin.roots);
  });

  test("command-malformed", () => {
    const { world, twin, command } = prepared({ reason: "command-malformed", body: order });
    refusedBy(world, { ...command, command: undefined });
    expect(world.last.events).toMatchObject([{ kind: "refused", reason: "command-malformed", account: 0 }]);
    twin.block([]);
    expect(world.roots).toEqual(twin.roots);
  });
});

describe("a command refused for what it asks leaves nothing but its nonce used (MATCH-038, MATCH-039)", () => {
  test.each(titled([...orderCases, ...moneyCases]))("%s", (_, one) => {
    const { world, twin, command } = prepared(one);
    refusedBy(world, command);
    expect(world.last.events).toContainEqual(
      expect.objectContaining({ kind: "refused", reason: one.reason, account: 1 }),
    );
    // The twin refuses something that cannot but be refused, under the same nonce.
    twin.block([{ ...command, command: { ...command.command!, body: { kind: "cancel", order: 2 ** 40 } } }]);
    expect(world.roots).toEqual(twin.roots);
    world.block([command]);
    expect(world.last.events).toContainEqual(expect.objectContaining({ kind: "refused", reason: "nonce-reused" }));
  });

  test("and the used nonce is under the accounts root", () => {
    const [world, twin] = [new World(), new World()];
    world.send("A", { kind: "cancel", order: 5 });
    twin.block([]);
    const differs = world.roots.map((root, module) => root !== twin.roots[module]);
    expect(differs).toEqual([false, true, false, false, false]);
  });
});

describe("price messages (MATCH-038)", () => {
  const message = (world: World, change: object, key = validatorKey): PreparedCommand => {
    const one = world.pricesCommand(100, 10);
    return {
      ...one,
      command: { ...one.command!, account: key, key, body: { ...one.command!.body, ...change } as never },
    };
  };
  const cases: readonly [RefusalReason, object, PublicKey][] = [
    ["validator-unknown", {}, ownerOf("A")],
    ["price-message-outdated", { sequence: 0 }, validatorKey],
    ["price-message-outdated", { sourceMs: 5 }, validatorKey],
    ["price-message-invalid", { indexes: [{ index: 0, price: 0 as PriceE8 }] }, validatorKey],
    ["price-message-invalid", { indexes: [{ index: 9, price: e8(1) }] }, validatorKey],
  ];
  test.each(cases)("%s", (reason, change, key) => {
    const world = new World();
    const twin = new World();
    const { events } = world.block([message(world, change, key)]);
    expect(events).toMatchObject([{ kind: "refused", reason }]);
    twin.block([]);
    expect(world.roots).toEqual(twin.roots);
  });
});

test("every reason of the protocol has a case here (MATCH-046)", () => {
  const covered = new Set<RefusalReason>(["command-malformed"]);
  for (const { reason } of [...envelopeCases, ...orderCases, ...moneyCases]) covered.add(reason);
  for (const reason of ["validator-unknown", "price-message-outdated", "price-message-invalid"] as const)
    covered.add(reason);
  expect(refusalReasons.filter((reason) => !covered.has(reason))).toEqual([]);
});

test("the same bytes twice in one block are one command with one answer (MATCH-039)", () => {
  const world = new World();
  const command = world.command("A", order);
  expect(world.block([command, command]).events.filter(({ kind }) => kind !== "level")).toMatchObject([
    { kind: "order", order: { order: 1, state: "open" } },
  ]);
  expect(world.block([command, command]).events).toMatchObject([{ kind: "refused", reason: "nonce-reused" }]);
});

test("where several reasons apply, the first of the documented order is the answer (MATCH-046)", () => {
  const world = new World();
  const everythingWrong = world.command("Z", order, {
    chainId: ownerOf("x") as never,
    signatureValid: false,
    expiresAtMs: 1,
    key: otherKey,
  });
  const wrongs: PreparedCommand[] = [everythingWrong];
  const fixed = [
    { chainId: world.state.chainId },
    {},
    { expiresAtMs: timeMs(world.state.timeMs + 5_000) },
    { account: ownerOf("A") },
  ];
  for (const [index, fix] of fixed.entries()) {
    const before = wrongs[wrongs.length - 1]!;
    const signatureValid = before.signatureValid || index === 1;
    const digest = new Uint8Array(32).fill(index + 1) as Digest;
    wrongs.push({ ...before, digest, signatureValid, command: { ...before.command!, ...fix } as never });
  }
  const { events } = world.block(wrongs);
  expect(events.map((event) => (event.kind === "refused" ? event.reason : event.kind))).toEqual([
    "chain-wrong",
    "signature-invalid",
    "command-expired",
    "account-unknown",
    "key-not-authorized",
  ]);
});
