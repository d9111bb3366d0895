/** The life of connections: heartbeats, cancel on disconnect, crowds, clients that do not read, limits. */
import { EventEmitter } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { WebSocket } from "ws";
import { principalsOf, readApiKeys } from "../src/accounts/api-key.ts";
import { startGateway } from "../src/gateway.ts";
import { defaultLimits } from "../src/limits.ts";
import type { Services } from "../src/services.ts";
import { openStream } from "../src/transport/stream.ts";
import { apiKeyOf, basic, get, openClient, startTestGateway, type Client, type TestGateway } from "./harness.ts";
import { createLocalUpstream } from "./local-upstream.ts";

const order = { instrument_name: "BTC-PERPETUAL", amount: 100, price: 59_500 };

describe("cancel on disconnect", () => {
  let running: TestGateway;
  beforeAll(async () => {
    running = await startTestGateway();
  });
  afterAll(() => running.stop());

  const openOrders = async (number: number): Promise<any[]> =>
    (await get(running.rest, "private/get_open_orders", {}, basic(number))).result;
  const settled = async (condition: () => Promise<boolean>): Promise<void> => {
    for (let attempt = 0; attempt < 400 && !(await condition()); attempt++)
      await new Promise((resolve) => setTimeout(resolve, 5));
    expect(await condition()).toBe(true);
  };

  test("a connection that asked for it loses its orders, and only its own", async () => {
    const [leaving, staying] = await Promise.all([openClient(running.ws), openClient(running.ws)]);
    await Promise.all([leaving.auth(1), staying.auth(1)]);
    const watcher = await openClient(running.ws);
    await watcher.auth(1);
    await watcher.call("private/subscribe", { channels: ["user.orders.any.any.raw"] });
    expect((await leaving.call("private/enable_cancel_on_disconnect")).result).toBe("ok");
    expect((await leaving.call("private/get_cancel_on_disconnect")).result).toEqual({
      scope: "connection",
      enabled: true,
    });
    const lost = (await leaving.call("private/buy", order)).result.order.order_id;
    const kept = (await staying.call("private/buy", order)).result.order.order_id;
    leaving.socket.terminate();
    await settled(async () => (await openOrders(1)).length === 1);
    expect((await openOrders(1))[0].order_id).toBe(kept);
    await watcher.until(() =>
      watcher.data("user.orders.any.any.raw").some(({ order_state }) => order_state === "cancelled"),
    );
    expect(watcher.data("user.orders.any.any.raw").at(-1)).toMatchObject({
      order_id: lost,
      order_state: "cancelled",
      cancel_reason: "cancel_on_disconnect",
    });
    await staying.call("private/cancel_all");
    await Promise.all([staying.close(), watcher.close()]);
  });

  test("without it, and after logout, orders stay", async () => {
    const quiet = await openClient(running.ws);
    await quiet.auth(2);
    await quiet.call("private/buy", order);
    await quiet.close();
    const logged = await openClient(running.ws);
    await logged.auth(2);
    await logged.call("private/enable_cancel_on_disconnect");
    await logged.call("private/buy", order);
    const closed = new Promise((resolve) => logged.socket.once("close", resolve));
    logged.socket.send(JSON.stringify({ id: 1, method: "private/logout", params: {} }));
    await closed;
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(await openOrders(2)).toHaveLength(2);
    await get(running.rest, "private/cancel_all", {}, basic(2));
  });

  test("of scope account it holds for every connection of the account, and can be set over HTTP", async () => {
    expect(
      (await get(running.rest, "private/enable_cancel_on_disconnect", { scope: "account" }, basic(3))).result,
    ).toBe("ok");
    expect((await get(running.rest, "private/enable_cancel_on_disconnect", {}, basic(3))).error?.code).toBe(10030);
    const client = await openClient(running.ws);
    await client.auth(3);
    await client.call("private/buy", order);
    client.socket.terminate();
    await settled(async () => (await openOrders(3)).length === 0);
  });

  test("a connection that changes its account, or uses a token of another, loses the orders of each", async () => {
    const client = await openClient(running.ws);
    const token = await get(running.rest, "public/auth", {
      grant_type: "client_credentials",
      client_id: "client-4",
      client_secret: "secret-4",
      scope: "session:x",
    });
    await client.auth(1);
    await client.call("private/enable_cancel_on_disconnect");
    await client.call("private/buy", order);
    await client.call("private/buy", { ...order, access_token: token.result.access_token });
    await client.auth(2);
    await client.call("private/buy", order);
    for (const number of [1, 2, 4]) expect(await openOrders(number)).toHaveLength(1);
    client.socket.terminate();
    for (const number of [1, 2, 4]) await settled(async () => (await openOrders(number)).length === 0);
  });

  test("an order that becomes final after its connection has gone is cancelled too", async () => {
    const client = await openClient(running.ws);
    await client.auth(4);
    await client.call("private/enable_cancel_on_disconnect");
    running.upstream.paused = true;
    void client.call("private/buy", order);
    await new Promise((resolve) => setTimeout(resolve, 30));
    client.socket.terminate();
    await new Promise((resolve) => setTimeout(resolve, 30));
    running.upstream.paused = false;
    running.upstream.tick();
    expect(running.upstream.blocks.at(-1)!.events.some((event) => event.kind === "order")).toBe(true);
    await settled(async () => (await openOrders(4)).length === 0);
  });
});

