// A trading program as a user of ccxt has it: nothing but the URL, the keys and (in the environment) NODE_EXTRA_CA_CERTS is ours.
import ccxt from "ccxt";

const [rest, ws, apiKey, secret] = process.argv.slice(2);
const exchange = new ccxt.pro.deribit({ apiKey, secret, urls: { api: { rest, ws } } });

const markets = await exchange.loadMarkets();
const symbol = "BTC/USD:BTC";
const ticker = await exchange.fetchTicker(symbol);
const book = await exchange.watchOrderBook(symbol);

const price = Math.floor(ticker.info.mark_price * 0.9);
const resting = await exchange.createOrder(symbol, "limit", "buy", 100, price);
const edited = await exchange.editOrder(resting.id, symbol, "limit", "buy", 50, price - 100);
const open = await exchange.fetchOpenOrders(symbol);
const cancelled = await exchange.cancelOrder(resting.id, symbol);
const taken = await exchange.createOrder(symbol, "market", "buy", 100);
const positions = await exchange.fetchPositions([symbol]);
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
    tradesCount: trades.length,
    balance: { BTC: balance.BTC, USDC: balance.USDC },
  }),
);
await exchange.close();
