/**
 * Every method of priority 0 answers, and its answer has the fields that some real client fails without, with their types.
 * Shapes are written here in our own words: `number?` may be null, a list stands for a list of at least one such item.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openClient, startTestGateway, type Client, type TestGateway } from "./harness.ts";

type Kind = "string" | "number" | "integer" | "boolean" | "number?" | "integer?" | "object" | "any[]";
type Shape = Kind | readonly [Shape] | { readonly [field: string]: Shape };

/** What is wrong with a value, as paths; nothing when it has the shape. */
function faults(shape: Shape, value: unknown, path = "result"): readonly string[] {
  if (Array.isArray(shape)) {
    if (!Array.isArray(value) || value.length === 0) return [`${path} is no list with items`];
    return value.flatMap((item, index) => faults(shape[0] as Shape, item, `${path}[${index}]`));
  }
  if (typeof shape === "object") {
    if (typeof value !== "object" || value === null) return [`${path} is no object`];
    return Object.entries(shape).flatMap(([field, inner]) =>
      field in value
        ? faults(inner, (value as Record<string, unknown>)[field], `${path}.${field}`)
        : [`${path}.${field} is missing`],
    );
  }
  const fine: Record<Kind, boolean> = {
    string: typeof value === "string",
    number: typeof value === "number" && Number.isFinite(value),
    integer: Number.isSafeInteger(value),
    boolean: typeof value === "boolean",
    "number?": value === null || typeof value === "number",
    "integer?": value === null || Number.isSafeInteger(value),
    object: typeof value === "object" && value !== null && !Array.isArray(value),
    "any[]": Array.isArray(value),
  };
  return fine[shape as Kind] ? [] : [`${path} is no ${shape as string}: ${JSON.stringify(value)}`];
}

