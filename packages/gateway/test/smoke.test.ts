import { expect, test } from "vitest";
import { basic, get, openClient, startTestGateway } from "./harness.ts";

test("an order goes in over a WebSocket, trades, and is seen everywhere", async () => {
  const running = await startTestGateway();
  try {
    const maker = await openClient(running.ws);
    const taker = await openClient(running.ws);
    expect((await maker.auth(1)).result.token_type).toBe("bearer");
    await taker.auth(2);
    await taker.call("private/subscribe", {
      channels: [
        "book.BTC-PERPETUAL.raw",
        "user.orders.any.any.raw",
        "user.trades.any.any.raw",
        "user.portfolio.btc",
        "user.changes.any.any.raw",
        "ticker.BTC-PERPETUAL.raw",
        "nonsense",
      ],
    });
    const sell = await maker.call("private/sell", { instrument_name: "BTC-PERPETUAL", amount: 100, price: 60010 });
    console.log(JSON.stringify(sell));
    const buy = await taker.call("private/buy", { instrument_name: "BTC-PERPETUAL", amount: 40, type: "market" });
    console.log(JSON.stringify(buy));
    await taker.until(() => taker.data("user.trades.any.any.raw").length > 0);
    console.log(JSON.stringify(taker.notifications, null, 0).slice(0, 6000));
    for (const [m, q] of [
      ["public/ticker", { instrument_name: "BTC-PERPETUAL" }],
      ["public/get_order_book", { instrument_name: "BTC-PERPETUAL" }],
      ["private/get_positions", {}],
      ["private/get_account_summary", { currency: "BTC" }],
      ["private/get_user_trades_by_currency", { currency: "BTC" }],
      ["private/get_transaction_log", { currency: "BTC", start_timestamp: "0" }],
      ["public/get_instruments", { currency: "BTC", kind: "future" }],
      ["public/get_last_trades_by_instrument", { instrument_name: "BTC-PERPETUAL" }],
      [
        "public/get_tradingview_chart_data",
        {
          instrument_name: "BTC-PERPETUAL",
          start_timestamp: String(Date.now() - 600000),
          end_timestamp: String(Date.now()),
          resolution: "1",
        },
      ],
    ] as const)
      console.log(m, JSON.stringify(await get(running.rest, m, q as any, basic(2))).slice(0, 2500));
  } finally {
    await running.stop();
  }
});