describe("cancel on disconnect outlives the gateway", () => {
  test("a stop cancels first; after a kill the next start does", async () => {
    const dataDir = mkdtempSync(join(tmpdir(), "stoa-guard-"));
    const upstream = createLocalUpstream();
    upstream.setPrices([60_000, 3_000]);
    const first = await startTestGateway({ upstream, dataDir });
    const client = await openClient(first.ws);
    await client.auth(1);
    const early = (await client.call("private/buy", order)).result.order.order_id;
    await client.call("private/enable_cancel_on_disconnect");
    const late = (await client.call("private/buy", order)).result.order.order_id;
    const other = (await get(first.rest, "private/buy", { ...texts(order) }, basic(1))).result.order.order_id;
    const database = new DatabaseSync(join(dataDir, "history.sqlite"));
    const guarded = () => database.prepare("SELECT * FROM guarded ORDER BY 1").all();
    expect(guarded()).toEqual([early, late].map((id) => ({ order_id: Number(id), client_id: "client-1" })));
    await get(first.rest, "private/enable_cancel_on_disconnect", { scope: "account" }, basic(2));
    await get(first.rest, "private/enable_cancel_on_disconnect", { scope: "account" }, basic(3));
    await get(first.rest, "private/disable_cancel_on_disconnect", { scope: "account" }, basic(3));
    await first.stop();
    expect(upstream.query.openOrders(1).map(({ order: id }) => String(id))).toEqual([other]);
    expect(guarded()).toEqual([]);
    // What a killed gateway leaves behind.
    database.prepare("INSERT INTO guarded VALUES (?, 'client-1')").run(Number(other));
    database.close();
    const second = await startTestGateway({ upstream, dataDir });
    // The promise of scope account is tied to no connection and to no process.
    const scope = { scope: "account" };
    expect((await get(second.rest, "private/get_cancel_on_disconnect", scope, basic(2))).result.enabled).toBe(true);
    expect((await get(second.rest, "private/get_cancel_on_disconnect", scope, basic(1))).result.enabled).toBe(false);
    expect((await get(second.rest, "private/get_cancel_on_disconnect", scope, basic(3))).result.enabled).toBe(false);
    for (let attempt = 0; attempt < 100 && 0 < upstream.query.openOrders(1).length; attempt++)
      await new Promise((resolve) => setTimeout(resolve, 10));
    expect(upstream.query.openOrders(1)).toEqual([]);
    await second.stop();
    rmSync(dataDir, { recursive: true });
  });
});

const texts = (values: Readonly<Record<string, unknown>>): Record<string, string> =>
  Object.fromEntries(Object.entries(values).map(([key, value]) => [key, String(value)]));

