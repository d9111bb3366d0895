/** Every method with odd values in every parameter: an answer or a refusal of the list, never a failure inside. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { methods } from "../src/methods/table.ts";
import { openClient, startTestGateway, type Client, type TestGateway } from "./harness.ts";

let running: TestGateway;
let client: Client;
beforeAll(async () => {
  const plenty = { perSecond: 1e6, burst: 1e6 };
  const rates = { standard: plenty, maker: plenty };
  running = await startTestGateway({ limits: { matching: rates, nonMatching: rates } });
  client = await openClient(running.ws);
  await client.auth(1);
  await client.call("private/enable_cancel_on_disconnect");
});
afterAll(() => running.stop());

/** A good value for each required parameter, so that a call gets as far as the odd one. */
const good: Readonly<Record<string, unknown>> = {
  instrument_name: "BTC-PERPETUAL",
  amount: 10,
  price: 59_000,
  type: "limit",
  currency: "BTC",
  order_id: "1",
  label: "x",
  index_name: "btc_usd",
  kind: "future",
  start_timestamp: Date.now() - 3_600_000,
  end_timestamp: Date.now(),
  resolution: "1",
  length: "8h",
  instrument_id: 1,
  channels: ["book.BTC-PERPETUAL.100ms"],
  quotes: [],
  quote_id: "q",
  mmp_group: "m",
  cancel_type: "all",
  interval: 30,
  grant_type: "client_credentials",
  client_id: "client-1",
  client_secret: "secret-1",
  destination: 2,
  address: "abc",
  mode: "reject_taker",
};

const odd: readonly unknown[] = [
  ...[null, "", " ", 0, -1, 1.5, 1e308, 1e-300, 0.1 + 0.2, 2 ** 53, -(2 ** 53), 4_294_967_296, 65_536, true, [], {}],
  ...["1e999", "0x10", "NaN", "-5", "\ud800", "\u0000", "__proto__", "any", "BTC-", "ÿ😀", "'; DROP TABLE trades; --"],
  ...["x".repeat(9_000), [null], [[]], [{}], [1, 2], { toString: 1 }, ["__proto__"], "BTC-PERPETUAL\u0000"],
];

const failuresOf = async (name: string, calls: readonly unknown[]): Promise<readonly string[]> => {
  const replies = await Promise.all(calls.map((parameters) => client.call(name, parameters)));
  if (name === "public/auth") await client.auth(1);
  return replies.flatMap(({ error, result }, index) => {
    const known = error === undefined ? result !== undefined : error.code !== 11094;
    return known ? [] : [`${name} ${JSON.stringify(calls[index]).slice(0, 200)} -> ${JSON.stringify(error)}`];
  });
};

test("no method fails inside, whatever one of its parameters is", async () => {
  const failures: string[] = [];
  let callsCount = 0;
  for (const [name, method] of methods) {
    if (name === "private/logout") continue;
    const names = Object.keys(method.parameters);
    const base = Object.fromEntries(
      names.filter((one) => method.parameters[one]!.required).map((one) => [one, good[one]]),
    );
    for (const one of names) {
      const calls = odd.map((value) => ({ ...base, [one]: value }));
      callsCount += calls.length;
      failures.push(...(await failuresOf(name, calls)));
    }
  }
  expect(failures).toEqual([]);
  expect(callsCount).toBeGreaterThan(5_000);
}, 120_000);

test("nor does a quote, whatever its parts are", async () => {
  const entries = odd.flatMap((value) => [
    value,
    { instrument_name: value, bid: { price: 59_000, amount: 10 } },
    { instrument_name: "BTC-PERPETUAL", bid: value },
    { instrument_name: "BTC-PERPETUAL", quote_set_id: value, ask: { price: value, amount: value } },
  ]);
  const calls = entries.map((entry) => ({ quote_id: "q", mmp_group: "m", quotes: [entry] }));
  expect(await failuresOf("private/mass_quote", calls)).toEqual([]);
});
