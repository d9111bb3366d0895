import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { methods, notImplemented } from "../src/methods/table.ts";
import { basic, get, openClient, startTestGateway, type Client, type TestGateway } from "./harness.ts";

/** Priority 0 of the interface: what ccxt's core flows and sessions call. */
const priorityZero = `
public/auth private/logout public/set_heartbeat public/disable_heartbeat public/hello public/test public/get_time public/status
private/enable_cancel_on_disconnect private/disable_cancel_on_disconnect private/get_cancel_on_disconnect
public/subscribe public/unsubscribe public/unsubscribe_all private/subscribe private/unsubscribe private/unsubscribe_all
public/get_currencies public/get_instruments public/get_instrument public/ticker public/get_order_book
public/get_book_summary_by_currency public/get_book_summary_by_instrument public/get_index_price
public/get_last_trades_by_instrument public/get_last_trades_by_instrument_and_time public/get_tradingview_chart_data
public/get_funding_rate_value public/get_funding_rate_history public/get_historical_volatility
private/buy private/sell private/edit private/cancel private/cancel_all private/cancel_all_by_instrument private/close_position
private/get_order_state private/get_open_orders private/get_open_orders_by_currency private/get_open_orders_by_instrument
private/get_order_history_by_currency private/get_order_history_by_instrument private/get_user_trades_by_currency
private/get_user_trades_by_instrument private/get_user_trades_by_currency_and_time
private/get_user_trades_by_instrument_and_time private/get_user_trades_by_order
private/get_account_summary private/get_account_summaries private/get_position private/get_positions`
  .trim()
  .split(/\s+/);

describe("the table of methods", () => {
  let running: TestGateway;
  let client: Client;
  beforeAll(async () => {
    running = await startTestGateway();
    client = await openClient(running.ws);
  });
  afterAll(() => running.stop());

  test("every method of priority 0 and mass_quote stand in it", () => {
    const missing = [...priorityZero, "private/mass_quote"].filter((name) => !methods.has(name));
    expect(missing).toEqual([]);
  });

  test("methods that exist at Deribit and not here answer 10033, unknown ones -32601", async () => {
    for (const name of notImplemented) expect((await client.call(name)).error?.code).toBe(10033);
    expect((await client.call("public/no_such_method")).error).toMatchObject({
      code: -32601,
      message: expect.stringMatching(/^Method not found \(method: there is no /),
      data: { param: "method" },
    });
  });

  test("every private method refuses a caller without authority, and names no other error", async () => {
    for (const method of methods.values()) {
      if (method.scope === undefined) continue;
      expect((await client.call(method.name)).error, method.name).toMatchObject({
        code: 13009,
        message: "unauthorized (Authorization: this method needs authentication)",
      });
    }
  });

  test("every required parameter that is missing is named", async () => {
    const authenticated = await openClient(running.ws);
    await authenticated.auth(1);
    for (const method of methods.values()) {
      const first = Object.entries(method.parameters).find(([, parameter]) => parameter.required)?.[0];
      if (first === undefined) continue;
      expect((await authenticated.call(method.name)).error, method.name).toEqual({
        code: -32602,
        message: `Invalid params (${first}: value required)`,
        data: { reason: "value required", param: first },
      });
    }
    await authenticated.close();
  });

  test("the three HTTP shapes give the same answer, and unknown parameters are ignored", async () => {
    const byGet = await get(running.rest, "public/get_instrument", { instrument_name: "BTC-PERPETUAL", code: "BTC" });
    const post = async (path: string, body: unknown): Promise<any> =>
      (await fetch(`${running.rest}${path}`, { method: "POST", body: JSON.stringify(body) })).json();
    const params = { instrument_name: "BTC-PERPETUAL", scope: "x" };
    const byPath = await post("/api/v2/public/get_instrument", { jsonrpc: "2.0", id: 5, params });
    const byBody = await post("/api/v2", { jsonrpc: "2.0", id: "a", method: "/public/get_instrument", params });
    expect(byGet.result.instrument_name).toBe("BTC-PERPETUAL");
    expect(byPath).toMatchObject({ id: 5, result: byGet.result });
    expect(byBody).toMatchObject({ id: "a", result: byGet.result });
    expect(byGet).not.toHaveProperty("id");
  });

  test.each(["0", '"text"', "null", "9007199254740993", "1.50", "-7"])(
    "the id %s comes back as it was written",
    async (id) => {
      const answer = await new Promise<string>((resolve) => {
        client.socket.once("message", (data) => resolve(data.toString()));
        client.socket.send(`{"jsonrpc":"2.0","method":"public/test","id":${id}}`);
      });
      expect(answer).toContain(`"id":${id},`);
    },
  );

  test("the envelope carries microseconds and says that this is a test network", async () => {
    const answer = await client.call("public/test");
    expect(answer.testnet).toBe(true);
    expect(answer.usOut! - answer.usIn!).toBe(answer.usDiff);
    expect(Math.abs(answer.usIn! / 1000 - Date.now())).toBeLessThan(10_000);
  });

  test("methods of a WebSocket are refused over HTTP with 10030", async () => {
    for (const name of [
      "public/subscribe",
      "public/set_heartbeat",
      "public/hello",
      "private/mass_quote",
      "private/logout",
    ])
      expect((await get(running.rest, name, {}, basic(1))).error?.code, name).toBe(10030);
  });

  test("numbers and booleans may be text, a currency in any case, absent values empty", async () => {
    const answer = await get(
      running.rest,
      "private/buy",
      { instrument_name: "BTC-PERPETUAL", amount: "10", price: "59000.0", post_only: "true", label: "" },
      basic(1),
    );
    expect(answer.result.order).toMatchObject({ amount: 10, price: 59_000, post_only: true });
    expect(
      (await get(running.rest, "private/get_open_orders_by_currency", { currency: "btc" }, basic(1))).result,
    ).toHaveLength(1);
    expect((await get(running.rest, "private/cancel_all", {}, basic(1))).result).toBe(1);
  });

  test("public/get_instruments needs no currency and knows kinds", async () => {
    const count = async (query: Record<string, string>): Promise<number> =>
      (await get(running.rest, "public/get_instruments", query)).result.length;
    const [all, any, bitcoin, dollars, options] = await Promise.all([
      count({}),
      count({ currency: "any" }),
      count({ currency: "BTC" }),
      count({ currency: "USDC" }),
      count({ currency: "BTC", kind: "option" }),
    ]);
    expect(all).toBe(any);
    expect(bitcoin + (await count({ currency: "ETH" })) + dollars).toBe(all);
    expect(options).toBeLessThan(bitcoin);
    expect(await count({ kind: "spot" })).toBe(0);
    expect(await count({ expired: "true" })).toBe(0);
  });

  test("the table of not implemented names is sorted and unique", () => {
    const source = readFileSync(new URL("../src/methods/not-implemented.ts", import.meta.url), "utf8");
    const names = [...source.matchAll(/"((?:public|private)\/[a-z_/]+)"/g)].map(([, name]) => name);
    expect(names).toEqual([...new Set(names)].toSorted());
  });
});
