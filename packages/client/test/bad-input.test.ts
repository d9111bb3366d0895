/**
 * Bad input at the door of a validator as it ships: each kind is refused with its own word, by the node where it can tell, else by
 * the exchange as a final and proved fact; and ledger, orders and positions have the roots that they had.
 */
import { afterAll, beforeAll, expect, test } from "vitest";
import { activeEd25519 } from "@stoa/base/active-signature";
import { toHex } from "@stoa/base/bytes";
import { lots, money, priceE8, ticks, timeMs } from "@stoa/base/units";
import { connect, type DoorConnection } from "@stoa/client/connect";
import { followChain, type ChainFollower } from "@stoa/client/follow";
import { createNonces, signCommand, type SignedCommand } from "@stoa/client/sign";
import { submitCommand, type Answer } from "@stoa/client/submit";
import { trustGenesis, type TrustedChain } from "@stoa/client/trust";
import { encodeGenesis, chainIdOf } from "@stoa/protocol/genesis";
import type { CommandBody, PlaceBody } from "@stoa/protocol/command";
import type { RefusalReason } from "@stoa/protocol/reason";
import { keyOf, limitOrder, seedOf, testChain } from "../../node/test/network.ts";
import { startMeshOf, type TestMesh } from "../../node/test/validators.ts";
import { untilOpen } from "./until-open.ts";

const testedChain = testChain({ validatorsCount: 1, accountsCount: 3 });
const { genesis } = testedChain;
/** Numbers of seeds in `testChain`: the first three are funded. */
const [alice, bob, carol, stranger] = [100, 101, 102, 300] as const;
const [forgotten, expiring, revoked, reader] = [400, 401, 402, 403] as const;
const nonces = createNonces(BigInt(Date.now()) * 1_000n);
let mesh: TestMesh;
let door: DoorConnection;
let chain: TrustedChain;
let follower: ChainFollower;

beforeAll(async () => {
  mesh = await startMeshOf(testedChain);
  door = connect(`ws://127.0.0.1:${mesh.doors[0]!.port}`);
  chain = trustGenesis(encodeGenesis(genesis), chainIdOf(genesis));
  follower = followChain({ chain, doors: [door], from: 1 });
  const placed = await untilOpen(() => submit(sign(place())));
  await submit(sign({ kind: "cancel", order: placed }));
}, 120_000);

afterAll(async () => {
  follower?.stop();
  door?.close();
  await mesh?.stop();
});

interface Content {
  readonly by?: number;
  /** Signs with this session key instead of the account's own. */
  readonly with?: number;
  readonly nonce?: bigint;
  readonly expiresAtMs?: number;
}

function sign(body: CommandBody, content: Content = {}): SignedCommand {
  const { by = alice, nonce = nonces(), expiresAtMs = Date.now() + 30_000 } = content;
  const signer = { chainId: chain.chainId, account: keyOf(by), seed: seedOf(content.with ?? by) };
  return signCommand(signer, { nonce, expiresAtMs, body });
}

const submit = (signed: SignedCommand): Promise<Answer> => submitCommand(signed, { chain, doors: [door], follower });

async function accept(body: CommandBody, content?: Content): Promise<Answer & { kind: "final" }> {
  const answer = await submit(sign(body, content));
  if (answer.kind !== "final") throw new Error(`not final: ${answer.kind}`);
  expect(answer.receipt.events[0]?.kind).not.toBe("refused");
  return answer;
}

async function orderOf(answer: Answer & { kind: "final" }): Promise<number> {
  const [event] = answer.receipt.events;
  if (event?.kind !== "order") throw new Error("no order");
  return event.order.order;
}