describe("heartbeats", () => {
  class FakeSocket extends EventEmitter {
    bufferedAmount = 0;
    readonly sent: string[] = [];
    closed = false;
    send = (text: string): void => void this.sent.push(text);
    ping = (): void => undefined;
    close = (): void => void (this.closed = true);
    terminate = (): void => void (this.closed = true);
  }

  const answer = { body: '{"params":{"type":"answer"}}', error: undefined };
  const opened = (sendQueueSizeMax = defaultLimits.sendQueueSizeMax) => {
    let now = 1_000_000;
    const socket = new FakeSocket();
    const services = {
      nowMs: () => now,
      limits: { ...defaultLimits, sendQueueSizeMax },
      feed: { unsubscribeAll: () => undefined },
      authority: { dropConnection: () => undefined },
      log: () => undefined,
    } as unknown as Services;
    const dispatcher = { run: () => answer, failed: () => answer };
    const stream = openStream(services, dispatcher, socket as unknown as WebSocket, "test");
    const kinds = (): readonly string[] => socket.sent.map((text) => JSON.parse(text).params.type);
    const pass = (seconds: number): void => {
      for (let second = 0; second < seconds; second++) stream.tick((now += 1_000));
    };
    const stall = (seconds: number): void => stream.tick((now += 1_000 * seconds));
    return { socket, stream, kinds, pass, stall };
  };

  test("come every interval; a client that is silent for one is asked for proof of life, and then closed", async () => {
    const { socket, stream, kinds, pass } = opened();
    stream.connection.heartbeatSeconds = 10;
    pass(10);
    expect(kinds()).toEqual(["heartbeat", "test_request"]);
    pass(9);
    expect(stream.connection.closed).toBe(false);
    pass(1);
    await new Promise((resolve) => setImmediate(resolve));
    expect([stream.connection.closed, socket.closed]).toEqual([true, true]);
  });

  test("any request is proof of life", () => {
    const { socket, stream, kinds, pass } = opened();
    stream.connection.heartbeatSeconds = 10;
    pass(10);
    socket.emit("message", Buffer.from("{nonsense"));
    socket.sent.length = 0;
    pass(9);
    expect(stream.connection.closed).toBe(false);
    pass(1);
    expect(kinds()).toContain("heartbeat");
    expect(stream.connection.closed).toBe(false);
  });

  test("without heartbeats a dead link is noticed by its silence, a living one answers pings", () => {
    const dead = opened();
    dead.pass(59);
    expect(dead.socket.closed).toBe(false);
    dead.pass(2);
    expect(dead.socket.closed).toBe(true);
    const living = opened();
    for (let round = 0; round < 10; round++) {
      living.pass(30);
      living.socket.emit("pong");
    }
    expect(living.socket.closed).toBe(false);
  });

  test("a gateway that did not run for minutes does not take it for its clients' silence", () => {
    const { socket, stream, kinds, stall } = opened();
    stream.connection.heartbeatSeconds = 10;
    stall(300);
    expect([stream.connection.closed, socket.closed]).toEqual([false, false]);
    expect(kinds()).not.toContain("test_request");
  });

  test("a client that does not read is cut off when its queue is over the limit", () => {
    const { socket, stream } = opened(1_000);
    socket.bufferedAmount = 1_000;
    stream.connection.send("x");
    expect(socket.closed).toBe(false);
    socket.bufferedAmount = 1_001;
    stream.connection.send("x");
    expect([socket.closed, stream.connection.closed]).toEqual([true, true]);
  });

  test("an interval below ten seconds is refused, and public/test answers on the real thing", async () => {
    const running = await startTestGateway();
    const client = await openClient(running.ws);
    expect((await client.call("public/set_heartbeat", { interval: 9 })).error).toMatchObject({
      code: -32602,
      data: { param: "interval" },
    });
    expect((await client.call("public/set_heartbeat", { interval: "10" })).result).toBe("ok");
    expect((await client.call("public/disable_heartbeat")).result).toBe("ok");
    expect((await client.call("public/test")).result.version).toMatch(/^\d/);
    expect((await client.call("public/test", { expected_result: "exception" })).error?.code).toBe(10001);
    await running.stop();
  });
});

describe("a start that fails", () => {
  test("says which port is taken, and leaves the folder to the next start", async () => {
    const running = await startTestGateway();
    const dataDir = mkdtempSync(join(tmpdir(), "stoa-port-"));
    const host = "127.0.0.1";
    const options = { upstream: running.upstream, dataDir, keys: [], http: { host, port: 0 } };
    await expect(startGateway({ ...options, https: { host, port: running.gateway.httpPort } })).rejects.toThrow(
      new RegExp(`EADDRINUSE.*${running.gateway.httpPort}`),
    );
    const second = await startGateway({ ...options, https: { host, port: 0 } });
    await second.stop();
    await running.stop();
    rmSync(dataDir, { recursive: true });
  });

  test("names the key and the field that is wrong", async () => {
    const upstream = createLocalUpstream();
    const address = { host: "127.0.0.1", port: 0 };
    expect(() => principalsOf([apiKeyOf(1, { owner: "12" })])).toThrow(
      "API key 0 (user-1): owner is not a public key of 32 bytes",
    );
    expect(() => principalsOf([apiKeyOf(1), apiKeyOf(1)])).toThrow("clientId is used twice");
    expect(() => principalsOf([apiKeyOf(1, { scopes: ["all" as never] })])).toThrow("unknown word all");
    expect(() => readApiKeys("/nowhere/keys.json")).toThrow("/nowhere/keys.json");
    const folder = mkdtempSync(join(tmpdir(), "stoa-file-"));
    writeFileSync(join(folder, "file"), "");
    const inFile = startGateway({
      upstream,
      dataDir: join(folder, "file", "x"),
      http: address,
      https: address,
      keys: [],
    });
    await expect(inFile).rejects.toThrow(/ENOTDIR.*stoa-file/);
    rmSync(folder, { recursive: true });
  });
});

