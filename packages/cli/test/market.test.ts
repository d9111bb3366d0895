import { createServer, type Server } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import { WebSocketServer, type WebSocket } from "ws";
import { afterEach, expect, test } from "vitest";
import { onGrid, type ApiInstrument, type ApiSummary } from "../src/market/instrument.ts";
import { openSocket } from "../src/market/connection.ts";
import { runMarket } from "../src/market/market.ts";
import { isCloseEnough, quoteFor, type MakerParameters } from "../src/market/quoting.ts";

const nowMs = Date.now();
const parameters: MakerParameters = {
  volatilityWidth: 0.02,
  priceWidth: 0.00015,
  optionAmount: 5,
  futureAmountUsd: 50_000,
};
const common = { base_currency: "BTC", counter_currency: "USD", settlement_currency: "BTC" } as const;

const perpetual: ApiInstrument = {
  ...common,
  instrument_name: "BTC-PERPETUAL",
  kind: "future",
  settlement_period: "perpetual",
  tick_size: 0.5,
  tick_size_steps: [],
  min_trade_amount: 10,
  expiration_timestamp: 32_503_708_800_000,
};

const option: ApiInstrument = {
  ...common,
  instrument_name: "BTC-1JAN30-100000-C",
  kind: "option",
  counter_currency: "BTC",
  settlement_period: "week",
  tick_size: 0.0001,
  tick_size_steps: [{ above_price: 0.005, tick_size: 0.0005 }],
  min_trade_amount: 0.1,
  expiration_timestamp: nowMs + 7 * 86_400_000,
  strike: 100_000,
  option_type: "call",
};

const marks: readonly ApiSummary[] = [
  { instrument_name: "BTC-PERPETUAL", mark_price: 100_003.21, bid_price: 99_990, ask_price: 100_010 },
  {
    instrument_name: "BTC-1JAN30-100000-C",
    mark_price: 0.0277,
    bid_price: 0.027,
    ask_price: 0.029,
    mark_iv: 50,
    underlying_price: 100_050,
  },
];

const multipleOf = (price: number, tick: number) => Math.abs(price / tick - Math.round(price / tick)) < 1e-6;

test("a future is quoted on its grid on both sides of its mark", () => {
  const quote = quoteFor(perpetual, marks[0]!, { nowMs, lean: 0, parameters })!;
  expect(quote.bidPrice).toBeLessThan(100_003.21);
  expect(quote.askPrice).toBeGreaterThan(100_003.21);
  expect(multipleOf(quote.bidPrice, 0.5) && multipleOf(quote.askPrice, 0.5)).toBe(true);
  expect(quote.amount).toBe(50_000);
});

test("an option is quoted around the surface, on the coarser grid above the step, in coins", () => {
  const quote = quoteFor(option, marks[1]!, { nowMs, lean: 0, parameters })!;
  expect(quote.bidPrice).toBeLessThan(0.0277);
  expect(quote.askPrice).toBeGreaterThan(0.0277);
  expect(quote.askPrice - quote.bidPrice).toBeLessThan(0.004);
  expect(multipleOf(quote.bidPrice, 0.0005) && multipleOf(quote.askPrice, 0.0005)).toBe(true);
});

test("inventory leans quotes away: who is long bids less and offers for less", () => {
  const flat = quoteFor(option, marks[1]!, { nowMs, lean: 0, parameters: { ...parameters, volatilityWidth: 0.1 } })!;
  const long = quoteFor(option, marks[1]!, { nowMs, lean: 2, parameters: { ...parameters, volatilityWidth: 0.1 } })!;
  expect(long.bidPrice).toBeLessThan(flat.bidPrice);
  expect(long.askPrice).toBeLessThan(flat.askPrice);
});

test("nothing is quoted without a mark, and no option in its last minute", () => {
  expect(quoteFor(perpetual, { ...marks[0]!, mark_price: 0 }, { nowMs, lean: 0, parameters })).toBeUndefined();
  const late = option.expiration_timestamp - 30_000;
  expect(quoteFor(option, marks[1]!, { nowMs: late, lean: 0, parameters })).toBeUndefined();
});

test("a worthless option still has a bid of one tick and an offer above it", () => {
  const far = { ...option, strike: 900_000 };
  const quote = quoteFor(far, { ...marks[1]!, mark_price: 0.000001 }, { nowMs, lean: 0, parameters })!;
  expect(quote.bidPrice).toBe(0.0001);
  expect(quote.askPrice).toBe(0.0002);
});

