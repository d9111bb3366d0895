/**
 * The light client in a real browser, on proofs of running validators by way of a gateway that it does not trust: it reads balances,
 * orders and fills, follows headers, and refuses whatever is changed. Both schemes of certificates.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import { toHex } from "@stoa/base/bytes";
import { connect } from "@stoa/client/connect";
import { followChain } from "@stoa/client/follow";
import { createNonces, signCommand } from "@stoa/client/sign";
import { submitCommand } from "@stoa/client/submit";
import { trustGenesis } from "@stoa/client/trust";
import { startGateway, type Gateway } from "@stoa/gateway/gateway";
import type { CommandBody } from "@stoa/protocol/command";
import { chainIdOf } from "@stoa/protocol/genesis";
import { limitOrder, testChain } from "../../node/test/network.ts";
import { startMeshOf, type TestMesh } from "../../node/test/validators.ts";
import { openBrowser, type Browser } from "./browser/browser.ts";
import { startSourceServer, type SourceServer } from "./browser/source-server.ts";
import { untilOpen } from "./until-open.ts";

/** An order, and the block in which it was placed. */
interface Placed {
  readonly order: number;
  readonly height: number;
}

const schemes = ["ed25519-list", "bls-multisig"] as const;
const nonces = createNonces(BigInt(Date.now()) * 1_000n);

describe.each(schemes)("a browser on a chain with %s", (certificates) => {
  const { genesis, ...seeds } = testChain({ certificates });
  const chainId = chainIdOf(genesis);
  let folder: string;
  let mesh: TestMesh;
  let gateway: Gateway;
  let sources: SourceServer;
  let browser: Browser;
  let url: string;
  let maker: Placed;
  let taker: Placed;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "stoa-browser-gateway-"));
    mesh = await startMeshOf({ genesis, ...seeds });
    const follower = await mesh.startFollower();
    gateway = await startGateway({
      upstream: follower,
      dataDir: folder,
      http: { host: "127.0.0.1", port: 0 },
      https: { host: "127.0.0.1", port: 0 },
      keys: [],
    });
    url = `ws://127.0.0.1:${gateway.httpPort}/ws/door`;
    sources = await startSourceServer();
    browser = await openBrowser(sources.url);
    ({ maker, taker } = await trade());
  }, 240_000);

  afterAll(async () => {
    await browser?.stop();
    await sources?.stop();
    await gateway?.stop();
    await mesh?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  /** Ten lots are offered by account 1, and account 2 takes four of them. */
  async function trade(): Promise<{ readonly maker: Placed; readonly taker: Placed }> {
    const doors = mesh.doors.slice(0, 3).map(({ host, port }) => connect(`ws://${host}:${port}`));
    const chain = trustGenesis(await doors[0]!.genesis(), chainId);
    const follower = followChain({ chain, doors, from: 1 });
    const submit = (body: CommandBody, account: number) => {
      const signer = { chainId, seed: seeds.accountSeeds[account]! };
      const signed = signCommand(signer, { nonce: nonces(), expiresAtMs: Date.now() + 30_000, body });
      return submitCommand(signed, { chain, doors, follower });
    };
    const warm = await untilOpen(() => submit(limitOrder({ instrument: 1, side: "buy", priceTicks: 99_000 }), 3));
    await submit({ kind: "cancel", order: warm }, 3);
    const made: Placed[] = [];
    for (const [account, side, sizeLots] of [
      [0, "sell", 10],
      [1, "buy", 4],
    ] as const) {
      const answer = await submit(limitOrder({ instrument: 1, side, priceTicks: 121_000, sizeLots }), account);
      const event =
        answer.kind === "final" ? answer.receipt.events.findLast(({ kind }) => kind === "order") : undefined;
      if (answer.kind !== "final" || event?.kind !== "order") throw new Error("the order was not taken");
      made.push({ order: event.order.order, height: answer.receipt.block.header.height });
    }
    follower.stop();
    for (const door of doors) door.close();
    return { maker: made[0]!, taker: made[1]! };
  }

  const call = (name: string, ...values: readonly unknown[]): Promise<any> =>
    browser.evaluate(`${name}(${values.map((value) => JSON.stringify(value)).join(", ")})`);

  test("opens on the gateway's door with nothing but the chain's id, and reads what is proved (LIGHT-040)", async () => {
    if (certificates === "bls-multisig") {
      await expect(call("open", url, toHex(chainId), 2_000)).rejects.toThrow("no BLS signatures installed");
      await call("installNoble");
    }
    expect(await call("open", url, toHex(chainId))).toBeGreaterThan(0);
    const balance = await call("balance", 1, "BTC");
    expect(balance.value).toMatchObject({ asset: { name: "BTC" } });
    expect(BigInt(balance.value.amount)).toBeGreaterThan(99_00000000n);
    expect(balance.headerHeight).toBeGreaterThan(balance.height);
    expect((await call("order", maker.order)).value.order).toMatchObject({ filledLots: 4, state: "open" });
    expect((await call("position", 2, 1)).value).toMatchObject({ sizeLots: 4 });
    expect((await call("order", 999_999)).value).toBeUndefined();
    expect(await call("fills", maker.order, maker.height, taker.height)).toEqual({
      filledLots: 4,
      kinds: ["order", "trade", "order"],
    });
  });

  test("follows headers, each once and in order (LIGHT-040)", async () => {
    const heights: number[] = await call("follow", 4);
    expect(heights.map((height) => height - heights[0]!)).toEqual([0, 1, 2, 3]);
  });

  test("believes no proof of which a byte was changed (LIGHT-041)", async () => {
    const tries = certificates === "bls-multisig" ? 60 : 400;
    expect(await call("deceive", url, maker.order, taker.height, tries)).toEqual([]);
  });

  test("names a gateway that changes a balance, and believes nothing of it (LIGHT-041)", async () => {
    const liar = await startLiar(url);
    await call("open", liar.url, toHex(chainId));
    await expect(call("balance", 1, "BTC")).rejects.toThrow("does not stand under the root of ledger");
    await liar.stop();
  });

  test("is told the wrong chain by nobody (LIGHT-041)", async () => {
    const other = toHex(chainId.map((byte) => byte ^ 1));
    await expect(call("open", url, other, 5_000)).rejects.toThrow("another chain");
  });

  test("loads nothing but the client, what it stands on, and noble", () => {
    expect(sources.requested.length).toBeGreaterThan(20);
    expect(sources.requested.filter((path) => /node:|\/(node|gateway|exchange|consensus)\//.test(path))).toEqual([]);
  });
});

/** Between a browser and a gateway: passes everything on, and changes one byte of every record. */
async function startLiar(url: string): Promise<{ readonly url: string; readonly stop: () => Promise<void> }> {
  const stateTag = 9;
  const server = new WebSocketServer({ host: "127.0.0.1", port: 0 });
  await new Promise((resolve) => server.once("listening", resolve));
  server.on("connection", (client) => {
    const upstream = new WebSocket(url);
    const opened = new Promise((resolve) => upstream.once("open", resolve));
    client.on("message", (data) => void opened.then(() => upstream.send(data as Buffer)));
    client.on("close", () => upstream.terminate());
    upstream.on("message", (data: Buffer) => {
      // Tag, id, module, key of four bytes, presence and length stand before the record; its end is the last balance.
      if (data[0] === stateTag) data[1 + 4 + 1 + 8 + 1 + 4 + 4 + 1 + 34 + 4]! ^= 1;
      client.send(data);
    });
  });
  return {
    url: `ws://127.0.0.1:${(server.address() as { port: number }).port}`,
    stop: () => {
      for (const client of server.clients) client.terminate();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}