/** Roots of ledger, orders and positions, as a final header says that they were at this height or later. */
async function rootsAfter(wanted: number): Promise<readonly string[]> {
  for (;;) {
    const executed = follower.last()?.header.executed;
    if (executed !== undefined && wanted <= executed.height) {
      const [ledger, , orders, positions] = executed.moduleRoots;
      return [ledger!, orders!, positions!].map(toHex);
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

const heightOf = (answer: Answer): number => (answer.kind === "final" ? answer.receipt.block.header.height : 0);
const place = (change: Partial<PlaceBody> = {}): CommandBody => ({
  ...(limitOrder({ instrument: 1, side: "buy", priceTicks: 119_000 }) as PlaceBody),
  ...change,
});
const authorize = (number: number, scopes: number, lifeMs: number): CommandBody => {
  return { kind: "authorizeKey", sessionKey: keyOf(number), scopes, expiresAtMs: timeMs(Date.now() + lifeMs) };
};

test("the exchange refuses each with its reason, proved, and nothing has moved", async () => {
  const [own, other] = await Promise.all([
    accept(place()),
    accept(place({ side: "sell", priceTicks: ticks(121_000) }), { by: bob }),
  ]);
  const [ownOrder, otherOrder] = [await orderOf(own), await orderOf(other)];
  const used = nonces();
  const closed = await orderOf(await accept(place(), { nonce: used }));
  const expiredMs = Date.now() + 6_000;
  const last = await Promise.all([
    accept({ kind: "cancel", order: closed }),
    accept(authorize(expiring, 3, 5_000)),
    accept(authorize(revoked, 3, 60_000)),
    accept(authorize(reader, 1, 60_000)),
  ]);
  last.push(await accept({ kind: "revokeKey", sessionKey: keyOf(revoked) }));
  const before = await rootsAfter(Math.max(...last.map(heightOf)));
  while (follower.last()!.header.timeMs < expiredMs) await new Promise((resolve) => setTimeout(resolve, 50));

  const cases: readonly (readonly [RefusalReason, CommandBody, Content?])[] = [
    ["instrument-unknown", place({ instrument: 999 })],
    ["size-not-positive", place({ sizeLots: lots(0) })],
    ["size-too-large", place({ sizeLots: lots(2_000_000_000) })],
    ["price-missing", place({ priceTicks: undefined })],
    ["price-not-positive", place({ priceTicks: ticks(-5) })],
    ["price-above-band", place({ priceTicks: ticks(150_000) })],
    ["price-below-band", place({ side: "sell", priceTicks: ticks(90_000) })],
    ["good-til-time-missing", place({ timeInForce: "good-til-time" })],
    ["good-til-time-past", place({ timeInForce: "good-til-time", goodTilMs: timeMs(5) })],
    ["combination-unsupported", place({ timeInForce: "immediate-or-cancel", postOnly: "reject" })],
    ["post-only-would-cross", place({ priceTicks: ticks(121_000), postOnly: "reject" })],
    ["reduce-only-would-increase", place({ reduceOnly: true })],
    ["fill-or-kill-not-filled", place({ timeInForce: "fill-or-kill", sizeLots: lots(5) })],
    ["self-match", place({ side: "sell", priceTicks: ticks(119_000), timeInForce: "immediate-or-cancel" })],
    ["margin-insufficient", place({ sizeLots: lots(900_000_000) })],
    ["order-unknown", { kind: "cancel", order: 999_999 }],
    ["order-not-owned", { kind: "cancel", order: otherOrder }],
    [
      "order-not-owned",
      {
        kind: "edit",
        order: otherOrder,
        sizeLots: lots(2),
        priceTicks: undefined,
        postOnly: undefined,
        reduceOnly: undefined,
      },
    ],
    ["order-not-open", { kind: "cancel", order: closed }],
    ["asset-unknown", { kind: "transfer", target: keyOf(bob), targetSubaccount: 0, asset: 9, amount: money(1n) }],
    [
      "balance-insufficient",
      { kind: "transfer", target: keyOf(bob), targetSubaccount: 0, asset: 0, amount: money(10n ** 12n) },
    ],
    ["target-invalid", { kind: "transfer", target: keyOf(stranger), targetSubaccount: 0, asset: 0, amount: money(1n) }],
    ["balance-insufficient", { kind: "withdraw", asset: 0, amount: money(10n ** 12n), address: "bc1somewhere" }],
    ["address-invalid", { kind: "withdraw", asset: 0, amount: money(1n), address: "" }],
    ["faucet-limit", { kind: "faucet", asset: 0, amount: money(10n ** 12n) }],
    [
      "key-invalid",
      { kind: "authorizeKey", sessionKey: keyOf(alice), scopes: 3, expiresAtMs: timeMs(Date.now() + 60_000) },
    ],
    [
      "validator-unknown",
      {
        kind: "prices",
        sequence: 1,
        sourceMs: timeMs(Date.now()),
        indexes: [{ index: 0, price: priceE8(1) }],
        curves: [],
      },
    ],
    ["account-unknown", place(), { by: stranger }],
    ["key-not-authorized", place(), { with: forgotten }],
    ["key-not-authorized", place(), { with: revoked }],
    ["key-expired", place(), { with: expiring }],
    ["scope-missing", place(), { with: reader }],
    ["scope-missing", { kind: "revokeKey", sessionKey: keyOf(reader) }, { with: reader }],
    ["nonce-reused", place(), { nonce: used }],
    ["nonce-too-old", place(), { nonce: 1n }],
    ["expiry-too-far", place(), { expiresAtMs: Date.now() + 48 * 3_600_000 }],
  ];
  const answers = await Promise.all(cases.map(([, body, content]) => submit(sign(body, content))));
  const reasons = answers.map((answer) => {
    if (answer.kind === "refused" || answer.kind === "nonce-taken") return answer.refusals[0];
    const [event] = answer.kind === "final" ? answer.receipt.events : [];
    return event?.kind === "refused" ? event.reason : answer;
  });
  expect(reasons).toEqual(cases.map(([reason]) => reason));
  expect(await rootsAfter(Math.max(...answers.map(heightOf)))).toEqual(before);

  // The exchange still serves those whom it refused.
  expect((await accept({ kind: "cancel", order: ownOrder })).receipt.events[0]).toMatchObject({
    order: { state: "cancelled" },
  });
}, 120_000);

test("the node refuses what it can tell by itself, and nothing of it becomes final", async () => {
  const good = sign(place(), { by: carol });
  const flipped = good.encoded.slice();
  flipped[flipped.length - 1]! ^= 1;
  const elsewhere = signCommand(
    { chainId: keyOf(1) as never, seed: seedOf(carol) },
    { nonce: nonces(), expiresAtMs: Date.now() + 30_000, body: place() },
  );
  // A stranger's command that is worth looking at: it would open his account.
  const identityKey = sign({ kind: "faucet", asset: 0, amount: money(1n) }, { by: carol }).encoded.slice();
  // Account and key become the identity point, under which anyone can make signatures that OpenSSL accepts.
  for (const offset of [32, 66]) identityKey.set([1, ...new Uint8Array(31)], offset);
  const cases: readonly (readonly [string, Uint8Array])[] = [
    ["malformed", new Uint8Array(0)],
    ["malformed", good.encoded.subarray(0, -1)],
    ["malformed", new Uint8Array([...good.encoded, 0])],
    ["signature-invalid", flipped],
    ["signature-invalid", identityKey],
    ["chain-wrong", elsewhere.encoded],
    ["expired", sign(place(), { by: carol, expiresAtMs: Date.now() - 10_000 }).encoded],
  ];
  const from = follower.last()!.header.height;
  const refusals = await Promise.all(cases.map(([, encoded]) => door.submit(encoded)));
  expect(refusals).toEqual(cases.map(([refusal]) => refusal));
  const first = sign(place(), { by: carol, nonce: 5_000_000_000_000_000n });
  const second = sign(place({ sizeLots: lots(2) }), { by: carol, nonce: 5_000_000_000_000_000n });
  const both = await Promise.all([submit(first), submit(second)]);
  // Of two commands with one nonce, one runs: the other is turned away at the door, or by the exchange.
  const fates = both.map((answer) => (answer.kind === "final" ? answer.receipt.events[0]!.kind : answer.kind)).sort();
  expect([
    ["nonce-taken", "order"],
    ["order", "refused"],
  ]).toContainEqual(fates);
  const hostile = new Set(cases.map(([, encoded]) => toHex(encoded)));
  expect(follower.last()!.header.height).toBeGreaterThan(from);
  expect((await blocksSince(from)).some((encoded) => hostile.has(toHex(encoded)))).toBe(false);
});

/** Every command in the blocks after a height, from a connection of its own. */
async function blocksSince(height: number): Promise<readonly Uint8Array[]> {
  const own = connect(door.url);
  const commands: Uint8Array[] = [];
  const last = follower.last()!.header.height;
  await new Promise<void>((resolve) => {
    followChain({ chain, doors: [own], from: height + 1 }).watch((block) => {
      commands.push(...block.commands);
      if (last <= block.header.height) resolve();
    });
  });
  own.close();
  return commands;
}

test("keys of small order cannot be accounts' keys", () => {
  const identity = Uint8Array.from([1, ...new Uint8Array(31)]);
  expect(activeEd25519.verify(new Uint8Array(64), new Uint8Array(0), identity)).toBe(false);
});
