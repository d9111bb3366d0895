/** Accounts: positions and summaries in Deribit's signs and units, the log that adds up, settlement, quotes, transfers. */
import { toHex } from "@stoa/base/bytes";
import { timeMs } from "@stoa/base/units";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { apiKeyOf, basic, get, openClient, startTestGateway, type Client, type TestGateway } from "./harness.ts";
import { createLocalUpstream, keyOf, seedOf } from "./local-upstream.ts";

const hourMs = 3_600_000;
const summaryOf = async (running: TestGateway, number: number, currency: string): Promise<any> =>
  (await get(running.rest, "private/get_account_summary", { currency }, basic(number))).result;
const positionOf = async (running: TestGateway, number: number, instrument_name: string): Promise<any> =>
  (await get(running.rest, "private/get_position", { instrument_name }, basic(number))).result;
const call = async (
  running: TestGateway,
  number: number,
  method: string,
  query: Record<string, string>,
): Promise<any> => {
  const { result, error } = await get(running.rest, method, query, basic(number));
  expect(error).toBeUndefined();
  return result;
};
/** Sells from one account to another at a price. */
async function cross(
  running: TestGateway,
  [seller, buyer]: readonly [number, number],
  instrument_name: string,
  amount: number,
  price: number,
): Promise<void> {
  const order = { instrument_name, amount: String(amount), price: String(price) };
  await call(running, seller, "private/sell", order);
  const bought = await call(running, buyer, "private/buy", order);
  expect(bought.order.order_state).toBe("filled");
}

const currencies = ["BTC", "ETH", "USDC"] as const;
const unitOf = { BTC: 1e-8, ETH: 1e-8, USDC: 1e-6 };

/** The identities of a summary (finding 14 of the design) to the last unit. */
function identities(summary: any): void {
  const unit = unitOf[summary.currency as keyof typeof unitOf];
  const close = (left: number, right: number): void => expect(Math.abs(left - right)).toBeLessThan(unit / 2);
  close(summary.margin_balance, summary.balance + summary.futures_session_upl + summary.futures_session_rpl);
  close(summary.equity, summary.margin_balance + summary.options_value);
  close(summary.available_funds, summary.margin_balance - summary.initial_margin);
  close(summary.session_upl, summary.futures_session_upl + summary.options_session_upl);
  close(summary.total_pl, summary.futures_pl + summary.options_pl);
}

