// A trading program as a user of ccxt has it: nothing but the URL, the keys and (in the environment) NODE_EXTRA_CA_CERTS is ours.
import ccxt from "ccxt";

const [rest, ws, apiKey, secret] = process.argv.slice(2);
const exchange = new ccxt.pro.deribit({ apiKey, secret, urls: { api: { rest, ws } } });

const markets = await exchange.loadMarkets();
const symbol = "BTC/USD:BTC";
const ticker = await exchange.fetchTicker(symbol);
const book = await exchange.watchOrderBook(symbol);
const watchedTicker = await exchange.watchTicker(symbol);
const watchedOrders = exchange.watchOrders(symbol);
const watchedTrades = exchange.watchMyTrades(symbol);
await exchange.watchBalance();

const price = Math.floor(ticker.info.mark_price * 0.9);
const resting = await exchange.createOrder(symbol, "limit", "buy", 100, price);
const edited = await exchange.editOrder(resting.id, symbol, "limit", "buy", 50, price - 100);
const open = await exchange.fetchOpenOrders(symbol);
const cancelled = await exchange.cancelOrder(resting.id, symbol);
const taken = await exchange.createOrder(symbol, "market", "buy", 100);

/** The option of the second expiry whose strike is nearest to the index, the dated future of that expiry, and a linear perpetual. */
const calls = Object.values(markets).filter(
  (market) => market.option && market.base === "BTC" && market.optionType === "call",
);
const expiry = [...new Set(calls.map((market) => market.expiry))].sort((a, b) => a - b)[1];
const index = ticker.info.index_price;
const option = calls
  .filter((market) => market.expiry === expiry)
  .sort((a, b) => Math.abs(a.strike - index) - Math.abs(b.strike - index))[0];
const future = Object.values(markets).find(
  (market) => market.future && market.inverse && market.base === "BTC" && market.expiry === expiry,
);
const others = [];
for (const [name, amount] of [
  [option.symbol, 1],
  [future.symbol, 1000],
  ["BTC/USDC:USDC", 0.01],
]) {
  const order = await exchange.createOrder(name, "market", "buy", amount);
  others.push({ name, status: order.status, filled: order.filled });
}
const positions = await exchange.fetchPositions([symbol]);
const summaries = (await exchange.privateGetGetAccountSummaries()).result.summaries;
const trades = await exchange.fetchMyTrades(symbol);
const balance = await exchange.fetchBalance();

console.log(
  JSON.stringify({
    markets: Object.values(markets).map(({ id, type, inverse, linear }) => ({ id, type, inverse, linear })),
    bookHasBothSides: 0 < book.bids.length && 0 < book.asks.length,
    resting: { status: resting.status, amount: resting.amount, price: resting.price },
    edited: { id: edited.id === resting.id, amount: edited.amount, price: edited.price },
    openIds: open.map(({ id }) => id).includes(resting.id),
    cancelled: cancelled.status,
    taken: { status: taken.status, filled: taken.filled },
    positions: positions.map(({ symbol: name, side, contracts }) => ({ name, side, contracts })),
    watched: {
      ticker: watchedTicker.symbol,
      orders: (await watchedOrders).length,
      trades: (await watchedTrades).length,
    },
    others,
    summaries,
    tradesCount: trades.length,
    balance: { BTC: balance.BTC, USDC: balance.USDC },
  }),
);
await exchange.close();
