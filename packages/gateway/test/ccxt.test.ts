/** Real ccxt and ccxt.pro against the gateway, over plain sockets and over TLS with the gateway's own authority. */
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Instrument } from "@stoa/protocol/instrument";
import { startTestGateway, type TestGateway } from "./harness.ts";

const script = fileURLToPath(new URL("./ccxt-user.ts", import.meta.url));

/** Runs the user's script in a process of its own; returns what each step saw. */
async function runUser(environment: Record<string, string>): Promise<Map<string, any>> {
  const child = spawn(process.execPath, ["--conditions=@stoa/source", script], {
    env: { ...process.env, ...environment },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  let errors = "";
  child.stdout.on("data", (part: Buffer) => (output += part.toString()));
  child.stderr.on("data", (part: Buffer) => (errors += part.toString()));
  await new Promise((resolve) => child.once("close", resolve));
  const steps = new Map<string, any>();
  for (const line of output.split("\n").filter((text) => text.startsWith("{"))) {
    const { step, value } = JSON.parse(line);
    steps.set(step, value);
  }
  if (steps.has("failure") || steps.size === 0)
    throw new Error(`${String(steps.get("failure"))}\n${errors}\n${output.slice(-2000)}`);
  return steps;
}

describe.each(["http", "https"])("a ccxt user over %s", (scheme) => {
  let running: TestGateway;
  let steps: Map<string, any>;

  beforeAll(async () => {
    running = await startTestGateway({ accounts: [1, 2, 3] });
    const port = scheme === "http" ? running.gateway.httpPort : running.gateway.httpsPort;
    const socketScheme = scheme === "http" ? "ws" : "wss";
    steps = await runUser({
      STOA_REST: `${scheme}://localhost:${port}`,
      STOA_WS: `${socketScheme}://localhost:${port}/ws/api/v2`,
      NODE_EXTRA_CA_CERTS: running.gateway.caFile,
    });
  }, 60_000);
  afterAll(() => running.stop());

  const step = (name: string): any => {
    expect(steps.has(name), `the step ${name} was reached`).toBe(true);
    return steps.get(name);
  };

  const listedCount = (matches: (instrument: Instrument) => boolean): number =>
    running.upstream.query.instruments().filter((view) => matches(view.instrument)).length;

  test("markets load with the unified symbols, precisions and kinds", () => {
    const markets = step("markets");
    expect(markets.symbols).toContain("BTC/USD:BTC");
    expect(markets.symbols).toContain("ETH/USDC:USDC");
    expect(markets.perpetual).toMatchObject({
      id: "BTC-PERPETUAL",
      swap: true,
      inverse: true,
      contractSize: 10,
      precision: { amount: 10, price: 0.5 },
    });
    expect(markets.linear).toBe(true);
    expect(markets.option).toMatchObject({ option: true, settle: "BTC", type: "option" });
    expect(markets.count).toBe(listedCount(() => true));
    expect(step("status")).toBe("ok");
    expect(step("currencies")).toEqual(["BTC", "ETH", "USDC"]);
    expect(step("time")).toBeLessThan(5_000);
  });

  test("the first watch of a ticker, a balance and a book answers at once", () => {
    expect(step("watchTicker")).toBe("BTC/USD:BTC");
    expect(step("watchBalance")).toMatchObject({ free: { BTC: 100 }, used: { BTC: 0 }, total: { BTC: 100 } });
    expect(step("watchOrderBook")).toMatchObject({ symbol: "BTC/USD:BTC", bids: 0, asks: 0 });
  });

  test("an order is placed, edited, listed, filled and cancelled", () => {
    expect(step("createOrder")).toMatchObject({
      status: "open",
      side: "sell",
      price: 60_100,
      amount: 1000,
      filled: 0,
      postOnly: true,
      info: { label: "first" },
    });
    const { id } = step("createOrder");
    expect(step("editOrder")).toMatchObject({ id, price: 60_050, amount: 2000, status: "open" });
    expect(step("fetchOpenOrders")).toHaveLength(1);
    expect([60_100, 60_050]).toContain(step("quote")["BTC/USD:BTC"].ask);
    expect(step("marketOrder")).toMatchObject({ status: "closed", filled: 500, average: 60_050, remaining: 0 });
    expect(step("marketOrder").trades[0]).toMatchObject({ takerOrMaker: "taker", price: 60_050, amount: 500 });
    expect(step("fetchOrder")).toMatchObject({ id, filled: 500, remaining: 1500, status: "open" });
    expect(step("cancelOrder")).toMatchObject({ id, status: "canceled", filled: 500 });
    expect(step("cancelAllOrders")[0].info.result).toBe(2);
  });

  test("fills reach their owner and the public as they happen", () => {
    expect(step("watchOrders").at(-1)).toMatchObject({ status: "closed", filled: 500 });
    expect(step("watchMyTrades")[0]).toMatchObject({ price: 60_050, amount: 500, side: "buy" });
    expect(step("watchTrades")[0]).toMatchObject({ price: 60_050, amount: 500, side: "buy" });
    expect(step("watchOHLCV")[0].slice(1)).toEqual([60_050, 60_050, 60_050, 60_050, 0.00832639]);
  });

  test("a book that is followed while it moves is the book that is fetched", () => {
    const { followed, fetched } = step("followedBook");
    expect(fetched.bids).toHaveLength(7);
    expect(followed).toEqual(fetched);
  });

  test("market data shows the trade", () => {
    expect(step("fetchTicker")).toMatchObject({ last: 60_050, ask: 60_050, markPrice: 60_000, indexPrice: 60_000 });
    expect(step("fetchOrderBook")).toMatchObject({ bids: [], asks: [[60_050, 1500]] });
    expect(step("fetchTrades")).toHaveLength(1);
    expect(step("fetchOHLCV")[0].slice(1)).toEqual([60_050, 60_050, 60_050, 60_050, 0.00832639]);
    expect(step("fetchTickers")).toBe(listedCount(({ settlement }) => settlement === 0));
    expect(step("fetchFundingRate").fundingRate).toBe(0);
    expect(step("fetchFundingRateHistory")).toEqual([]);
    expect(step("fetchVolatilityHistory")).toEqual([]);
    expect(step("fetchLiquidations")).toEqual([]);
    expect(step("fetchOpenInterest").info.open_interest).toBe(500);
  });

  test("options show their greeks and chain", () => {
    const greeks = step("fetchGreeks");
    expect(greeks.delta).toBeGreaterThan(0.4);
    expect(greeks.delta).toBeLessThan(0.6);
    expect(greeks.markImpliedVolatility).toBe(60);
    expect(step("fetchOption").underlyingPrice).toBe(60_000);
    const isBitcoinOption = ({ kind, base }: Instrument): boolean => kind === "option" && base === 0;
    expect(step("fetchOptionChain")).toBe(listedCount(isBitcoinOption));
  });

  test("the account adds up: one lost fee and the way from the fill to the mark", () => {
    // 500 dollars at 60,050, taker 0.05 %: 0.000004163... BTC of fee, rounded up.
    const fee = 0.00000417;
    expect(step("fetchMyTrades")[0].fee).toMatchObject({ cost: fee, currency: "BTC" });
    expect(step("fetchOrderTrades")).toHaveLength(1);
    expect(step("fetchClosedOrders")).toHaveLength(1);
    const position = step("fetchPosition");
    expect(position).toMatchObject({ side: "long", contracts: 500, markPrice: 60_000 });
    expect(position.entryPrice).toBeCloseTo(60_050, 0);
    expect(step("fetchPositions")).toHaveLength(1);
    const balance = step("fetchBalance");
    const total = 100 - fee + position.info.floating_profit_loss;
    expect(balance.total).toBeCloseTo(total, 8);
    expect(balance.free).toBeCloseTo(total - position.info.initial_margin, 8);
    expect(balance.used).toBe(position.info.maintenance_margin);
  });

  test("fees, accounts and the wallet can be read", () => {
    expect(step("fetchTradingFees")).toMatchObject({ maker: 0, taker: 0.0005 });
    expect(step("fetchAccounts")).toMatchObject([{ id: "1", type: "main" }]);
    expect(step("fetchDeposits")).toMatchObject([{ amount: 100, currency: "BTC", status: "ok" }]);
    expect(step("fetchWithdrawals")).toEqual([]);
    expect(step("fetchTransfers")).toEqual([]);
    expect(step("subaccount").type).toBe("subaccount");
    expect(step("transfer")).toMatchObject({ amount: 1000, currency: "USDC", status: "ok" });
  });

  test("linear perpetuals and options trade through the same calls", () => {
    expect(step("linear")).toMatchObject({ status: "closed", filled: 0.02, average: 60_010, timeInForce: "IOC" });
    expect(step("linearPosition").info).toMatchObject({ size: 1200, size_currency: 0.02, average_price: 60_010 });
    expect(step("linearPosition").unrealizedPnl).toBe(-0.2);
    expect(step("option")).toMatchObject({ status: "closed", filled: 1, average: 0.01 });
    expect(step("optionPosition")).toMatchObject({ side: "long", contracts: 1, entryPrice: 0.01 });
  });

  test("errors arrive as the exceptions that bots handle", () => {
    expect(step("badTick").name).toBe("InvalidOrder");
    expect(step("unknownOrder").name).toBe("OrderNotFound");
    expect(step("noFunds").name).toBe("InsufficientFunds");
    expect(step("stop").name).toBe("NotSupported");
    expect(step("stranger").name).toBe("AuthenticationError");
  });
});
