/**
 * Finality: from an order that leaves a client to its acknowledgement by the gateway, which is given when the order is final
 * and executed; one order at a time, four validators, a gateway and the client on this machine. Runs alternate with those of the
 * floor (`floor.ts`), both sets of processes being up all the time.
 *
 * `npm run bench -- bench/finality.ts`
 */
import { setTimeout as delay } from "node:timers/promises";
import { loadApiKeys } from "@stoa/cli/devnet/folder";
import { openFloor, summarise } from "./floor.ts";
import { openGateway, type GatewayClient } from "./gateway-client.ts";
import { startDevnet } from "./network.ts";
import { median, withSpread } from "./statistics.ts";

const runsCount = 5;
const ordersCount = 100;
const roundsCount = 100;
/** A pause between orders, uneven, so that orders do not fall into step with blocks. */
const pauseMsMax = 6;

const devnet = await startDevnet();
const floor = await openFloor();
try {
  const client = await signIn();
  const price = await farPrice(client);
  // As on a devnet that has been up for some minutes: code that has not run often is slow code.
  await runOrders(client, price, 400);
  await floor.run(100);
  const orders: number[][] = [];
  const rounds: (readonly number[])[] = [];
  for (let run = 0; run < runsCount; run++) {
    rounds.push(await floor.run(roundsCount));
    orders.push(await runOrders(client, price, ordersCount));
  }
  client.close();
  report(orders, rounds);
} finally {
  await Promise.all([floor.close(), devnet.stop()]);
}

async function signIn(): Promise<GatewayClient> {
  // A maker's key, because its rate limits are not what is measured.
  const key = loadApiKeys(devnet.folder).find(({ tier }) => tier === "maker")!;
  const client = await openGateway(devnet.ready.access.wsUrl);
  const credentials = { client_id: key.clientId, client_secret: key.clientSecret };
  await client.call("public/auth", { grant_type: "client_credentials", ...credentials });
  return client;
}

/** A price at which a buy order rests and meets nobody. */
async function farPrice(client: GatewayClient): Promise<number> {
  const ticker = await client.call<{ mark_price: number }>("public/ticker", { instrument_name: "BTC-PERPETUAL" });
  return Math.round(ticker.mark_price * 0.98);
}

/** Milliseconds of each order; every order is cancelled before the next. */
async function runOrders(client: GatewayClient, price: number, count: number): Promise<number[]> {
  const latenciesMs: number[] = [];
  for (let index = 0; index < count; index++) {
    const order = { instrument_name: "BTC-PERPETUAL", amount: 10, type: "limit", price, post_only: true };
    const sentAt = performance.now();
    const { order: placed } = await client.call<{ order: { order_id: string } }>("private/buy", order);
    latenciesMs.push(performance.now() - sentAt);
    await client.call("private/cancel", { order_id: placed.order_id });
    await delay((index * 7919) % pauseMsMax);
  }
  return latenciesMs;
}

function report(orders: readonly (readonly number[])[], rounds: readonly (readonly number[])[]): void {
  const measured = summarise(orders);
  const lowest = summarise(rounds);
  const ratios = measured.runs.map((run, index) => run.p50Ms / lowest.runs[index]!.p50Ms);
  console.log(
    `finality, ${runsCount} runs of ${ordersCount} orders beside ${roundsCount} rounds of the floor, median [range]`,
  );
  console.log(`  order to acknowledgement  p50 ${withSpread(measured.runs.map((run) => run.p50Ms))} ms`);
  console.log(`                            p99 ${withSpread(measured.runs.map((run) => run.p99Ms))} ms`);
  console.log(`  floor                     p50 ${withSpread(lowest.runs.map((run) => run.p50Ms))} ms`);
  console.log(`                            p99 ${withSpread(lowest.runs.map((run) => run.p99Ms))} ms`);
  const said = (name: string, values: readonly number[], most: number): void =>
    console.log(
      `  ${name}  ${withSpread(values)} (wanted: at most ${most}; ${median(values) <= most ? "met" : "NOT met"})`,
    );
  said("p50 over the floor's p50     ", ratios, 2.5);
  said(
    "p99 over the floor's p99     ",
    measured.runs.map((run, index) => run.p99Ms / lowest.runs[index]!.p99Ms),
    6,
  );
}
