/** The light client against four validators as they ship: what it says is proved to it, and agrees with what was done. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { activeEd25519 } from "@stoa/base/active-signature";
import { equalBytes } from "@stoa/base/bytes";
import { connect, type DoorConnection } from "@stoa/client/connect";
import { followChain, type ChainFollower } from "@stoa/client/follow";
import { openLightClient, type LightClient } from "@stoa/client/light-client";
import { createNonces, signCommand } from "@stoa/client/sign";
import { submitCommand, type Answer } from "@stoa/client/submit";
import { trustGenesis, type TrustedChain } from "@stoa/client/trust";
import type { NamedHeader } from "@stoa/client/verify-headers";
import type { CommandBody } from "@stoa/protocol/command";
import { chainIdOf } from "@stoa/protocol/genesis";
import { ledgerRecordKey } from "@stoa/protocol/state-record";
import { startFullNode } from "@stoa/node/full-node";
import { limitOrder, localhost, testChain, until } from "../../node/test/network.ts";
import { startMeshOf, type TestMesh } from "../../node/test/validators.ts";
import { lookAt } from "./light-example.ts";
import { untilOpen } from "./until-open.ts";

const { genesis, ...seeds } = testChain();
const chainId = chainIdOf(genesis);
const nonces = createNonces(BigInt(Date.now()) * 1_000n);
const ownerOf = (account: number) => activeEd25519.publicKey(seeds.accountSeeds[account]!);
let mesh: TestMesh;
let doors: DoorConnection[];
let chain: TrustedChain;
let follower: ChainFollower;
let light: LightClient;

beforeAll(async () => {
  mesh = await startMeshOf({ genesis, ...seeds });
  doors = mesh.doors.map(({ host, port }) => connect(`ws://${host}:${port}`));
  chain = trustGenesis(await doors[0]!.genesis(), chainId);
  follower = followChain({ chain, doors, from: 1 });
  const placed = await untilOpen(() => submit(limitOrder({ instrument: 1, side: "buy", priceTicks: 99_000 })));
  await submit({ kind: "cancel", order: placed });
  light = await openLightClient({ trust: { chainId }, doors });
}, 120_000);

afterAll(async () => {
  follower?.stop();
  for (const door of doors ?? []) door.close();
  await mesh?.stop();
});

function submit(body: CommandBody, account = 0): Promise<Answer> {
  const signer = { chainId, seed: seeds.accountSeeds[account]! };
  const signed = signCommand(signer, { nonce: nonces(), expiresAtMs: Date.now() + 30_000, body });
  return submitCommand(signed, { chain, doors, follower });
}

/** The height of the block in which a command became final. */
async function placed(body: CommandBody, account = 0): Promise<{ readonly order: number; readonly height: number }> {
  const answer = await submit(body, account);
  const event = answer.kind === "final" ? answer.receipt.events.findLast(({ kind }) => kind === "order") : undefined;
  if (answer.kind !== "final" || event?.kind !== "order") throw new Error("the order was not taken");
  return { order: event.order.order, height: answer.receipt.block.header.height };
}

test("an account's balance is proved, by number and by owner (LIGHT-011)", async () => {
  const byOwner = await light.balance({ owner: ownerOf(0) }, "BTC");
  expect(byOwner.value).toMatchObject({ account: 1, asset: { name: "BTC", decimals: 8 }, amount: 100_00000000n });
  expect(byOwner.value.text).toBe("100.00000000");
  expect(byOwner.height).toBe(byOwner.header.executed.height);
  expect(byOwner.header.height).toBeGreaterThan(byOwner.height);
  expect((await light.balance(1, 0 as never)).value.holder?.owner).toEqual(ownerOf(0));
  expect((await light.balance(1, "ETH")).value.text).toBe("0.00000000");
});

test("that there is nothing is proved, too: no account, no position, no order (LIGHT-012)", async () => {
  const nobody = await light.balance(999_999, "BTC");
  expect(nobody.value).toMatchObject({ holder: undefined, amount: 0n });
  expect((await light.position(999_999, 1)).value).toBeUndefined();
  expect((await light.order(999_999)).value).toBeUndefined();
  expect((await light.instrument(77)).value).toBeUndefined();
  expect((await light.state("ledger", new Uint8Array(96))).value).toBeUndefined();
  await expect(light.balance({ owner: ownerOf(0), subaccount: 9 }, "BTC")).rejects.toThrow("cannot be proved");
});