describe("positions and balances", () => {
  let running: TestGateway;
  let option: string;
  beforeAll(async () => {
    running = await startTestGateway();
    option = running.upstream.query
      .instruments()
      .find(
        ({ instrument }) =>
          instrument.kind === "option" &&
          instrument.base === 0 &&
          instrument.strike === 60_000e8 &&
          instrument.optionType === "call" &&
          Date.now() + 24 * hourMs < instrument.expiryMs!,
      )!.instrument.name;
    await cross(running, [1, 2], "BTC-PERPETUAL", 60_000, 60_000);
    await cross(running, [1, 2], "BTC-PERPETUAL", 30_000, 60_500);
    await cross(running, [2, 1], "BTC_USDC-PERPETUAL", 0.5, 60_000);
    await cross(running, [1, 2], option, 2, 0.02);
    await cross(running, [2, 1], "ETH-PERPETUAL", 3_000, 3_000);
  });
  afterAll(() => running.stop());

  test("an inverse position is in dollars, signed, with the harmonic mean price", async () => {
    const [short, long] = await Promise.all([1, 2].map((number) => positionOf(running, number, "BTC-PERPETUAL")));
    const mean = 90_000 / (60_000 / 60_000 + 30_000 / 60_500);
    expect(long).toMatchObject({ kind: "future", direction: "buy", size: 90_000, mark_price: 60_000, leverage: 50 });
    expect(short).toMatchObject({ direction: "sell", size: -90_000, size_currency: -1.5 });
    expect(long.average_price).toBeCloseTo(mean, 2);
    expect(long.total_profit_loss).toBeCloseTo(90_000 / mean - 1.5, 7);
    expect(long.total_profit_loss).toBe(-short.total_profit_loss);
    expect(long.realized_funding).toBeTypeOf("number");
  });

  test("the liquidation price is of a position that is alone in its currency; there is none beside others", async () => {
    const alone = await positionOf(running, 2, "BTC_USDC-PERPETUAL");
    // 1,000,000 dollars and what was sold for 30,000, against half a coin and 1.0025 % of it.
    expect(alone.estimated_liquidation_price).toBeCloseTo(1_030_000 / (0.5 * 1.010025), 0);
    const beside = await positionOf(running, 2, "BTC-PERPETUAL");
    expect(beside.estimated_liquidation_price).toBeNull();
  });

  test("a linear position is a notional at mark, its coins beside it; an option counts coins", async () => {
    expect(await positionOf(running, 2, "BTC_USDC-PERPETUAL")).toMatchObject({
      direction: "sell",
      size: -30_000,
      size_currency: -0.5,
      average_price: 60_000,
    });
    const held = await positionOf(running, 2, option);
    expect(held).toMatchObject({
      kind: "option",
      direction: "buy",
      size: 2,
      average_price: 0.02,
      average_price_usd: 1_200,
    });
    expect(held).not.toHaveProperty("size_currency");
    expect(held.delta).toBeGreaterThan(0.8);
    expect(held.floating_profit_loss).toBeCloseTo(2 * (held.mark_price - 0.02), 8);
  });

  test("no position is a position of zero", async () => {
    expect(await positionOf(running, 3, "BTC-PERPETUAL")).toMatchObject({
      size: 0,
      direction: "zero",
      average_price: 0,
      initial_margin: 0,
    });
    expect(await call(running, 3, "private/get_positions", {})).toEqual([]);
  });

  test("positions are filed by settlement currency and by kind", async () => {
    const names = async (query: Record<string, string>): Promise<string[]> =>
      (await call(running, 2, "private/get_positions", query)).map((position: any) => position.instrument_name);
    expect(await names({ currency: "BTC" })).toEqual(["BTC-PERPETUAL", option]);
    expect(await names({ currency: "USDC" })).toEqual(["BTC_USDC-PERPETUAL"]);
    expect(await names({ kind: "option" })).toEqual([option]);
    expect(await names({})).toHaveLength(4);
  });

  test("summaries keep their identities in every currency, for both accounts, and the premium has moved at once", async () => {
    for (const number of [1, 2]) {
      for (const currency of currencies) identities(await summaryOf(running, number, currency));
      const all = await call(running, number, "private/get_account_summaries", {});
      expect(all.summaries.map((summary: any) => summary.currency)).toEqual(currencies);
    }
    const [seller, buyer] = await Promise.all([1, 2].map((number) => summaryOf(running, number, "BTC")));
    expect(seller.balance).toBeGreaterThan(100.039);
    expect(buyer.balance).toBeLessThan(99.961);
    expect(buyer.options_value).toBe(-seller.options_value);
    expect(buyer.options_delta).toBeGreaterThan(0);
    expect(buyer.delta_total).toBeCloseTo(1.5 + buyer.options_delta, 6);
  });

  test("the transaction log adds up to the balance, entry by entry", async () => {
    for (const number of [1, 2]) {
      for (const currency of currencies) {
        const { logs } = await call(running, number, "private/get_transaction_log", {
          currency,
          start_timestamp: "0",
          count: "1000",
        });
        const summary = await summaryOf(running, number, currency);
        expect(logs[0].balance).toBe(summary.balance);
        for (const entry of logs) {
          expect(Math.abs(entry.cashflow - entry.commission - entry.change)).toBeLessThan(unitOf[currency] / 2);
          if (entry.type !== "trade") continue;
          expect(["maker", "taker"]).toContain(entry.user_role);
          expect(entry.order_id).toBeTypeOf("string");
          // Whoever buys a premium pays it.
          if (entry.info.cause === "option-premium")
            expect(entry.side).toBe(entry.change < 0 ? "open buy" : "open sell");
        }
        const sum = logs.reduce((total: number, entry: any) => total + entry.change, 0);
        expect(Math.abs(sum - summary.balance)).toBeLessThan(unitOf[currency]);
        for (const [index, entry] of logs.entries())
          if (index + 1 < logs.length)
            expect(Math.abs(logs[index + 1].balance + entry.change - entry.balance)).toBeLessThan(unitOf[currency] / 2);
      }
    }
    const page = await call(running, 2, "private/get_transaction_log", {
      currency: "BTC",
      start_timestamp: "0",
      count: "2",
    });
    const next = await call(running, 2, "private/get_transaction_log", {
      currency: "BTC",
      start_timestamp: "0",
      count: "2",
      continuation: String(page.continuation),
    });
    expect(next.logs[0].id).toBeLessThan(page.logs.at(-1).id);
    const trades = await call(running, 2, "private/get_transaction_log", {
      currency: "BTC",
      start_timestamp: "0",
      query: "deposit",
    });
    expect(trades.logs.map((entry: any) => entry.type)).toEqual(["deposit"]);
  });

  test("trades of one's own page, sort and filter; by order they are a plain list", async () => {
    const trades = async (method: string, query: Record<string, string>): Promise<any> =>
      call(running, 2, `private/${method}`, query);
    const all = await trades("get_user_trades_by_currency", { currency: "BTC" });
    expect(all.has_more).toBe(false);
    expect(all.trades).toHaveLength(3);
    expect(all.trades[0].timestamp).toBeGreaterThanOrEqual(all.trades[2].timestamp);
    const ascending = await trades("get_user_trades_by_instrument", {
      instrument_name: "BTC-PERPETUAL",
      sorting: "asc",
      count: "1",
    });
    expect(ascending).toMatchObject({ has_more: true, trades: [{ price: 60_000, liquidity: "T", direction: "buy" }] });
    expect(
      await trades("get_user_trades_by_instrument_and_time", {
        instrument_name: "BTC-PERPETUAL",
        start_timestamp: String(Date.now() + hourMs),
      }),
    ).toEqual({ trades: [], has_more: false });
    expect(
      (await trades("get_user_trades_by_currency_and_time", { currency: "USDC", start_timestamp: "0" })).trades,
    ).toHaveLength(1);
    const byOrder = await trades("get_user_trades_by_order", { order_id: all.trades[0].order_id });
    expect(byOrder).toEqual([all.trades[0]]);
    expect(await call(running, 3, "private/get_user_trades_by_order", { order_id: all.trades[0].order_id })).toEqual(
      [],
    );
  });

  test("close_position closes, reduce-only, and get_margins says what an order would need", async () => {
    const margins = await call(running, 2, "private/get_margins", {
      instrument_name: "BTC-PERPETUAL",
      amount: "6000",
      price: "60000",
    });
    expect(margins).toMatchObject({ min_price: 59_100, max_price: 60_900 });
    expect(margins.buy).toBeCloseTo(0.002, 4);
    await call(running, 1, "private/buy", { instrument_name: "BTC-PERPETUAL", amount: "200000", price: "60000" });
    const closed = await call(running, 2, "private/close_position", {
      instrument_name: "BTC-PERPETUAL",
      type: "market",
    });
    expect(closed.order).toMatchObject({ direction: "sell", order_state: "filled", amount: 90_000, reduce_only: true });
    expect((await positionOf(running, 2, "BTC-PERPETUAL")).size).toBe(0);
    expect(
      (
        await get(
          running.rest,
          "private/close_position",
          { instrument_name: "BTC-PERPETUAL", type: "market" },
          basic(2),
        )
      ).error?.code,
    ).toBe(10010);
    expect((await summaryOf(running, 2, "BTC")).futures_session_rpl).not.toBe(0);
    identities(await summaryOf(running, 2, "BTC"));
    await call(running, 1, "private/cancel_all", {});
  });

  test("labels find orders; cancels by label, kind and currency cancel those and no others", async () => {
    const place = async (instrument_name: string, price: number, amount: number, label: string): Promise<any> =>
      (await call(running, 3, "private/buy", { instrument_name, amount: String(amount), price: String(price), label }))
        .order;
    await place("BTC-PERPETUAL", 59_500, 100, "a");
    await place("BTC-PERPETUAL", 59_400, 100, "b");
    await place("ETH-PERPETUAL", 2_980, 100, "a");
    await place("BTC_USDC-PERPETUAL", 59_500, 0.01, "c");
    await place(option, 0.001, 1, "d");
    const open = async (): Promise<number> => (await call(running, 3, "private/get_open_orders", {})).length;
    expect(await call(running, 3, "private/get_open_orders_by_label", { currency: "BTC", label: "a" })).toHaveLength(1);
    expect(await call(running, 3, "private/get_order_state_by_label", { currency: "ETH", label: "a" })).toMatchObject([
      { order_state: "open" },
    ]);
    const edited = await call(running, 3, "private/edit_by_label", {
      instrument_name: "BTC-PERPETUAL",
      label: "b",
      amount: "50",
    });
    expect(edited.order).toMatchObject({ amount: 50, price: 59_400, replaced: true });
    expect(
      (
        await get(
          running.rest,
          "private/edit_by_label",
          { instrument_name: "BTC-PERPETUAL", label: "z", amount: "50" },
          basic(3),
        )
      ).error?.code,
    ).toBe(13032);
    expect(await call(running, 3, "private/cancel_all_by_currency", { currency: "BTC", kind: "option" })).toBe(1);
    expect(
      await call(running, 3, "private/cancel_all_by_kind_or_type", {
        currency: '["ETH","USDC"]',
        kind: "future",
        type: "limit",
      }),
    ).toBe(2);
    expect(await call(running, 3, "private/cancel_all_by_kind_or_type", { currency: "any", type: "stop" })).toBe(0);
    expect(await open()).toBe(2);
    expect(await call(running, 3, "private/cancel_by_label", { label: "a" })).toBe(1);
    const detailed = await call(running, 3, "private/cancel_all_by_instrument", {
      instrument_name: "BTC-PERPETUAL",
      detailed: "true",
    });
    expect(detailed).toMatchObject([
      { instrument_name: "BTC-PERPETUAL", result: [{ label: "b", order_state: "cancelled" }] },
    ]);
    expect(await open()).toBe(0);
    expect(await call(running, 3, "private/get_order_history_by_currency", { currency: "BTC" })).toEqual([]);
    const unfilled = await call(running, 3, "private/get_order_history_by_instrument", {
      instrument_name: "BTC-PERPETUAL",
      include_unfilled: "true",
      count: "1",
      with_continuation: "true",
    });
    expect(unfilled.orders).toHaveLength(1);
    expect(unfilled.continuation).toBe("1");
  });

  test("sub-accounts are opened, listed, credited, and kept apart from strangers", async () => {
    const opened = await call(running, 4, "private/create_subaccount", {});
    const [main, sub] = await call(running, 4, "private/get_subaccounts", { with_portfolio: "true" });
    expect(main).toMatchObject({ type: "main", portfolio: { usdc: { currency: "USDC" } } });
    expect(sub).toMatchObject({ type: "subaccount", id: opened.id });
    const sent = await call(running, 4, "private/submit_transfer_to_subaccount", {
      currency: "USDC",
      amount: "12.5",
      destination: String(sub.id),
    });
    expect(sent).toMatchObject({
      amount: 12.5,
      currency: "USDC",
      direction: "payment",
      state: "confirmed",
      type: "subaccount",
    });
    expect((await call(running, 4, "private/get_transfers", { currency: "USDC" })).data[0]).toEqual(sent);
    expect((await summaryOf(running, 4, "USDC")).balance).toBe(999_987.499999);
    const summary = await call(running, 4, "private/get_account_summary", {
      currency: "USDC",
      subaccount_id: String(sub.id),
      extended: "true",
    });
    expect(summary).toMatchObject({ balance: 12.500001, type: "subaccount", id: sub.id });
    expect(
      await call(running, 4, "private/get_subaccounts_details", { currency: "BTC", with_open_orders: "true" }),
    ).toMatchObject([{ open_orders: [] }, { uid: sub.id, positions: [] }]);
    const refused = async (method: string, query: Record<string, string>): Promise<any> =>
      (await get(running.rest, method, query, basic(4))).error;
    expect(
      await refused("private/submit_transfer_to_subaccount", { currency: "USDC", amount: "1", destination: "1" }),
    ).toMatchObject({ code: 12100, data: { param: "destination" } });
    expect(
      await refused("private/submit_transfer_to_subaccount", {
        currency: "USDC",
        amount: "0.0000001",
        destination: String(sub.id),
      }),
    ).toMatchObject({ code: 10021, data: { param: "amount" } });
    expect(
      await refused("private/submit_transfer_to_subaccount", {
        currency: "USDC",
        amount: "9000000",
        destination: String(sub.id),
      }),
    ).toMatchObject({ code: 10009 });
    expect(await refused("private/get_account_summary", { currency: "USDC", subaccount_id: "1" })).toMatchObject({
      code: 13021,
      data: { param: "subaccount_id" },
    });
  });

  test("a withdrawal leaves the ledger and is listed; nothing can be withdrawn twice", async () => {
    const asked = await call(running, 3, "private/withdraw", { currency: "ETH", amount: "10", address: "somewhere" });
    expect(asked).toMatchObject({ amount: 10, currency: "ETH", address: "somewhere", state: "confirmed" });
    expect((await summaryOf(running, 3, "ETH")).balance).toBe(990);
    expect((await call(running, 3, "private/get_withdrawals", { currency: "ETH" })).data).toEqual([asked]);
    expect(
      (await get(running.rest, "private/withdraw", { currency: "ETH", amount: "991", address: "x" }, basic(3))).error
        ?.code,
    ).toBe(10009);
  });

  test("self-trading is configured as asked", async () => {
    expect(
      await call(running, 3, "private/set_self_trading_config", {
        mode: "cancel_maker",
        extended_to_subaccounts: "false",
      }),
    ).toBe("ok");
    expect(await call(running, 3, "private/get_account_summary", { currency: "BTC", extended: "true" })).toMatchObject({
      self_trading_reject_mode: "cancel_maker",
    });
  });
});