const instrument = {
  instrument_name: "string",
  instrument_id: "integer",
  kind: "string",
  base_currency: "string",
  quote_currency: "string",
  counter_currency: "string",
  settlement_currency: "string",
  settlement_period: "string",
  price_index: "string",
  tick_size: "number",
  tick_size_steps: "any[]",
  min_trade_amount: "number",
  contract_size: "number",
  creation_timestamp: "integer",
  expiration_timestamp: "integer",
  is_active: "boolean",
  state: "string",
  maker_commission: "number",
  taker_commission: "number",
} as const;
const stats = {
  volume: "number",
  volume_usd: "number",
  volume_notional: "number",
  high: "number?",
  low: "number?",
  price_change: "number?",
} as const;
const ticker = {
  instrument_name: "string",
  timestamp: "integer",
  state: "string",
  stats,
  last_price: "number?",
  best_bid_price: "number",
  best_bid_amount: "number",
  best_ask_price: "number",
  best_ask_amount: "number",
  mark_price: "number",
  index_price: "number",
  min_price: "number",
  max_price: "number",
  open_interest: "number",
  settlement_price: "number?",
  estimated_delivery_price: "number",
} as const;
const perpetualTicker = {
  ...ticker,
  current_funding: "number",
  funding_8h: "number",
  interest_value: "number",
} as const;
const greeks = { delta: "number", gamma: "number", vega: "number", theta: "number", rho: "number" } as const;
const optionTicker = {
  ...ticker,
  mark_iv: "number",
  bid_iv: "number",
  ask_iv: "number",
  underlying_price: "number",
  underlying_index: "string",
  interest_rate: "number",
  greeks,
} as const;
const book = { ...perpetualTicker, change_id: "integer", bids: [["number"]], asks: [["number"]] } as const;
const summaryOfBook = {
  instrument_name: "string",
  base_currency: "string",
  quote_currency: "string",
  high: "number?",
  low: "number?",
  last: "number?",
  bid_price: "number?",
  ask_price: "number?",
  mid_price: "number?",
  mark_price: "number",
  open_interest: "number",
  volume: "number",
  volume_usd: "number",
  volume_notional: "number",
  price_change: "number?",
  creation_timestamp: "integer",
  estimated_delivery_price: "number",
} as const;
const publicTrade = {
  trade_id: "string",
  trade_seq: "integer",
  instrument_name: "string",
  timestamp: "integer",
  direction: "string",
  price: "number",
  amount: "number",
  contracts: "number",
  index_price: "number",
  mark_price: "number",
  tick_direction: "integer",
} as const;
const userTrade = {
  ...publicTrade,
  order_id: "string",
  order_type: "string",
  liquidity: "string",
  fee: "number",
  fee_currency: "string",
  state: "string",
  self_trade: "boolean",
  post_only: "boolean",
  reduce_only: "boolean",
  profit_loss: "number?",
  api: "boolean",
  mmp: "boolean",
} as const;
const order = {
  order_id: "string",
  instrument_name: "string",
  direction: "string",
  order_type: "string",
  order_state: "string",
  price: "number",
  amount: "number",
  contracts: "number",
  filled_amount: "number",
  average_price: "number",
  time_in_force: "string",
  creation_timestamp: "integer",
  last_update_timestamp: "integer",
  label: "string",
  post_only: "boolean",
  reject_post_only: "boolean",
  reduce_only: "boolean",
  replaced: "boolean",
  api: "boolean",
  web: "boolean",
  mmp: "boolean",
  is_liquidation: "boolean",
} as const;
const position = {
  instrument_name: "string",
  kind: "string",
  direction: "string",
  size: "number",
  average_price: "number",
  mark_price: "number",
  index_price: "number",
  settlement_price: "number?",
  floating_profit_loss: "number",
  realized_profit_loss: "number",
  total_profit_loss: "number",
  initial_margin: "number",
  maintenance_margin: "number",
  open_orders_margin: "number",
  delta: "number",
} as const;
const futurePosition = {
  ...position,
  size_currency: "number",
  leverage: "integer",
  realized_funding: "number",
  interest_value: "number",
} as const;
const portfolio = {
  currency: "string",
  balance: "number",
  equity: "number",
  margin_balance: "number",
  available_funds: "number",
  available_withdrawal_funds: "number",
  initial_margin: "number",
  maintenance_margin: "number",
  projected_initial_margin: "number",
  projected_maintenance_margin: "number",
  total_pl: "number",
  session_upl: "number",
  session_rpl: "number",
  futures_pl: "number",
  futures_session_upl: "number",
  futures_session_rpl: "number",
  options_pl: "number",
  options_session_upl: "number",
  options_session_rpl: "number",
  options_value: "number",
  options_delta: "number",
  options_gamma: "number",
  options_vega: "number",
  options_theta: "number",
  options_gamma_map: "object",
  options_vega_map: "object",
  options_theta_map: "object",
  delta_total: "number",
  delta_total_map: "object",
  projected_delta_total: "number",
  fee_balance: "number",
  spot_reserve: "number",
  additional_reserve: "number",
  margin_model: "string",
  portfolio_margining_enabled: "boolean",
  cross_collateral_enabled: "boolean",
} as const;
const rate = { rate: "number", burst: "number" } as const;
const summary = {
  ...portfolio,
  limits: { non_matching_engine: rate, matching_engine: { trading: { total: rate }, cancel_all: rate } },
  fees: [
    {
      instrument_type: "string",
      maker_fee: "number",
      taker_fee: "number",
      kind: "string",
      index_name: "string",
      value: { default: { type: "string", maker: "number", taker: "number" } },
    },
  ],
} as const;
const identity = {
  id: "integer",
  username: "string",
  system_name: "string",
  type: "string",
  email: "string",
  creation_timestamp: "integer",
  mmp_enabled: "boolean",
  self_trading_reject_mode: "string",
} as const;
const tokens = {
  access_token: "string",
  refresh_token: "string",
  token_type: "string",
  expires_in: "integer",
  scope: "string",
  enabled_features: "any[]",
} as const;