test("an order, its fills and the positions that they make are proved (LIGHT-013)", async () => {
  const maker = await placed(limitOrder({ instrument: 1, side: "sell", priceTicks: 121_000, sizeLots: 10 }), 2);
  const open = await light.order(maker.order);
  expect(open.value?.order).toMatchObject({ state: "open", sizeLots: 10, filledLots: 0, account: 3 });
  const taker = await placed(limitOrder({ instrument: 1, side: "buy", priceTicks: 121_000, sizeLots: 4 }), 3);
  const rest = await light.order(maker.order);
  expect(rest.value?.order).toMatchObject({ filledLots: 4 });
  expect(rest.height).toBeGreaterThanOrEqual(taker.height);
  expect((await light.order(taker.order)).value).toBeUndefined();
  expect((await light.position({ owner: ownerOf(3) }, 1)).value).toMatchObject({ account: 4, sizeLots: 4 });
  expect((await light.position(3, 1)).value).toMatchObject({ sizeLots: -4 });
  const listed = await light.instrument(1);
  expect(listed.value).toMatchObject({ name: "BTC-PERPETUAL", inverse: true });

  const made = await light.fills(maker.order, { from: maker.height });
  expect(made.events.map(({ event }) => event.kind)).toEqual(["order", "trade", "order"]);
  expect(made.filledLots).toBe(4);
  expect(made.trades[0]).toMatchObject({ height: taker.height, event: { maker: { order: maker.order } } });
  const took = await light.fills(taker.order, { from: taker.height, through: taker.height });
  expect(took.events.at(-1)).toMatchObject({ event: { order: { state: "filled", filledLots: 4 } } });
  expect(took.trades[0]!.event.sequence).toBe(made.trades[0]!.event.sequence);
  expect((await light.fills(maker.order, { from: 1, through: maker.height - 1 })).events).toEqual([]);
});

test("headers are followed from every door, each once, each the parent of the next (LIGHT-020)", async () => {
  const seen: NamedHeader[] = [];
  const stop = light.follow((header) => seen.push(header));
  await until(() => 12 <= seen.length, "headers come");
  stop();
  for (const [index, { header }] of seen.entries()) {
    if (index === 0) continue;
    expect(header.height).toBe(seen[index - 1]!.header.height + 1);
    expect(equalBytes(header.parentDigest, seen[index - 1]!.digest)).toBe(true);
  }
  expect(light.head().digest).toEqual(seen.at(-1)!.digest);
});

test("a checkpoint is enough to begin with: it names the chain, and every later header is linked to it (LIGHT-021)", async () => {
  const block = follower.last()!;
  const checkpoint = { height: block.header.height, digest: block.digest };
  const own = await openLightClient({ trust: { checkpoint }, doors: [doors[1]!] });
  expect(own.chain.chainId).toEqual(chainId);
  const heights: number[] = [];
  const stop = own.follow(({ header }) => heights.push(header.height));
  await until(() => 5 <= heights.length, "headers come");
  stop();
  expect(heights[0]).toBeLessThanOrEqual(own.head().header.height);
  expect((await own.balance(2, "BTC")).value.amount).toBeGreaterThan(0n);
  const other = { height: block.header.height, digest: block.digest.with(0, block.digest[0]! ^ 1) };
  const wrong = openLightClient({ trust: { checkpoint: other }, doors: [doors[1]!], timeoutMs: 5_000 });
  await expect(wrong).rejects.toMatchObject({ code: "dishonest" });
});

test("a full node, which has no vote, serves a light client as validators do (LIGHT-020)", async () => {
  const node = await startFullNode({
    genesis,
    name: "full",
    dataFolder: join(mesh.folder, "full-node"),
    doors: mesh.doors,
    door: localhost(),
    metrics: localhost(),
  });
  const door = connect(`ws://127.0.0.1:${node.doorPort}`);
  const own = await openLightClient({ trust: { chainId }, doors: [door] });
  const heights: number[] = [];
  const stop = own.follow(({ header }) => heights.push(header.height));
  const maker = await placed(limitOrder({ instrument: 1, side: "sell", priceTicks: 123_000, sizeLots: 2 }), 1);
  expect((await own.order(maker.order)).value?.order).toMatchObject({ order: maker.order, filledLots: 0 });
  expect((await own.fills(maker.order, { from: maker.height })).events.length).toBe(1);
  await until(() => maker.height <= own.head().header.height, "headers come");
  expect(heights).toEqual(heights.map((_, index) => heights[0]! + index));
  stop();
  door.close();
  await node.stop();
});

test("the example of the reference does what it says, and is shown word for word", async () => {
  const maker = await placed(limitOrder({ instrument: 1, side: "sell", priceTicks: 122_000, sizeLots: 3 }), 0);
  const urls = mesh.doors.map(({ host, port }) => `ws://${host}:${port}`);
  const [balance, fills, order] = await lookAt({
    urls,
    chainId,
    owner: ownerOf(0),
    order: maker.order,
    placed: maker.height,
  });
  expect(balance).toMatch(/^\d+\.\d{8} BTC after block \d+, proved by header \d+$/);
  expect(fills).toBe("0 lots filled in 0 trades");
  expect(order).toBe("0 lots filled, and it is open");
  const example = readFileSync(join(import.meta.dirname, "light-example.ts"), "utf8");
  const page = readFileSync(join(import.meta.dirname, "../../../docs/reference/client.md"), "utf8");
  expect(page).toContain(example.slice(example.indexOf("import ")));
});

test("the same question again has an answer that is not older", async () => {
  const heights: number[] = [];
  for (let count = 0; count < 5; count++) heights.push((await light.state("ledger", ledgerRecordKey(1))).height);
  expect(heights).toEqual(heights.toSorted((left, right) => left - right));
});
