/**
 * Processor time of one order at a time, per thread and command, as the kernel counts it: four validators, a gateway and the
 * client on this machine. Unlike how long an order takes, it stays comparable on a busy machine, within half or so. Price
 * messages go on meanwhile, eight a second, and are in it: the slower the machine, the larger their part.
 *
 * `npm run bench -- bench/processor-time.ts`; Linux only.
 */
import { readFileSync, readdirSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { loadApiKeys } from "@stoa/cli/devnet/folder";
import { openGateway, type GatewayClient } from "./gateway-client.ts";
import { startDevnet } from "./network.ts";
import { median, withSpread } from "./statistics.ts";

const runsCount = 5;
const ordersCount = 100;
const warmupCount = 400;
const pauseMsMax = 6;

/** Microseconds of processor time that each kind of thread has taken, over all processes of a role. */
type Taken = ReadonlyMap<string, number>;

const devnet = await startDevnet();
try {
  const client = await signIn();
  const ticker = await client.call<{ mark_price: number }>("public/ticker", { instrument_name: "BTC-PERPETUAL" });
  const price = Math.round(ticker.mark_price * 0.98);
  const processes = processesOf(Object.entries(devnet.ready.pids));
  await runOrders(client, price, warmupCount);
  const runs: Taken[] = [];
  for (let run = 0; run < runsCount; run++) {
    const before = takenBy(processes);
    await runOrders(client, price, ordersCount);
    const after = takenBy(processes);
    // Each order is cancelled, which is a command, too.
    runs.push(new Map([...after].map(([name, us]) => [name, (us - (before.get(name) ?? 0)) / (2 * ordersCount)])));
  }
  client.close();
  report(runs, processes);
} finally {
  await devnet.stop();
}

interface Process {
  readonly role: "validator" | "gateway";
  readonly pid: number;
}

function processesOf(pids: readonly (readonly [name: string, pid: number])[]): readonly Process[] {
  const found: Process[] = [];
  for (const [name, pid] of pids) {
    if (name.startsWith("validator")) found.push({ role: "validator", pid });
    else if (name === "gateway") found.push({ role: "gateway", pid });
  }
  return found;
}

async function signIn(): Promise<GatewayClient> {
  const key = loadApiKeys(devnet.folder).find(({ tier }) => tier === "maker")!;
  const client = await openGateway(devnet.ready.access.wsUrl);
  const credentials = { client_id: key.clientId, client_secret: key.clientSecret };
  await client.call("public/auth", { grant_type: "client_credentials", ...credentials });
  return client;
}

async function runOrders(client: GatewayClient, price: number, count: number): Promise<void> {
  for (let index = 0; index < count; index++) {
    const order = { instrument_name: "BTC-PERPETUAL", amount: 10, type: "limit", price, post_only: true };
    const { order: placed } = await client.call<{ order: { order_id: string } }>("private/buy", order);
    await client.call("private/cancel", { order_id: placed.order_id });
    await delay((index * 7919) % pauseMsMax);
  }
}

function takenBy(processes: readonly Process[]): Taken {
  const taken = new Map<string, number>();
  for (const { role, pid } of processes) {
    for (const thread of readdirSync(`/proc/${pid}/task`)) {
      const folder = `/proc/${pid}/task/${thread}`;
      const name = `${role} ${readFileSync(`${folder}/comm`, "utf8").trim()}`;
      const us = Number(readFileSync(`${folder}/schedstat`, "utf8").split(" ")[0]) / 1000;
      taken.set(name, (taken.get(name) ?? 0) + us);
    }
  }
  return taken;
}

function report(runs: readonly Taken[], processes: readonly Process[]): void {
  console.log(`processor time, ${runsCount} runs of ${ordersCount} orders, microseconds per command, median [range]`);
  for (const role of ["validator", "gateway"] as const) {
    const count = processes.filter((one) => one.role === role).length;
    const names = [...runs[0]!.keys()].filter((name) => name.startsWith(role));
    const timesOf = (name: string): number[] => runs.map((taken) => (taken.get(name) ?? 0) / count);
    names.sort((left, right) => median(timesOf(right)) - median(timesOf(left)));
    console.log(`  each ${role}`);
    for (const name of names)
      console.log(`    ${name.slice(role.length + 1).padEnd(18)} ${withSpread(timesOf(name), 0)}`);
  }
  const sums = runs.map((taken) => [...taken.values()].reduce((sum, us) => sum + us, 0));
  console.log(`  all processes        ${withSpread(sums, 0)}`);
}
