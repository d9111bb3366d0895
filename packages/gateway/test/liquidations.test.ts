/** Positions that the insurance fund took over, as the public and their owner read them, with ccxt and without. */
import ccxt from "ccxt";
import { expect, test } from "vitest";
import { money } from "@stoa/base/units";
import { basic, get, startTestGateway } from "./harness.ts";
import { createLocalUpstream, keyOf } from "./local-upstream.ts";

const startMs = Math.floor(Date.now() / 86_400_000) * 86_400_000 + 86_400_000 + 9 * 3_600_000;

test("a position that was taken over is in ccxt's liquidations, of everybody and of its owner alone", async () => {
  let clockMs = startMs;
  const balances = [30_000_000n, 10_000_000_000n].map((amount, index) => ({
    account: keyOf(index + 1),
    subaccount: 0,
    asset: 0,
    amount: money(amount),
  }));
  const upstream = createLocalUpstream({ startMs, nowMs: () => clockMs, genesis: { balances } });
  clockMs += 1_000;
  upstream.setPrices([60_000, 3_000]);
  const running = await startTestGateway({ upstream });
  try {
    const [poor, rich] = [1, 2].map(
      (number): any =>
        new ccxt.deribit({
          apiKey: `client-${number}`,
          secret: `secret-${number}`,
          urls: { api: { rest: running.rest } },
        }),
    );
    const symbol = "BTC/USD:BTC";
    await rich.createOrder(symbol, "limit", "sell", 300_000, 60_000);
    // 300,000 dollars, 5 BTC, for 0.3 BTC and a fee of 0.0025.
    expect(await poor.createOrder(symbol, "limit", "buy", 300_000, 60_000)).toMatchObject({ status: "closed" });
    expect(await poor.fetchMyLiquidations(symbol)).toEqual([]);
    clockMs += 1_000;
    upstream.setPrices([55_000, 3_000]);
    // 300,000/60,000 − 300,000/55,000 = 5 − 5.454545454545..., down.
    const loss = 0.45454546;
    const taken = {
      type: "bankruptcy",
      position: 300_000,
      instrument_name: "BTC-PERPETUAL",
      mark_price: 55_000,
      index_price: 55_000,
      profit_loss: 0,
      session_profit_loss: -loss,
      session_bankruptcy: loss,
      session_bankrupcy: loss,
    };
    const search = { instrument_name: "BTC-PERPETUAL", type: "bankruptcy" };
    const last = await get(running.rest, "public/get_last_settlements_by_instrument", search);
    expect(last.result.settlements).toEqual([expect.objectContaining(taken)]);
    const own = await get(running.rest, "private/get_settlement_history_by_instrument", search, basic(1));
    expect(own.result.settlements).toEqual([expect.objectContaining(taken)]);
    const others = await get(running.rest, "private/get_settlement_history_by_instrument", search, basic(2));
    expect(others.result.settlements).toEqual([]);
    const shown = { symbol, baseValue: loss, timestamp: clockMs };
    for (const liquidations of [await rich.fetchLiquidations(symbol), await poor.fetchMyLiquidations(symbol)])
      expect(liquidations).toEqual([expect.objectContaining(shown)]);
    // The account ends at nothing, and the fund holds the position: it is part of the open interest.
    expect((await poor.fetchBalance())["BTC"].total).toBe(0);
    expect((await poor.fetchPosition(symbol)).contracts).toBe(0);
    expect((await rich.fetchOpenInterest(symbol)).info.open_interest).toBe(300_000);
  } finally {
    await running.stop();
  }
});
