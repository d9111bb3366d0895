/**
 * What a user does with ccxt and ccxt.pro, as they are on npm: only the URLs and the keys differ from Deribit. Runs in a
 * process of its own, because Node reads NODE_EXTRA_CA_CERTS at start; prints one JSON line per step for the test to judge.
 */
import ccxt from "ccxt";

const { STOA_REST: rest, STOA_WS: ws } = process.env as Record<string, string>;
const symbol = "BTC/USD:BTC";

// ccxt's types are not worth their size here: answers are judged by the test.
const makeClient = (number: number): any =>
  new (ccxt as any).pro.deribit({
    apiKey: `client-${number}`,
    secret: `secret-${number}`,
    urls: { api: { rest, ws } },
  });

const say = (step: string, value: unknown): void => console.log(JSON.stringify({ step, value }));

async function failureOf(run: () => Promise<unknown>): Promise<{ readonly name: string; readonly message: string }> {
  try {
    await run();
    return { name: "none", message: "" };
  } catch (error) {
    return { name: (error as Error).constructor.name, message: (error as Error).message };
  }
}

const alice = makeClient(1);
const bob = makeClient(2);
if (ws!.startsWith("ws://")) {
  await alice.loadHttpProxyAgent();
  await bob.loadHttpProxyAgent();
}

