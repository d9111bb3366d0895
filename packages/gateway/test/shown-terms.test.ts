/** What tickers and quotes of margin promise against what the exchange does: bands, margins, implied volatilities, interest. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { black76Price } from "@stoa/pricing/black76";
import { basic, get, startTestGateway, type Reply, type TestGateway } from "./harness.ts";
import { createLocalUpstream, type LocalUpstream } from "./local-upstream.ts";

const dayMs = 86_400_000;
const startMs = Math.floor(Date.now() / dayMs) * dayMs + dayMs + 8 * 3_600_000;
let clockMs = startMs;
let upstream: LocalUpstream;
let running: TestGateway;

beforeAll(async () => {
  upstream = createLocalUpstream({ startMs, nowMs: () => clockMs });
  clockMs += 1_000;
  upstream.setPrices([60_123.45, 3_004.56], 0.55);
  running = await startTestGateway({ upstream });
});
afterAll(() => running.stop());

const ask = (method: string, query: Record<string, string | number>, account = 1): Promise<Reply> =>
  get(
    running.rest,
    method,
    Object.fromEntries(Object.entries(query).map(([name, value]) => [name, String(value)])),
    basic(account),
  );
const answer = async (method: string, query: Record<string, string | number>, account = 1): Promise<any> => {
  const { result, error } = await ask(method, query, account);
  expect([method, error]).toEqual([method, undefined]);
  return result;
};

/** One of each kind, and options on both sides of the money and of the step of the tick. */
function sample(): readonly string[] {
  const views = upstream.query.instruments();
  const names: string[] = [];
  for (const prefix of ["BTC-", "BTC_USDC-", "ETH-"]) {
    const family = views.filter(({ instrument }) => instrument.name.startsWith(prefix));
    names.push(`${prefix}PERPETUAL`, family.find(({ instrument }) => instrument.kind === "future")!.instrument.name);
    const options = family.filter(({ instrument }) => instrument.kind === "option");
    for (const part of [0, 0.2, 0.45, 0.55, 0.8, 0.99])
      if (0 < options.length) names.push(options[Math.floor(part * options.length)]!.instrument.name);
  }
  return names;
}

test("orders are taken up to min_price and max_price and refused a tick beyond; get_margins is what a resting order takes", async () => {
  for (const name of sample()) {
    const ticker = await answer("public/ticker", { instrument_name: name });
    const terms = await answer("public/get_instrument", { instrument_name: name });
    const currency = terms.settlement_currency;
    const decimals = currency === "USDC" ? 6 : 8;
    const units = (value: number): number => Math.round(value * 10 ** decimals);
    const tickAt = (price: number): number =>
      terms.tick_size_steps.findLast((step: any) => step.above_price <= price)?.tick_size ?? terms.tick_size;
    const amount = Number((terms.min_trade_amount * 7).toFixed(8));
    expect(ticker.min_price).toBeLessThanOrEqual(ticker.mark_price + terms.tick_size);
    expect(ticker.max_price).toBeGreaterThanOrEqual(ticker.mark_price - terms.tick_size);
    for (const side of ["buy", "sell"] as const) {
      const edge = side === "buy" ? ticker.max_price : ticker.min_price;
      const beyond = side === "buy" ? edge + tickAt(edge) : edge - tickAt(edge - 1e-9);
      if (0 < beyond) {
        const price = Number(beyond.toFixed(8));
        const { error } = await ask(`private/${side}`, { instrument_name: name, amount, price });
        expect([name, side, price, error?.code]).toEqual([name, side, price, side === "buy" ? 10_007 : 10_005]);
      }
      const quoted = await answer("private/get_margins", { instrument_name: name, amount, price: edge });
      expect([quoted.min_price, quoted.max_price]).toEqual([ticker.min_price, ticker.max_price]);
      const before = await answer("private/get_account_summary", { currency });
      const { order } = await answer(`private/${side}`, { instrument_name: name, amount, price: edge });
      expect([name, side, order.order_state]).toEqual([name, side, "open"]);
      const during = await answer("private/get_account_summary", { currency });
      const taken = units(during.initial_margin) - units(before.initial_margin);
      expect([name, side, taken]).toEqual([name, side, units(quoted[side])]);
      expect(units(before.available_funds) - units(during.available_funds)).toBe(taken);
      await answer("private/cancel", { order_id: order.order_id });
    }
  }
});

