/** Bad input: each kind has its code, its message names the field, and the exchange stays as it was. */
import { toHex } from "@stoa/base/bytes";
import { timeMs } from "@stoa/base/units";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  apiKeyOf,
  basic,
  get,
  openClient,
  startTestGateway,
  type Client,
  type Reply,
  type TestGateway,
} from "./harness.ts";
import { comparedWhole, errorCodes } from "../src/errors.ts";
import { defaultLimits } from "../src/limits.ts";
import { keyOf, seedOf } from "./local-upstream.ts";

describe("bad input", () => {
  let running: TestGateway;
  let client: Client;
  let other: Client;

  beforeAll(async () => {
    running = await startTestGateway({
      keys: [
        ...[1, 2].map((number) => apiKeyOf(number)),
        ...[11, 12].map((session) =>
          apiKeyOf(3, {
            clientId: `client-${session}`,
            clientSecret: `secret-${session}`,
            sessionSeed: toHex(seedOf(session)),
          }),
        ),
        apiKeyOf(9),
      ],
    });
    client = await openClient(running.ws);
    other = await openClient(running.ws);
    await client.auth(1);
    await other.auth(2);
  });
  afterAll(() => running.stop());

  /** Ledger, orders and positions: what a refused request must never move. */
  const state = (): readonly string[] => {
    const [ledger, , orders, positions] = running.upstream.roots();
    return [ledger!, orders!, positions!];
  };
  const order = { instrument_name: "BTC-PERPETUAL", amount: 100, price: 60_000, type: "limit" };

  /** The message is the known word or words, a limit where there is one, and in parentheses the field and why. */
  const refuses = async (call: () => Promise<Reply>, code: number, param: string, words?: string): Promise<void> => {
    const before = state();
    const { error, result } = await call();
    expect(result).toBeUndefined();
    expect(error?.code).toBe(code);
    expect(error?.data?.param).toBe(param);
    const [word] = Object.entries(errorCodes).find(([, one]) => one === code)!;
    const known = words ?? word;
    const compared = comparedWhole.has(word as keyof typeof errorCodes);
    if (compared) expect(error?.message).toBe(known);
    else expect(error?.message.startsWith(`${known} (${param}: `), `${error?.message} names ${param}`).toBe(true);
    expect(state()).toEqual(before);
  };

  test.each([
    ["no JSON", "{nonsense", -32700, "request"],
    ["a number", "17", 11050, "request"],
    ["a batch", "[]", 11050, "request"],
    ["no method", '{"id":1}', 11050, "method"],
    ["a method that is no text", '{"id":1,"method":5}', 11050, "method"],
    ["parameters that are a list", '{"id":1,"method":"public/test","params":[]}', -32602, "params"],
  ])("%s", (_what, text, code, param) => refuses(() => client.raw(text), code, param));

  type OrderCase = [what: string, change: object, code: number, param: string, words?: string];
  const orderCases: OrderCase[] = [
    ["an amount that is no number", { amount: "ten" }, -32602, "amount"],
    ["an amount that is an object", { amount: {} }, -32602, "amount"],
    ["a price that is no number", { price: [] }, -32602, "price"],
    ["an order type that does not exist", { type: "magic" }, -32602, "type"],
    ["a flag that is no boolean", { post_only: "maybe" }, -32602, "post_only"],
    ["a label of more than 64 bytes", { label: "x".repeat(65) }, -32602, "label"],
    ["an unknown time in force", { time_in_force: "forever" }, -32602, "time_in_force"],
    ["an unknown instrument", { instrument_name: "BTC-NEVER" }, 13020, "instrument_name"],
    ["no amount", { amount: undefined }, -32602, "amount"],
    ["no price", { price: undefined }, -32602, "price"],
    ["a price between ticks", { price: 60_000.3 }, 10043, "price"],
    ["a price finer than 1e-8", { price: "60000.000000001" }, 10043, "price"],
    ["a price of zero", { price: 0 }, 10023, "price"],
    ["a negative price", { price: -5 }, 10023, "price"],
    ["an amount below the minimum", { amount: 5 }, 10002, "amount"],
    ["an amount of zero", { amount: 0 }, 10002, "amount"],
    ["an amount between lots", { amount: 15 }, 10021, "amount"],
    ["an amount beyond all reason", { amount: 1e17 }, 10021, "amount"],
    ["amount and contracts that disagree", { contracts: 7 }, -32602, "contracts"],
    ["more than the account can carry", { amount: 2_000_000_000 }, 10009, "amount"],
    ["a time that has passed", { valid_until: 1 }, 13888, "valid_until"],
    ["a trigger", { trigger: "last_price" }, 10033, "trigger"],
    ["a market maker protection that is not here", { mmp: true }, 10033, "mmp"],
    [
      "a post-only order that fills at once",
      { post_only: true, time_in_force: "immediate_or_cancel" },
      11047,
      "time_in_force",
    ],
    [
      "reduce-only without a position",
      { reduce_only: true },
      11030,
      "reduce_only",
      "other_reject reduce_only_would_increase",
    ],
    ["a market order into an empty book", { type: "market" }, 11030, "type", "other_reject no_liquidity"],
    [
      "fill-or-kill into an empty book",
      { time_in_force: "fill_or_kill" },
      11030,
      "time_in_force",
      "other_reject fill_or_kill_not_filled",
    ],
  ];
  test.each(orderCases)("%s", (_what, change, code, param, words) =>
    refuses(() => client.call("private/buy", { ...order, ...change }), code, param, words),
  );

  test("prices outside the band name the band in dollars", async () => {
    await refuses(
      () => client.call("private/buy", { ...order, price: 61_000 }),
      10007,
      "price",
      "price_too_high 60900",
    );
    await refuses(
      () => client.call("private/sell", { ...order, price: 59_000 }),
      10005,
      "price",
      "price_too_low 59100",
    );
  });

  test("an option price off its step", () =>
    refuses(
      () =>
        client.call("private/buy", {
          ...order,
          instrument_name: running.upstream.query
            .instruments()
            .find(({ instrument }) => instrument.kind === "option" && instrument.base === 0)!.instrument.name,
          amount: 1,
          price: 0.0051,
        }),
      10043,
      "price",
    ));

  test("a post-only order that would trade, when it is not to be moved", async () => {
    const ask = await other.call("private/sell", { ...order, price: 60_010 });
    await refuses(
      () => client.call("private/buy", { ...order, price: 60_010, post_only: true, reject_post_only: true }),
      11054,
      "price",
    );
    await refuses(() => other.call("private/buy", { ...order, price: 60_010 }), 10003, "price");
    await other.call("private/cancel", { order_id: ask.result.order.order_id });
  });

  test("someone else's order, an ended one, one that never was, and no order id at all", async () => {
    const placed = (await other.call("private/buy", { ...order, price: 59_500 })).result.order.order_id;
    for (const method of ["private/cancel", "private/edit", "private/get_order_state"])
      await refuses(() => client.call(method, { order_id: placed, amount: 10, price: 59_000 }), 10029, "order_id");
    await other.call("private/cancel", { order_id: placed });
    await refuses(() => other.call("private/cancel", { order_id: placed }), 11044, "order_id");
    await refuses(() => other.call("private/edit", { order_id: placed, amount: 10 }), 11044, "order_id");
    for (const id of ["123456789", "USDC-x", "", "-5", "ETH-99999999999999999999"])
      await refuses(() => client.call("private/cancel", { order_id: id }), id === "" ? -32602 : 10004, "order_id");
  });

  test("a currency that is not here", async () => {
    await refuses(() => client.call("private/get_account_summary", { currency: "DOGE" }), -32602, "currency");
    await refuses(() => client.call("public/get_instruments", { currency: "DOGE" }), -32602, "currency");
    await refuses(() => client.call("public/get_index_price", { index_name: "doge_usd" }), -32602, "index_name");
  });

  test("a session key that was never authorised, has expired, or was revoked", async () => {
    const tryOrder = (number: number) => () =>
      get(
        running.rest,
        "private/buy",
        { instrument_name: "BTC-PERPETUAL", amount: "10", price: "59500" },
        basic(number),
      );
    await refuses(tryOrder(11), 13009, "session_key");
    const authorise = (session: number, expiresAtMs: number) =>
      running.upstream.send(seedOf(3), {
        kind: "authorizeKey",
        sessionKey: keyOf(session),
        scopes: 3,
        expiresAtMs: timeMs(expiresAtMs),
      });
    await authorise(11, Date.now() + 3_600_000);
    await authorise(12, running.upstream.query.timeMs() + 50);
    await new Promise((resolve) => setTimeout(resolve, 100));
    const placed = await tryOrder(11)();
    expect(placed.error).toBeUndefined();
    expect(placed.result.order.order_state).toBe("open");
    await refuses(tryOrder(12), 13009, "session_key");
    await running.upstream.send(seedOf(3), { kind: "revokeKey", sessionKey: keyOf(11) });
    await refuses(tryOrder(11), 13009, "session_key");
  });

  test("an account that was never funded", () =>
    refuses(
      () =>
        get(running.rest, "private/buy", { instrument_name: "BTC-PERPETUAL", amount: "10", price: "59500" }, basic(9)),
      10009,
      "account",
    ));

  test("a body over the limit, over both transports", async () => {
    const before = state();
    const body = JSON.stringify({ id: 1, method: "public/test", params: { x: "y".repeat(70_000) } });
    const response = await fetch(`${running.rest}/api/v2`, { method: "POST", body });
    expect([response.status, ((await response.json()) as Reply).error]).toMatchObject([
      413,
      {
        code: -32600,
        message: `request entity too large (body: more than ${defaultLimits.requestSizeMax} bytes)`,
        data: { param: "body" },
      },
    ]);
    const victim = await openClient(running.ws);
    const code = new Promise((resolve) => victim.socket.once("close", resolve));
    victim.socket.send(body);
    // 1009: message too big.
    expect(await code).toBe(1009);
    expect(state()).toEqual(before);
  });

  test("names that every object has are no names here", async () => {
    for (const word of ["constructor", "__proto__", "toString"]) {
      const chart = { instrument_name: "BTC-PERPETUAL", start_timestamp: 0, end_timestamp: 1, resolution: word };
      await refuses(() => client.call("public/get_tradingview_chart_data", chart), -32602, "resolution");
      await refuses(() => client.call("public/ticker", { instrument_name: word }), 13020, "instrument_name");
      expect(
        (await client.call("public/subscribe", { channels: [`chart.trades.BTC-PERPETUAL.${word}`] })).result,
      ).toEqual([]);
      expect((await client.call(`public/${word}`)).error?.code).toBe(-32601);
      expect((await get(running.rest, "public/test", { [word]: "x" })).error).toBeUndefined();
    }
    const deep = `{"id":1.5,"method":"public/test","params":{"x":${"[".repeat(30_000)}${"]".repeat(30_000)}}}`;
    expect((await client.raw(deep)).error).toBeUndefined();
  });

  test("each side of a mass quote that is wrong names its field; the words that clients compare stay alone", async () => {
    await client.call("private/enable_cancel_on_disconnect");
    const quotes = [
      { instrument_name: "BTC-PERPETUAL", bid: { price: 59_000.3, amount: 10 }, ask: { price: 61_000, amount: 15 } },
      { instrument_name: "BTC-NEVER", bid: { price: 1, amount: 1 } },
    ];
    const { result } = await client.call("private/mass_quote", { quote_id: "1", mmp_group: "any", quotes });
    expect(result.errors.map((one: { error: { message: string } }) => one.error.message)).toEqual([
      "price_wrong_tick (price: must be a multiple of 0.5)",
      "invalid_amount (amount: must be a multiple of 10)",
      "not_found (instrument_name: no instrument of this name)",
    ]);
    expect([...comparedWhole].toSorted()).toEqual([
      "already_closed",
      "not_enough_funds",
      "not_open_order",
      "order_not_found",
      "post_only_reject",
      "too_many_requests",
    ]);
    const { error } = await client.call("private/buy", { ...order, amount: 2_000_000_000 });
    expect(error).toEqual({
      code: 10009,
      message: "not_enough_funds",
      data: {
        param: "amount",
        reason: "the order needs more margin than the account's available_funds",
        refusal: "margin-insufficient",
      },
    });
  });

  test("a path and a verb that are not here", async () => {
    expect((await fetch(`${running.rest}/etc/passwd`)).status).toBe(404);
    expect((await fetch(`${running.rest}/api/v2/public/test`, { method: "DELETE" })).status).toBe(405);
    await expect(openClient(running.ws.replace("/ws/api/v2", "/ws/other"))).rejects.toThrow("404");
  });
});