describe("a settlement", () => {
  test("moves session profit into balances, resets the session, and is in every record", async () => {
    const startMs = Math.floor(Date.now() / (24 * hourMs)) * 24 * hourMs + 7.4 * hourMs;
    const upstream = createLocalUpstream({
      startMs,
      genesis: { prices: { ageMsMax: 24 * hourMs, staleMsMax: 240 * hourMs } },
    });
    upstream.tick(startMs + 10_000 - Date.now());
    upstream.setPrices([60_000, 3_000]);
    const running = await startTestGateway({ upstream });
    const dated = upstream.query
      .instruments()
      .find(({ instrument }) => instrument.kind === "future" && instrument.base === 0 && instrument.inverse)!.instrument
      .name;
    await cross(running, [1, 2], "BTC-PERPETUAL", 60_000, 60_000);
    await cross(running, [1, 2], dated, 6_000, 60_000);
    upstream.setPrices([60_600, 3_000]);
    const before = await summaryOf(running, 2, "BTC");
    expect(before.futures_session_upl).toBeGreaterThan(0);
    // Every five minutes through the averaging window and over eight o'clock.
    for (let step = 0; step < 9; step++) {
      upstream.tick(5 * 60_000);
      upstream.setPrices([60_600, 3_000]);
    }
    const after = await summaryOf(running, 2, "BTC");
    expect(after.balance).toBeGreaterThan(before.balance);
    expect(Math.abs(after.futures_session_upl)).toBeLessThan(0.0001);
    identities(after);
    const { settlements } = await call(running, 2, "private/get_settlement_history_by_currency", { currency: "BTC" });
    expect(settlements.map((one: any) => one.type).toSorted()).toEqual(["delivery", "settlement"]);
    for (const one of settlements) expect(one).toHaveProperty("session_bankrupcy", 0);
    const own = await call(running, 2, "private/get_settlement_history_by_instrument", {
      instrument_name: "BTC-PERPETUAL",
      type: "settlement",
    });
    expect(own.settlements[0]).toMatchObject({ position: 60_000, type: "settlement" });
    const last = await get(running.rest, "public/get_last_settlements_by_instrument", {
      instrument_name: dated,
      type: "delivery",
    });
    expect(last.result.settlements[0]).toMatchObject({
      instrument_name: dated,
      type: "delivery",
      mark_price: 60_600,
      position: 6_000,
    });
    expect(
      (await get(running.rest, "public/get_delivery_prices", { index_name: "btc_usd" })).result.data[0].delivery_price,
    ).toBe(60_600);
    expect(
      (await get(running.rest, "public/get_instruments", { currency: "BTC", kind: "future", expired: "true" }))
        .result[0],
    ).toMatchObject({ instrument_name: dated, is_active: false, state: "delivered" });
    expect(
      (await get(running.rest, "private/buy", { instrument_name: dated, amount: "10", price: "60000" }, basic(1)))
        .error,
    ).toMatchObject({ code: 13020, data: { param: "instrument_name" } });
    const { logs } = await call(running, 2, "private/get_transaction_log", { currency: "BTC", start_timestamp: "0" });
    expect(logs[0].balance).toBe(after.balance);
    expect(logs.map((entry: any) => entry.type)).toEqual(
      expect.arrayContaining(["settlement", "delivery", "trade", "deposit"]),
    );
    const book = (await get(running.rest, "public/get_last_trades_by_instrument", { instrument_name: dated })).result;
    expect(book.trades).toHaveLength(1);
    await running.stop();
  });
});