/**
 * Marks, volatilities and greeks of options against differences of the model at what the ticker shows. `unsettled` is the part
 * of the averaging window that is still to come: only that part of the volatility is left.
 */
async function checkOptions(names: readonly string[], unsettled: (elapsedMs: number) => number): Promise<void> {
  for (const name of names) {
    const ticker = await answer("public/ticker", { instrument_name: name });
    const terms = await answer("public/get_instrument", { instrument_name: name });
    const remainingMs = terms.expiration_timestamp - upstream.query.timeMs();
    const model = (forward: number, volatility: number, elapsedMs = 0): number =>
      black76Price({
        type: terms.option_type,
        forward,
        strike: terms.strike,
        years: (remainingMs - elapsedMs) / (365 * dayMs),
        volatility: volatility * unsettled(elapsedMs),
      });
    const { underlying_price: forward, mark_price, greeks } = ticker;
    const volatility = ticker.mark_iv / 100;
    const close = (what: string, shown: number, expected: number, digits: number): void =>
      expect([name, what, shown]).toEqual([name, what, expect.closeTo(expected, digits)]);
    // A mark is a whole hundredth of a tick, and at least that.
    close("mark", mark_price, Math.max(1e-6, model(forward, volatility) / forward), 5);
    const step = forward * 1e-5;
    const [down, at, up] = [-step, 0, step].map((bump) => model(forward + bump, volatility)) as [
      number,
      number,
      number,
    ];
    close("delta", greeks.delta, (up - down) / (2 * step), 3);
    close("gamma", greeks.gamma, (up - 2 * at + down) / (step * step), 4);
    close("vega", greeks.vega, model(forward, volatility + 0.005) - model(forward, volatility - 0.005), 1);
    const decay = (dayMs * (model(forward, volatility, 1_000) - model(forward, volatility, -1_000))) / 2_000;
    expect([name, "theta", Math.abs(greeks.theta - decay) < 0.01 + 0.01 * Math.abs(decay)]).toEqual([
      name,
      "theta",
      true,
    ]);
  }
}

test("an option's mark, volatilities and greeks are of one model, also in the averaging window", async () => {
  const options = sample().filter((name) => /-[CP]$/.test(name));
  await checkOptions(options, () => 1);
  // Twelve hours in which validators say the same: time passes for the marks as well.
  clockMs += dayMs / 2;
  upstream.setPrices([60_123.45, 3_004.56], 0.55);
  await checkOptions(options, () => 1);
  clockMs = startMs + dayMs - 600_000;
  upstream.setPrices([60_123.45, 3_004.56], 0.55);
  const expiring = upstream.query
    .instruments()
    .filter(({ instrument }) => instrument.expiryMs === startMs + dayMs && instrument.kind === "option")
    .map(({ instrument }) => instrument.name);
  await checkOptions(expiring, (elapsedMs) => (600_000 - elapsedMs) / 1_800_000);
  // A bid's volatility explains its price under the same model, and so does the volatility of the trade with it.
  const name = expiring.find((one) => one.startsWith("BTC") && one.endsWith("60000-C"))!;
  const { mark_price } = await answer("public/ticker", { instrument_name: name });
  const order = { instrument_name: name, amount: 0.1, price: Number(mark_price.toFixed(4)) };
  await answer("private/buy", order);
  const { bid_iv, underlying_price: forward } = await answer("public/ticker", { instrument_name: name });
  const { trades } = await answer("private/sell", order, 2);
  const years = 600_000 / (365 * dayMs);
  const explained = black76Price({ type: "call", forward, strike: 60_000, years, volatility: bid_iv / 300 });
  expect(explained / forward).toBeCloseTo(order.price, 6);
  expect(trades[0].iv).toBeCloseTo(bid_iv, 1);
});