try {
  const markets = await alice.loadMarkets();
  say("markets", {
    count: Object.keys(markets).length,
    symbols: Object.keys(markets),
    perpetual: {
      id: markets[symbol].id,
      swap: markets[symbol].swap,
      inverse: markets[symbol].inverse,
      contractSize: markets[symbol].contractSize,
      precision: markets[symbol].precision,
    },
    linear: markets["BTC/USDC:USDC"]?.linear,
    option: Object.values<any>(markets).find((market) => market.option && market.base === "BTC"),
  });
  await bob.loadMarkets();
  say("time", Math.abs((await alice.fetchTime()) - Date.now()));
  say("status", (await alice.fetchStatus()).status);
  say("currencies", Object.keys(await alice.fetchCurrencies()));

  // Followers first: their first answers come at once.
  say("watchTicker", (await alice.watchTicker(symbol)).symbol);
  say("watchBalance", (await alice.watchBalance())["BTC"]);
  const book = await alice.watchOrderBook(symbol);
  say("watchOrderBook", { bids: book.bids.length, asks: book.asks.length, symbol: book.symbol });

  const ordersSeen = bob.watchOrders();
  const fillsSeen = bob.watchMyTrades();
  const tradesSeen = alice.watchTrades(symbol);
  const quoteSeen = (async () => {
    for (;;) {
      const quotes = await alice.watchBidsAsks([symbol]);
      if (quotes[symbol]?.ask !== undefined) return quotes;
    }
  })();

  const ask = await alice.createOrder(symbol, "limit", "sell", 1000, 60_100, { label: "first", postOnly: true });
  say("createOrder", ask);
  const edited = await alice.editOrder(ask.id, symbol, "limit", "sell", 2000, 60_050);
  say("editOrder", edited);
  say("fetchOpenOrders", await alice.fetchOpenOrders(symbol));
  say("quote", await quoteSeen);

  const market = await bob.createOrder(symbol, "market", "buy", 500);
  say("marketOrder", market);
  say("watchOrders", await ordersSeen);
  say("watchMyTrades", await fillsSeen);
  say("watchTrades", await tradesSeen);

  say("fetchOrder", await alice.fetchOrder(ask.id));
  say("fetchTicker", await alice.fetchTicker(symbol));
  say("fetchTickers", Object.keys(await alice.fetchTickers(undefined, { code: "BTC" })).length);
  say("fetchOrderBook", await alice.fetchOrderBook(symbol, 10));
  say("fetchTrades", await alice.fetchTrades(symbol));
  say("fetchOHLCV", await alice.fetchOHLCV(symbol, "1m", Date.now() - 600_000, 10));
  say("fetchMyTrades", await bob.fetchMyTrades(symbol));
  say("fetchOrderTrades", await bob.fetchOrderTrades(market.id));
  say("fetchClosedOrders", await bob.fetchClosedOrders(symbol));
  say("fetchPositions", await bob.fetchPositions());
  say("fetchPosition", await bob.fetchPosition(symbol));
  say("fetchBalance", (await bob.fetchBalance())["BTC"]);
  say("fetchFundingRate", await alice.fetchFundingRate(symbol));
  say("fetchFundingRateHistory", await alice.fetchFundingRateHistory(symbol));
  say("fetchVolatilityHistory", await alice.fetchVolatilityHistory("BTC"));
  say("fetchTradingFees", (await alice.fetchTradingFees())[symbol]);
  say("fetchAccounts", await alice.fetchAccounts());
  say("fetchDeposits", await alice.fetchDeposits("BTC"));
  say("fetchWithdrawals", await alice.fetchWithdrawals("BTC"));
  say("fetchTransfers", await alice.fetchTransfers("BTC"));
  say("fetchOpenInterest", await alice.fetchOpenInterest(symbol));
  const option = Object.values<any>(markets).find(
    (one) =>
      one.option &&
      one.base === "BTC" &&
      one.optionType === "call" &&
      one.strike === 60_000 &&
      Date.now() + 86_400_000 < one.expiry,
  );
  say("fetchGreeks", await alice.fetchGreeks(option.symbol));
  say("fetchOption", await alice.fetchOption(option.symbol));
  say("fetchOptionChain", Object.keys(await alice.fetchOptionChain("BTC")).length);
  say("fetchLiquidations", await alice.fetchLiquidations(symbol));

  // A book that is followed while it moves.
  // ccxt keeps a third number of its own in the levels it follows.
  const levels = (side: readonly number[][]) => side.map(([price, amount]) => [price, amount]);
  const followed = (async () => {
    for (;;) {
      const seen = await alice.watchOrderBook(symbol);
      if (seen.bids.length === 7 && seen.bids[0][0] === 59_900)
        return { bids: levels(seen.bids), asks: levels(seen.asks) };
    }
  })();
  for (let step = 0; step < 8; step++) {
    const placed = await alice.createOrder(symbol, "limit", "buy", 100 + 10 * step, 59_900 - 10 * step);
    if (step === 3) await alice.cancelOrder(placed.id, symbol);
  }
  const { bids, asks } = await alice.fetchOrderBook(symbol, 100);
  say("followedBook", { followed: await followed, fetched: { bids, asks } });
  for (const placed of await alice.fetchOpenOrders(symbol))
    if (placed.side === "buy") await alice.cancelOrder(placed.id, symbol);

  say("watchOHLCV", await alice.watchOHLCV(symbol, "1m"));
  const cancelled = await alice.cancelOrder(ask.id, symbol);
  say("cancelOrder", cancelled);
  await alice.createOrder(symbol, "limit", "buy", 100, 59_500);
  await alice.createOrder("BTC/USDC:USDC", "limit", "buy", 0.01, 59_500);
  say("cancelAllOrders", await alice.cancelAllOrders());

  // The linear perpetual and an option, through the same calls.
  await alice.createOrder("BTC/USDC:USDC", "limit", "sell", 0.02, 60_010);
  say("linear", await bob.createOrder("BTC/USDC:USDC", "limit", "buy", 0.02, 60_010, { timeInForce: "IOC" }));
  say("linearPosition", await bob.fetchPosition("BTC/USDC:USDC"));
  const premium = 0.01;
  await alice.createOrder(option.symbol, "limit", "sell", 1, premium);
  say("option", await bob.createOrder(option.symbol, "limit", "buy", 1, premium));
  say("optionPosition", await bob.fetchPosition(option.symbol));

  say(
    "badTick",
    await failureOf(() => alice.privateGetBuy({ instrument_name: "BTC-PERPETUAL", amount: 10, price: 59_000.3 })),
  );
  say("unknownOrder", await failureOf(() => alice.cancelOrder("999999", symbol)));
  say("noFunds", await failureOf(() => alice.createOrder(symbol, "limit", "buy", 1_000_000_000, 59_900)));
  say(
    "stop",
    await failureOf(() => alice.createOrder(symbol, "stop_market", "sell", 10, undefined, { triggerPrice: 50_000 })),
  );
  const stranger = makeClient(9);
  say("stranger", await failureOf(() => stranger.fetchBalance()));
  const subaccount = (await alice.privateGetCreateSubaccount()).result;
  say("subaccount", subaccount);
  say("transfer", await alice.transfer("USDC", 1000, "main", String(subaccount.id)));
} catch (error) {
  say("failure", String((error as Error).stack ?? error));
  process.exitCode = 1;
} finally {
  await alice.close();
  await bob.close();
}
