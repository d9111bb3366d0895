import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openClient, startTestGateway, type Client, type TestGateway } from "./harness.ts";

describe("channels", () => {
  let running: TestGateway;
  let alice: Client;
  let bob: Client;
  const order = { instrument_name: "BTC-PERPETUAL", amount: 100, price: 60_000 };

  beforeAll(async () => {
    running = await startTestGateway();
    [alice, bob] = await Promise.all([openClient(running.ws), openClient(running.ws)]);
    await alice.auth(1);
    await bob.auth(2);
  });
  afterAll(() => running.stop());

  const watcher = async (number: number | undefined, channels: readonly string[]): Promise<Client> => {
    const client = await openClient(running.ws);
    if (number !== undefined) await client.auth(number);
    await client.call("private/subscribe".replace("private", number === undefined ? "public" : "private"), {
      channels,
    });
    return client;
  };
  const fill = async (amount = 100): Promise<void> => {
    await alice.call("private/sell", { ...order, amount });
    await bob.call("private/buy", { ...order, amount });
  };

  test("a request with some bad channels is accepted for the good ones", async () => {
    const client = await openClient(running.ws);
    await client.auth(3);
    const channels = [
      "user.portfolio.BTC",
      "user.portfolio.SOL",
      "ticker.BTC-PERPETUAL.100ms",
      "ticker.NONE.100ms",
      "nonsense",
      "user.orders.any.any.5s",
    ];
    const { result, error } = await client.call("private/subscribe", { channels });
    expect(error).toBeUndefined();
    expect(result).toEqual(["user.portfolio.BTC", "ticker.BTC-PERPETUAL.100ms"]);
    await client.close();
  });

  test("raw channels need an account: left out beside others, 13778 when nothing else is asked for", async () => {
    const client = await openClient(running.ws);
    const mixed = await client.call("public/subscribe", {
      channels: ["trades.BTC-PERPETUAL.raw", "trades.BTC-PERPETUAL.100ms"],
    });
    expect(mixed.result).toEqual(["trades.BTC-PERPETUAL.100ms"]);
    expect((await client.call("public/subscribe", { channels: ["book.BTC-PERPETUAL.raw"] })).error).toMatchObject({
      code: 13778,
      data: { param: "channels" },
    });
    expect((await client.call("public/subscribe", { channels: ["user.orders.any.any.raw"] })).result).toEqual([]);
    await client.close();
  });

  test("ticker, quote, price index, book and portfolio say how things stand at once; a label is repeated", async () => {
    const client = await openClient(running.ws);
    await client.auth(1);
    const channels = [
      "ticker.BTC-PERPETUAL.agg2",
      "quote.BTC-PERPETUAL",
      "deribit_price_index.btc_usd",
      "book.BTC-PERPETUAL.agg2",
      "user.portfolio.any",
    ];
    await client.call("private/subscribe", { channels, label: "mine" });
    await client.until(() => 7 <= client.notifications.length);
    for (const channel of channels) expect(client.data(channel).length, channel).toBeGreaterThan(0);
    expect(client.data("user.portfolio.any").map(({ currency }) => currency)).toEqual(["BTC", "ETH", "USDC"]);
    expect(
      client.notifications.every(({ method, params }) => method === "subscription" && params.label === "mine"),
    ).toBe(true);
    await client.close();
  });

  test("user.orders: raw carries one order per message, the others a list; user.trades always a list", async () => {
    const names = [
      "user.orders.BTC-PERPETUAL.raw",
      "user.orders.any.any.100ms",
      "user.trades.future.BTC.raw",
      "user.trades.BTC-PERPETUAL.100ms",
      "user.orders.option.any.raw",
      "user.trades.any.ETH.raw",
    ];
    const client = await watcher(2, names);
    await fill();
    await client.until(() => names.slice(0, 4).every((name) => 0 < client.data(name).length));
    expect(client.data(names[0]!)[0]).toMatchObject({
      order_state: "filled",
      filled_amount: 100,
      average_price: 60_000,
    });
    expect(client.data(names[1]!)[0]).toMatchObject([{ order_state: "filled" }]);
    expect(client.data(names[2]!)[0]).toMatchObject([
      { liquidity: "T", direction: "buy", amount: 100, state: "filled" },
    ]);
    expect(client.data(names[3]!)[0]).toHaveLength(1);
    expect(client.data(names[4]!)).toEqual([]);
    expect(client.data(names[5]!)).toEqual([]);
    await client.close();
  });

  test("both sides of a trade see it as their own; nobody else sees their orders", async () => {
    const [maker, taker, stranger] = await Promise.all(
      [1, 2, 3].map((number) => watcher(number, ["user.trades.any.any.raw", "user.orders.any.any.raw"])),
    );
    await fill();
    await taker!.until(() => 0 < taker!.data("user.trades.any.any.raw").length);
    expect(maker!.data("user.trades.any.any.raw")[0]).toMatchObject([{ liquidity: "M", direction: "sell", fee: 0 }]);
    expect(taker!.data("user.trades.any.any.raw")[0]).toMatchObject([{ liquidity: "T", direction: "buy" }]);
    expect(maker!.data("user.trades.any.any.raw")[0][0].trade_id).toBe(
      taker!.data("user.trades.any.any.raw")[0][0].trade_id,
    );
    expect(stranger!.notifications).toEqual([]);
    await Promise.all([maker!, taker!, stranger!].map((client) => client.close()));
  });

  test("user.changes carries orders, trades and the position, even when only an order changed", async () => {
    const client = await watcher(3, ["user.changes.any.any.raw"]);
    const carol = await openClient(running.ws);
    await carol.auth(3);
    const placed = await carol.call("private/buy", { ...order, price: 59_500 });
    await client.until(() => 0 < client.notifications.length);
    expect(client.data("user.changes.any.any.raw")[0]).toMatchObject({
      instrument_name: "BTC-PERPETUAL",
      orders: [{ order_id: placed.result.order.order_id, order_state: "open" }],
      trades: [],
      positions: [{ size: 0, direction: "zero" }],
    });
    await carol.call("private/cancel", { order_id: placed.result.order.order_id });
    await Promise.all([client.close(), carol.close()]);
  });

  test("user.portfolio follows fills and marks", async () => {
    const client = await watcher(2, ["user.portfolio.btc"]);
    await client.until(() => client.data("user.portfolio.btc").length === 1);
    const before = client.data("user.portfolio.btc")[0];
    await fill(1000);
    await client.until(() => 1 < client.data("user.portfolio.btc").length);
    expect(client.data("user.portfolio.btc").at(-1).balance).toBeLessThan(before.balance);
    const count = client.data("user.portfolio.btc").length;
    running.upstream.setPrices([60_200, 3_000]);
    await client.until(() => count < client.data("user.portfolio.btc").length, "the mark moves the portfolio");
    expect(client.data("user.portfolio.btc").at(-1).futures_session_upl).toBeGreaterThan(0);
    running.upstream.setPrices([60_000, 3_000]);
    await client.close();
  });

  test("public trades come per instrument, per kind and currency, and coalesced", async () => {
    const names = [
      "trades.BTC-PERPETUAL.100ms",
      "trades.future.BTC.100ms",
      "trades.any.any.agg2",
      "trades.option.BTC.100ms",
    ];
    const client = await watcher(undefined, names);
    await fill();
    await fill();
    await client.until(() => 2 <= client.data(names[2]!).flat().length);
    expect(client.data(names[0]!).flat()).toHaveLength(2);
    expect(client.data(names[1]!).flat()).toHaveLength(2);
    expect(client.data(names[3]!)).toEqual([]);
    const [first, second] = client.data(names[0]!).flat();
    expect(second.trade_seq).toBe(first.trade_seq + 1);
    expect(first).not.toHaveProperty("order_id");
    await client.close();
  });

  test("chart.trades sends the running candle; deribit_price_index every new price; perpetual its interest", async () => {
    const names = [
      "chart.trades.BTC-PERPETUAL.1",
      "chart.trades.BTC-PERPETUAL.1D",
      "deribit_price_index.btc_usd",
      "perpetual.BTC-PERPETUAL.100ms",
      "markprice.options.btc_usd",
      "incremental_ticker.BTC-PERPETUAL",
    ];
    const client = await watcher(undefined, names);
    running.upstream.setPrices([60_100, 3_000]);
    await fill();
    await client.until(() => names.every((name) => 0 < client.data(name).length));
    await client.until(() => client.data(names[3]!).at(-1).index_price === 60_100);
    expect(client.data(names[0]!).at(-1)).toMatchObject({ close: 60_000 });
    expect(client.data(names[1]!).at(-1).tick % 86_400_000).toBe(0);
    expect(client.data(names[2]!).at(-1)).toMatchObject({ index_name: "btc_usd", price: 60_100 });
    expect(client.data(names[4]!)[0][0].iv).toBe(0.6);
    const increments = client.data(names[5]!);
    expect(increments[0].type).toBe("snapshot");
    expect(increments.slice(1).every(({ type }) => type === "change")).toBe(true);
    running.upstream.setPrices([60_000, 3_000]);
    await client.close();
  });

  test("unsubscribe_all ends every channel", async () => {
    const client = await watcher(2, ["trades.BTC-PERPETUAL.raw", "user.orders.any.any.raw"]);
    expect((await client.call("private/unsubscribe_all")).result).toBe("ok");
    await fill();
    expect(client.notifications).toEqual([]);
    await client.close();
  });

  test("expiries, states and listings of instruments can be followed", async () => {
    const names = ["estimated_expiration_price.btc_usd", "instrument.state.any.any"];
    const client = await watcher(undefined, names);
    await client.until(() => client.data(names[0]!).length === 1);
    expect(client.data(names[0]!)[0].price).toBeCloseTo(60_000, -3);
    // A day later options have expired and new ones are listed.
    running.upstream.tick(25 * 3_600_000);
    running.upstream.setPrices([60_000, 3_000]);
    // Each instrument is a message of its own, and those that end come before those that begin.
    const states = () => new Set(client.data(names[1]!).map(({ state }) => state));
    await client.until(() => states().has("created"));
    expect(states().has("created")).toBe(true);
    await client.close();
  });
});

test("a channel that fails ends for its subscribers only; orders and other channels go on", async () => {
  const running = await startTestGateway();
  const [unlucky, lucky] = await Promise.all([openClient(running.ws), openClient(running.ws)]);
  await Promise.all([unlucky.auth(1), lucky.auth(2)]);
  await unlucky.call("private/subscribe", { channels: ["perpetual.BTC-PERPETUAL.raw"] });
  await lucky.call("private/subscribe", { channels: ["user.orders.any.any.raw"] });
  const query = running.upstream.query as { instrument: typeof running.upstream.query.instrument };
  const { instrument } = query;
  const closed = new Promise((resolve) => unlucky.socket.once("close", resolve));
  query.instrument = () => {
    throw new Error("as the test wants it");
  };
  running.upstream.setPrices([60_100, 3_000]);
  query.instrument = instrument;
  await closed;
  const answer = await lucky.call("private/buy", { instrument_name: "BTC-PERPETUAL", amount: 10, price: 59_500 });
  expect(answer.result.order.order_state).toBe("open");
  await lucky.until(() => lucky.notifications.length === 1);
  await running.stop();
});