describe("mass quotes", () => {
  let running: TestGateway;
  let maker: Client;
  beforeAll(async () => {
    running = await startTestGateway();
    maker = await openClient(running.ws);
    await maker.auth(1);
  });
  afterAll(() => running.stop());

  const quote = (
    instrument_name: string,
    bid: number,
    ask: number,
    amount: number,
    change: Record<string, unknown> = {},
  ) => ({
    instrument_name,
    quote_set_id: "main",
    bid: { price: bid, amount },
    ask: { price: ask, amount },
    ...change,
  });
  const send = (quotes: readonly unknown[], change: Record<string, unknown> = {}) =>
    maker.call("private/mass_quote", { quote_id: "q1", mmp_group: "default", detailed: true, quotes, ...change });

  test("need cancel on disconnect", async () => {
    expect((await send([quote("BTC-PERPETUAL", 59_900, 60_100, 100)])).error).toMatchObject({
      code: 13042,
      data: { param: "cancel_on_disconnect" },
    });
    await maker.call("private/enable_cancel_on_disconnect");
  });

  test("place both sides, change them in place, and remove a side of size zero", async () => {
    const first = await send([quote("BTC-PERPETUAL", 59_900, 60_100, 100), quote("ETH-PERPETUAL", 2_990, 3_010, 100)]);
    expect(first.result.errors).toEqual([]);
    expect(first.result.orders).toHaveLength(4);
    expect(first.result.orders[0]).toMatchObject({
      quote: true,
      quote_set_id: "main",
      quote_id: "q1",
      order_state: "open",
      direction: "buy",
    });
    const second = await send([quote("BTC-PERPETUAL", 59_950, 60_100, 50)], { quote_id: "q2" });
    expect(second.result.orders.map((order: any) => order.order_id)).toEqual(
      first.result.orders.slice(0, 2).map((order: any) => order.order_id),
    );
    expect(second.result.orders[0]).toMatchObject({ price: 59_950, amount: 50, replaced: true, quote_id: "q2" });
    const third = await send([
      { instrument_name: "BTC-PERPETUAL", quote_set_id: "main", bid: { price: 59_950, amount: 0 } },
    ]);
    expect(third.result.orders).toMatchObject([{ order_state: "cancelled", direction: "buy" }]);
    expect((await maker.call("private/get_open_orders")).result).toHaveLength(3);
  });

  test("report each wrong quote by instrument and side, and carry out the others", async () => {
    const names = (param: string) => expect.stringContaining(`(${param}: `);
    const answer = await send([
      quote("BTC-PERPETUAL", 59_900.3, 60_100, 15),
      quote("NONE", 1, 2, 3),
      quote("ETH-PERPETUAL", 3_500, 3_010, 200),
      { instrument_name: "BTC-PERPETUAL", quote_set_id: "second", bid: { price: "59800", amount: "20" } },
    ]);
    expect(answer.result.errors).toEqual([
      { instrument_name: "BTC-PERPETUAL", side: "bid", error: { code: 10043, message: names("price") } },
      { instrument_name: "BTC-PERPETUAL", side: "ask", error: { code: 10021, message: names("amount") } },
      { instrument_name: "NONE", side: "bid", error: { code: 13020, message: names("instrument_name") } },
      { instrument_name: "NONE", side: "ask", error: { code: 13020, message: names("instrument_name") } },
      {
        instrument_name: "ETH-PERPETUAL",
        side: "bid",
        error: { code: 10007, message: expect.stringMatching(/^price_too_high [\d.]+ \(price: /) },
      },
    ]);
    expect(answer.result.orders).toHaveLength(2);
    const counted = await send([quote("ETH-PERPETUAL", 2_990, 3_010, 100)], { detailed: false });
    expect(counted.result).toMatchObject({ orders_count: 2, trades_count: 0, errors_count: 0 });
  });

  test("trade, and are cancelled by set, instrument, currency and all at once, without touching other orders", async () => {
    await maker.call("private/buy", { instrument_name: "BTC-PERPETUAL", amount: 10, price: 59_000 + 200 });
    const taken = await get(
      running.rest,
      "private/buy",
      { instrument_name: "ETH-PERPETUAL", amount: "60", price: "3010" },
      basic(2),
    );
    expect(taken.result.order.filled_amount).toBe(60);
    const history = await maker.call("private/get_user_trades_by_instrument", { instrument_name: "ETH-PERPETUAL" });
    expect(history.result.trades).toMatchObject([{ liquidity: "M", amount: 60 }]);
    const cancel = async (parameters: Record<string, unknown>): Promise<any> =>
      (await maker.call("private/cancel_quotes", parameters)).result;
    expect(await cancel({ cancel_type: "quote_set_id", quote_set_id: "second" })).toBe(1);
    expect(await cancel({ cancel_type: "currency", currency: "BTC" })).toBe(1);
    expect(await cancel({ cancel_type: "instrument", instrument_name: "ETH-PERPETUAL" })).toBe(2);
    expect(await cancel({ cancel_type: "all" })).toBe(0);
    expect((await maker.call("private/get_open_orders")).result).toHaveLength(1);
  });

  test("more than a hundred, and quotes that are no list, are refused by name", async () => {
    expect(
      (await send(Array.from({ length: 101 }, () => quote("BTC-PERPETUAL", 59_900, 60_100, 10)))).error,
    ).toMatchObject({ code: -32602, data: { param: "quotes" } });
    expect((await send("quotes" as never)).error).toMatchObject({ code: -32602, data: { param: "quotes" } });
  });
});

describe("commands", () => {
  test("are signed by the session key, and the same bytes are sent again when the node was cut off", async () => {
    const running = await startTestGateway({ keys: [apiKeyOf(1, { sessionSeed: toHex(seedOf(50)) }), apiKeyOf(2)] });
    await running.upstream.send(seedOf(1), {
      kind: "authorizeKey",
      sessionKey: keyOf(50),
      scopes: 3,
      expiresAtMs: timeMs(Date.now() + hourMs),
    });
    running.upstream.cutOff = true;
    const order = { instrument_name: "BTC-PERPETUAL", amount: "10", price: "59500" };
    const waiting = call(running, 1, "private/buy", order);
    await new Promise((resolve) => setTimeout(resolve, 300));
    running.upstream.cutOff = false;
    expect((await waiting).order.order_state).toBe("open");
    expect(running.upstream.query.openOrders(1)).toHaveLength(1);
    await running.stop();
  });

  test("that cannot become final in time answer 13888 and have no effect later", async () => {
    const running = await startTestGateway();
    running.upstream.paused = true;
    const order = {
      instrument_name: "BTC-PERPETUAL",
      amount: "10",
      price: "59500",
      valid_until: String(Date.now() + 200),
    };
    const waiting = get(running.rest, "private/buy", order, basic(1));
    await new Promise((resolve) => setTimeout(resolve, 300));
    running.upstream.tick();
    expect((await waiting).error).toMatchObject({ code: 13888, data: { param: "valid_until" } });
    expect(running.upstream.query.openOrders(1)).toEqual([]);
    await running.stop();
  });
});