test("a standing quote is left alone until it has moved by a quarter of its width", () => {
  const standing = { bidPrice: 100, askPrice: 104, amount: 1 };
  expect(isCloseEnough(standing, { bidPrice: 101, askPrice: 105, amount: 1 })).toBe(true);
  expect(isCloseEnough(standing, { bidPrice: 101.5, askPrice: 105.5, amount: 1 })).toBe(false);
  expect(isCloseEnough(standing, { ...standing, amount: 2 })).toBe(false);
});

test("prices go to the grid without the noise of binary fractions", () => {
  expect(onGrid(option, 0.0031, "down")).toBe(0.0031);
  expect(onGrid(option, 0.02777, "down")).toBe(0.0275);
  expect(onGrid(option, 0.02777, "up")).toBe(0.028);
});

interface Request {
  readonly id: number;
  readonly method: string;
  readonly params: { readonly [name: string]: unknown };
}

/** An exchange that answers from fixtures and remembers what it was asked. */
async function toyExchange() {
  const requests: Request[] = [];
  const sockets: WebSocket[] = [];
  const server = createServer();
  const answers: { readonly [method: string]: unknown } = {
    "public/get_instruments": [perpetual, option],
    "public/get_book_summary_by_currency": marks,
    "public/get_book_summary_by_instrument": marks.slice(0, 1),
    "private/get_positions": [],
  };
  new WebSocketServer({ server, path: "/ws/api/v2" }).on("connection", (socket) => {
    sockets.push(socket);
    socket.on("message", (data) => {
      const request = JSON.parse(String(data)) as Request;
      requests.push(request);
      socket.send(JSON.stringify({ jsonrpc: "2.0", id: request.id, result: answers[request.method] ?? "ok" }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  openServers.push(server);
  const { port } = server.address() as { port: number };
  return { url: `ws://127.0.0.1:${port}/ws/api/v2`, requests, sockets };
}

const openServers: Server[] = [];
afterEach(() => {
  for (const server of openServers.splice(0)) server.close().closeAllConnections();
});

async function until(condition: () => boolean): Promise<void> {
  for (let tries = 0; tries < 400 && !condition(); tries++) await delay(25);
  expect(condition()).toBe(true);
}

test("makers log in, ask for cancel on disconnect, quote the chain as simulated, and come back after a lost connection", async () => {
  const { url, requests, sockets } = await toyExchange();
  let end = (): void => undefined;
  const ended = new Promise<void>((resolve) => (end = resolve));
  const key = { name: "maker-btc", role: "maker", clientId: "id", clientSecret: "secret" } as const;
  const running = runMarket({ url, seed: 1, keys: [key], log: () => undefined }, ended);
  const quotes = () => requests.filter(({ method }) => method === "private/mass_quote");
  await until(() => 0 < quotes().length);
  expect(requests.slice(0, 2).map(({ method }) => method)).toEqual([
    "public/auth",
    "private/enable_cancel_on_disconnect",
  ]);
  const [first] = quotes();
  expect(first!.params["quote_id"]).toMatch(/^simulated/);
  const entries = first!.params["quotes"] as readonly { instrument_name: string; quote_set_id: string }[];
  expect(entries.map(({ instrument_name: name }) => name)).toEqual([perpetual.instrument_name, option.instrument_name]);
  expect(entries.every(({ quote_set_id: set }) => set.startsWith("simulated"))).toBe(true);
  const before = quotes().length;
  sockets[0]!.terminate();
  await until(() => before < quotes().length && sockets.length === 2);
  end();
  await running;
});

test("a call on a lost connection fails at once", async () => {
  const { url, sockets } = await toyExchange();
  const connection = await openSocket(url);
  await connection.call("public/get_time");
  sockets[0]!.terminate();
  await connection.closed;
  await expect(connection.call("public/get_time")).rejects.toThrow("public/get_time: the connection was lost");
});

test("takers send small labelled orders at the best price that cannot rest", async () => {
  const { url, requests } = await toyExchange();
  let end = (): void => undefined;
  const ended = new Promise<void>((resolve) => (end = resolve));
  const key = { name: "taker-1", role: "taker", clientId: "id", clientSecret: "secret" } as const;
  const running = runMarket({ url, seed: 1, keys: [key], log: () => undefined }, ended);
  const orders = () => requests.filter(({ method }) => method === "private/buy" || method === "private/sell");
  await until(() => 0 < orders().length);
  const { method, params } = orders()[0]!;
  expect(params).toMatchObject({ label: "simulated", type: "limit", time_in_force: "immediate_or_cancel" });
  expect(params["price"]).toBe(method === "private/buy" ? 100_010 : 99_990);
  end();
  await running;
});