describe("crowds", () => {
  test("a thousand idle connections do not keep an order from its answer", async () => {
    const running = await startTestGateway({ limits: { connectionsPerAddressCountMax: 2_000 } });
    const crowd: Client[] = [];
    for (let batch = 0; batch < 10; batch++)
      crowd.push(...(await Promise.all(Array.from({ length: 100 }, () => openClient(running.ws)))));
    expect(running.gateway.connectionsCount()).toBe(1_000);
    const client = await openClient(running.ws);
    await client.auth(1);
    const startedMs = performance.now();
    expect((await client.call("private/buy", order)).result.order.order_state).toBe("open");
    expect(performance.now() - startedMs).toBeLessThan(5_000);
    for (const { socket } of crowd) socket.terminate();
    await client.until(() => running.gateway.connectionsCount() === 1);
    await running.stop();
  });

  test("connections over the limit of an address are refused with 429, and the others go on", async () => {
    const running = await startTestGateway({ limits: { connectionsPerAddressCountMax: 3 } });
    const clients = await Promise.all([1, 2, 3].map(() => openClient(running.ws)));
    await expect(openClient(running.ws)).rejects.toThrow(/429|ECONNRESET|socket hang up/);
    expect((await clients[0]!.call("public/test")).error).toBeUndefined();
    await clients[1]!.close();
    await new Promise((resolve) => setTimeout(resolve, 50));
    const next = await openClient(running.ws);
    expect((await next.call("public/test")).error).toBeUndefined();
    await running.stop();
  });

  test("a real client that stops reading is dropped, its orders with it, while others are served", async () => {
    const running = await startTestGateway({ limits: { sendQueueSizeMax: 200_000 } });
    const deaf = await openClient(running.ws);
    await deaf.auth(1);
    await deaf.call("private/enable_cancel_on_disconnect");
    await deaf.call("private/buy", order);
    await deaf.call("private/subscribe", { channels: ["user.orders.any.any.raw"] });
    const hearing = await openClient(running.ws);
    await hearing.auth(2);
    (deaf.socket as unknown as { _socket: { pause(): void } })._socket.pause();
    // Answers to a deaf client pile up: some megabytes pass through the kernel's buffers first.
    for (let round = 0; round < 400 && running.gateway.connectionsCount() === 2; round++) {
      for (let call = 0; call < 20; call++)
        deaf.socket.send(JSON.stringify({ id: 1, method: "public/get_instruments", params: {} }));
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await hearing.until(() => running.gateway.connectionsCount() === 1, "the deaf client is dropped");
    expect((await hearing.call("private/buy", { ...order, price: 59_600 })).result.order.order_state).toBe("open");
    await hearing.until(() => running.upstream.query.openOrders(1).length === 0, "its orders are cancelled");
    await running.stop();
  });

  test("more requests in flight than allowed get 10066, in order, and the rest their answers", async () => {
    const running = await startTestGateway({ limits: { requestsInFlightPerConnectionCountMax: 5 } });
    const client = await openClient(running.ws);
    await client.auth(1);
    running.upstream.paused = true;
    const calls = Array.from({ length: 8 }, (_, index) =>
      client.call("private/buy", { ...order, price: 59_500 - index }),
    );
    await new Promise((resolve) => setTimeout(resolve, 50));
    running.upstream.paused = false;
    running.upstream.tick();
    const answers = await Promise.all(calls);
    expect(answers.map((answer) => answer.error?.code)).toEqual([...Array(5).fill(undefined), 10066, 10066, 10066]);
    expect(answers[7]!.error?.message).toBe("too_many_concurrent_requests (wait for earlier answers)");
    await running.stop();
  });

  test("requests of a connection reach the exchange in their order, without waiting for answers", async () => {
    const running = await startTestGateway();
    const client = await openClient(running.ws);
    // No waiting for the reply to public/auth either: tardis-dev and others do this.
    void client.auth(1);
    running.upstream.paused = true;
    const calls = Array.from({ length: 50 }, (_, index) =>
      client.call("private/buy", { ...order, label: String(index) }),
    );
    await new Promise((resolve) => setTimeout(resolve, 50));
    running.upstream.paused = false;
    running.upstream.tick();
    const ids = (await Promise.all(calls)).map((answer) => Number(answer.result.order.order_id));
    expect(ids).toEqual(ids.toSorted((left, right) => left - right));
    await running.stop();
  });

  test("bytes that are no HTTP do not hurt", async () => {
    const running = await startTestGateway();
    const socket = connect(running.gateway.httpPort, "127.0.0.1");
    socket.on("error", () => undefined);
    socket.resume();
    socket.write(Buffer.from([0, 1, 2, 3, 255, 254]));
    await new Promise((resolve) => socket.once("close", resolve));
    expect((await get(running.rest, "public/test")).error).toBeUndefined();
    await running.stop();
  });
});