describe("shapes of answers", () => {
  let running: TestGateway;
  let client: Client;
  let option: string;
  let resting: string;
  const perpetual = { instrument_name: "BTC-PERPETUAL" };

  beforeAll(async () => {
    running = await startTestGateway();
    [client] = await Promise.all([openClient(running.ws)]);
    const maker = await openClient(running.ws);
    await Promise.all([client.auth(2), maker.auth(1)]);
    option = running.upstream.query
      .instruments()
      .findLast(({ instrument: one }) => one.kind === "option" && one.base === 0 && one.strike === 60_000e8)!.instrument
      .name;
    for (const [name, price, amount] of [
      ["BTC-PERPETUAL", 60_000, 100],
      [option, 0.05, 1],
    ] as const) {
      await maker.call("private/sell", { instrument_name: name, price, amount: 3 * amount });
      await client.call("private/buy", { instrument_name: name, price, amount });
    }
    await maker.call("private/buy", { ...perpetual, price: 59_900, amount: 100 });
    resting = (await client.call("private/buy", { ...perpetual, price: 59_800, amount: 100, label: "kept" })).result
      .order.order_id;
    // An hour later, so that hourly series have points.
    running.upstream.tick(3_700_000);
    running.upstream.setPrices([60_000, 3_000]);
    running.upstream.tick(3_700_000);
    running.upstream.setPrices([60_100, 3_000]);
  });
  afterAll(() => running.stop());

  const range = { start_timestamp: 0, end_timestamp: 9_000_000_000_000 };
  const table: readonly (readonly [string, () => Record<string, unknown>, Shape])[] = [
    ["public/get_time", () => ({}), "integer"],
    ["public/status", () => ({}), { locked: "string", locked_indices: "any[]" }],
    ["public/hello", () => ({ client_name: "test", client_version: "1" }), { version: "string" }],
    ["public/test", () => ({}), { version: "string" }],
    ["public/set_heartbeat", () => ({ interval: 30 }), "string"],
    ["public/disable_heartbeat", () => ({}), "string"],
    [
      "public/auth",
      () => ({ grant_type: "client_credentials", client_id: "client-2", client_secret: "secret-2" }),
      tokens,
    ],
    ["private/enable_cancel_on_disconnect", () => ({}), "string"],
    ["private/get_cancel_on_disconnect", () => ({}), { scope: "string", enabled: "boolean" }],
    ["private/disable_cancel_on_disconnect", () => ({}), "string"],
    ["public/subscribe", () => ({ channels: ["quote.BTC-PERPETUAL"] }), ["string"]],
    ["public/unsubscribe", () => ({ channels: ["quote.BTC-PERPETUAL"] }), ["string"]],
    ["public/unsubscribe_all", () => ({}), "string"],
    ["private/subscribe", () => ({ channels: ["user.portfolio.btc"] }), ["string"]],
    ["private/unsubscribe", () => ({ channels: ["user.portfolio.btc"] }), ["string"]],
    ["private/unsubscribe_all", () => ({}), "string"],
    [
      "public/get_currencies",
      () => ({}),
      [
        {
          currency: "string",
          currency_long: "string",
          coin_type: "string",
          min_confirmations: "integer",
          withdrawal_fee: "number",
          withdrawal_priorities: "any[]",
          in_cross_collateral_pool: "boolean",
          decimals: "integer",
        },
      ],
    ],
    [
      "public/get_instruments",
      () => ({ currency: "BTC", kind: "future" }),
      [{ ...instrument, max_leverage: "integer", instrument_type: "string" }],
    ],
    [
      "public/get_instruments",
      () => ({ currency: "BTC", kind: "option" }),
      [{ ...instrument, option_type: "string", strike: "number" }],
    ],
    ["public/get_instrument", () => perpetual, instrument],
    ["public/ticker", () => perpetual, perpetualTicker],
    ["public/ticker", () => ({ instrument_name: option }), optionTicker],
    ["public/get_order_book", () => perpetual, book],
    ["public/get_book_summary_by_currency", () => ({ currency: "BTC" }), [summaryOfBook]],
    [
      "public/get_book_summary_by_currency",
      () => ({ currency: "BTC", kind: "option" }),
      [{ ...summaryOfBook, mark_iv: "number", underlying_price: "number", underlying_index: "string" }],
    ],
    [
      "public/get_book_summary_by_instrument",
      () => perpetual,
      [{ ...summaryOfBook, current_funding: "number", funding_8h: "number" }],
    ],
    [
      "public/get_index_price",
      () => ({ index_name: "btc_usd" }),
      { index_price: "number", estimated_delivery_price: "number" },
    ],
    ["public/get_last_trades_by_instrument", () => perpetual, { trades: [publicTrade], has_more: "boolean" }],
    [
      "public/get_last_trades_by_instrument",
      () => ({ instrument_name: option }),
      { trades: [{ ...publicTrade, iv: "number" }], has_more: "boolean" },
    ],
    [
      "public/get_last_trades_by_instrument_and_time",
      () => ({ ...perpetual, ...range }),
      { trades: [publicTrade], has_more: "boolean" },
    ],
    [
      "public/get_tradingview_chart_data",
      () => ({
        ...perpetual,
        start_timestamp: Date.now() - 600_000,
        end_timestamp: Date.now() + 7_400_000,
        resolution: "5",
      }),
      {
        status: "string",
        ticks: ["integer"],
        open: ["number"],
        high: ["number"],
        low: ["number"],
        close: ["number"],
        volume: ["number"],
        cost: ["number"],
      },
    ],
    ["public/get_funding_rate_value", () => ({ ...perpetual, ...range }), "number"],
    [
      "public/get_funding_rate_history",
      () => ({ ...perpetual, ...range }),
      [
        {
          timestamp: "integer",
          index_price: "number",
          prev_index_price: "number",
          interest_1h: "number",
          interest_8h: "number",
        },
      ],
    ],
    ["public/get_historical_volatility", () => ({ currency: "BTC" }), "any[]"],
    ["private/edit", () => ({ order_id: resting, amount: 200, price: 59_700 }), { order, trades: "any[]" }],
    ["private/get_order_state", () => ({ order_id: resting }), order],
    ["private/get_open_orders", () => ({}), [order]],
    ["private/get_open_orders_by_currency", () => ({ currency: "BTC" }), [order]],
    ["private/get_open_orders_by_instrument", () => perpetual, [order]],
    ["private/get_order_history_by_currency", () => ({ currency: "BTC", count: 1000 }), [order]],
    ["private/get_order_history_by_instrument", () => perpetual, [order]],
    ["private/get_user_trades_by_currency", () => ({ currency: "BTC" }), { trades: [userTrade], has_more: "boolean" }],
    ["private/get_user_trades_by_instrument", () => perpetual, { trades: [userTrade], has_more: "boolean" }],
    [
      "private/get_user_trades_by_currency_and_time",
      () => ({ currency: "BTC", ...range }),
      { trades: [userTrade], has_more: "boolean" },
    ],
    [
      "private/get_user_trades_by_instrument_and_time",
      () => ({ ...perpetual, ...range }),
      { trades: [userTrade], has_more: "boolean" },
    ],
    ["private/get_user_trades_by_order", () => ({ order_id: "2" }), [userTrade]],
    ["private/get_position", () => perpetual, futurePosition],
    [
      "private/get_position",
      () => ({ instrument_name: option }),
      {
        ...position,
        gamma: "number",
        vega: "number",
        theta: "number",
        average_price_usd: "number",
        floating_profit_loss_usd: "number",
      },
    ],
    ["private/get_positions", () => ({ currency: "BTC", kind: "future" }), [futurePosition]],
    ["private/get_account_summary", () => ({ currency: "BTC", extended: true }), { ...summary, ...identity }],
    ["private/get_account_summaries", () => ({ extended: true }), { ...identity, summaries: [portfolio] }],
    ["private/sell", () => ({ ...perpetual, amount: 10, price: 59_900 }), { order, trades: [userTrade] }],
    ["private/buy", () => ({ ...perpetual, amount: 10, type: "market" }), { order, trades: [userTrade] }],
    ["private/close_position", () => ({ ...perpetual, type: "limit", price: 60_500 }), { order, trades: "any[]" }],
    ["private/cancel", () => ({ order_id: resting }), order],
    ["private/cancel_all_by_instrument", () => perpetual, "integer"],
    ["private/cancel_all", () => ({}), "integer"],
  ];

  // In order: some steps work on what an earlier one left.
  test.each(table)("%s", async (method, parameters, shape) => {
    const { result, error } = await client.call(method, parameters());
    expect(error).toBeUndefined();
    expect(faults(shape, result)).toEqual([]);
  });

  test("futures carry no greeks, options no size in currency: clients tell them apart by that", async () => {
    expect((await client.call("public/ticker", perpetual)).result).not.toHaveProperty("greeks");
    expect((await client.call("private/get_position", { instrument_name: option })).result).not.toHaveProperty(
      "size_currency",
    );
  });

  test("private/logout ends the connection without an answer being needed", async () => {
    const closed = new Promise((resolve) => client.socket.once("close", resolve));
    client.socket.send(JSON.stringify({ id: 1, method: "private/logout", params: {} }));
    expect(await closed).toBe(1000);
  });

  test("a shape that is wrong is noticed", () => {
    expect(faults({ a: "number", b: ["string"] }, { a: "1", b: [] })).toEqual([
      'result.a is no number: "1"',
      "result.b is no list with items",
    ]);
  });
});
