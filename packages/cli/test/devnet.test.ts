/**
 * The whole of it, as a user has it: one command, real processes, ccxt, kill -9. The tests of this file share one devnet and build on
 * each other in the order they stand in.
 */
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, expect, test } from "vitest";
import { EventKind } from "@stoa/features/event";
import { loadNetwork } from "../src/devnet/folder.ts";
import type { Child } from "../src/devnet/supervisor.ts";
import { openDoor } from "../src/door-client.ts";
import { openStoaHistory } from "../src/features/stoa-history.ts";
import { openConnection, type Connection } from "../src/market/connection.ts";
import { isAlive, newFolder, run, runStoa, startDevnet, stoa, type Devnet } from "./devnet-process.ts";

const folder = newFolder();
let devnet: Devnet;
let again: Child | undefined;

afterAll(async () => {
  await devnet?.stop();
  await again?.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** What the processes last said, for whoever reads a failure. */
afterEach(({ task }) => {
  if (task.result?.state !== "fail" || !existsSync(join(folder, "log"))) return;
  for (const name of readdirSync(join(folder, "log"))) {
    const tail = readFileSync(join(folder, "log", name), "utf8").slice(-1_500);
    if (tail !== "") console.error(`--- ${name}\n${tail}`);
  }
});

const userProgram = fileURLToPath(new URL("programs/ccxt-user.mjs", import.meta.url));
const testTimeoutMs = 150_000;

async function until(what: string, condition: () => Promise<boolean> | boolean, patienceMs = 60_000): Promise<void> {
  const endMs = Date.now() + patienceMs;
  while (!(await condition())) {
    if (endMs < Date.now()) throw new Error(`not within ${patienceMs} ms: ${what}`);
    await delay(100);
  }
}

async function statusOf(index: number) {
  try {
    const door = await openDoor({ host: "127.0.0.1", port: loadNetwork(folder).ports.validators[index]!.door });
    try {
      return (await door.ask({ kind: "status" }, "status")).status;
    } finally {
      door.close();
    }
  } catch {
    return undefined;
  }
}

const heightOf = async (index: number): Promise<number> => (await statusOf(index))?.height ?? 0;

/** Keeps the load below the rate that a standard key may have. */
const pauseMs = 80;

/** A user who places one small order after the other, and remembers which were acknowledged. */
function startLoad(connection: Connection, price: number) {
  const acknowledged: string[] = [];
  let isEnding = false;
  const running = (async () => {
    for (let count = 0; !isEnding; count++) {
      try {
        const { order } = await connection.call<{ order: { order_id: string } }>("private/buy", {
          instrument_name: "BTC-PERPETUAL",
          amount: 10,
          type: "limit",
          price,
          label: `load-${count}`,
        });
        acknowledged.push(order.order_id);
      } catch {
        // Lost with the connection, or refused while nothing becomes final: not acknowledged, so nothing is owed.
      }
      if (!isEnding) await delay(pauseMs);
    }
  })();
  return {
    acknowledged,
    end: async () => {
      isEnding = true;
      connection.close();
      await running;
    },
  };
}

type Summary = { readonly currency: string } & { readonly [field: string]: number | string };

/** The identities of an account, to the last unit of eight decimals. */
function expectItAddsUp(summary: Summary): void {
  const units = (field: string): number => Math.round(Number(summary[field]) * 1e8);
  const label = `${summary.currency}: `;
  const margin = units("balance") + units("futures_session_upl") + units("futures_session_rpl");
  expect(label + units("margin_balance")).toBe(label + margin);
  expect(label + units("equity")).toBe(label + (units("margin_balance") + units("options_value")));
  expect(label + units("available_funds")).toBe(label + (units("margin_balance") - units("initial_margin")));
}

const keyOf = (name: string) => devnet.ready.access.keys.find((key) => key.name === name)!;
const connect = (name: string): Promise<Connection> => openConnection(devnet.ready.access.wsUrl, keyOf(name), false);

async function lowPrice(connection: Connection): Promise<number> {
  const { mark_price: mark } = await connection.call<{ mark_price: number }>("public/ticker", {
    instrument_name: "BTC-PERPETUAL",
  });
  return Math.floor(mark * 0.95);
}

test(
  "one command brings up four validators, a gateway and a market, and says how to reach them",
  async () => {
    devnet = await startDevnet(folder);
    const { access, pids } = devnet.ready;
    expect(Object.keys(pids).sort()).toEqual([
      "gateway",
      "market",
      "validator-0",
      "validator-1",
      "validator-2",
      "validator-3",
    ]);
    expect(access.keys.map(({ name }) => name)).toEqual(["alice", "bob"]);
    expect(existsSync(access.caFile)).toBe(true);
    const output = readFileSync(join(folder, "devnet.log"), "utf8");
    expect(output).toContain("- starting 4 validators");
    expect(output).toContain(access.keys[0]!.clientSecret);
    expect(output).toContain(`NODE_EXTRA_CA_CERTS=${access.caFile}`);
  },
  testTimeoutMs,
);

test(
  "ccxt trades with nothing changed but the URL, the keys and NODE_EXTRA_CA_CERTS",
  async () => {
    const { httpsUrl, wssUrl, caFile } = devnet.ready.access;
    const { clientId, clientSecret } = keyOf("alice");
    const connection = await connect("alice");
    await until("the simulated market quotes the perpetual", async () => {
      const ticker = await connection.call<{ best_bid_price: number; best_ask_price: number }>("public/ticker", {
        instrument_name: "BTC-PERPETUAL",
      });
      return 0 < ticker.best_bid_price && 0 < ticker.best_ask_price;
    });
    connection.close();
    const ended = await run([userProgram, httpsUrl, wssUrl, clientId, clientSecret], { NODE_EXTRA_CA_CERTS: caFile });
    expect(ended.stderr).toBe("");
    expect(ended.code).toBe(0);
    const seen = JSON.parse(ended.stdout) as {
      markets: { type: string; inverse: boolean | null }[];
      [name: string]: unknown;
    };
    const count = (type: string) => seen.markets.filter((market) => market.type === type).length;
    // Two coins, settled in the coin and in dollars, four expiries, eleven strikes, calls and puts.
    expect(count("option")).toBe(2 * 2 * 4 * 11 * 2);
    expect(count("swap")).toBe(4);
    expect(count("future")).toBe(16);
    expect(seen).toMatchObject({
      bookHasBothSides: true,
      resting: { status: "open", amount: 100 },
      edited: { id: true, amount: 50 },
      openIds: true,
      cancelled: "canceled",
      taken: { status: "closed", filled: 100 },
      positions: [{ name: "BTC/USD:BTC", side: "long" }],
    });
    expect(seen["tradesCount"]).toBeGreaterThan(0);
    expect(seen["watched"]).toMatchObject({ ticker: "BTC/USD:BTC" });
    for (const order of seen["others"] as { status: string; filled: number }[]) expect(order.status).toBe("closed");
    for (const summary of seen["summaries"] as Summary[]) expectItAddsUp(summary);
  },
  testTimeoutMs,
);

test(
  "stoa price fits the options that the gateway quotes, in coin and in dollars",
  async () => {
    for (const currency of ["BTC", "BTC_USDC"]) {
      let fitted: { unit: string; expiries: { quotedCount: number; atTheMoney: number; butterfly?: string }[] };
      await until("three expiries are quoted", async () => {
        const ended = await runStoa(
          "price",
          "--gateway",
          devnet.ready.access.httpUrl,
          "--currency",
          currency,
          "--json",
        );
        fitted = ended.code === 0 ? JSON.parse(ended.stdout) : { unit: "", expiries: [] };
        return 3 <= fitted.expiries.filter(({ quotedCount }) => 10 < quotedCount).length;
      });
      expect(fitted!.unit).toBe(currency === "BTC" ? "coin" : "currency");
      expect(fitted!.expiries.map(({ butterfly }) => butterfly)).toEqual(fitted!.expiries.map(() => undefined));
      for (const { atTheMoney } of fitted!.expiries) expect(0.1 < atTheMoney && atTheMoney < 2).toBe(true);
    }
    const none = await runStoa("price", "--gateway", devnet.ready.access.httpUrl, "--currency", "USDC");
    expect(none.stderr).toContain("has no options of it: it has BTC_USDC, ETH_USDC");
  },
  testTimeoutMs,
);

test(
  "a second devnet in the same folder is refused in one line",
  async () => {
    const ended = await runStoa("devnet", "--data", folder, "--port", "0");
    expect(ended.stderr).toContain("a devnet runs in");
    expect(ended.stderr.trim().split("\n")).toHaveLength(1);
    expect(ended.code).toBe(1);
  },
  testTimeoutMs,
);

/** The events of each block of a node's folder, as text. */
async function historyOf(node: string): Promise<string[]> {
  const blocks: string[] = [];
  let lines: string[] = [];
  for await (const batch of openStoaHistory(node, ["BTC-PERPETUAL", "ETH-PERPETUAL"]).batches()) {
    for (let row = 0; row < batch.count; row++) {
      const { kind, flags, instrument, side, price, size, id, timeNs } = batch;
      lines.push([kind, flags, instrument, side, price, size, id, timeNs].map((column) => column[row]).join(" "));
      if (kind[row] !== EventKind.block) continue;
      expect(id[row]).toBe(blocks.length);
      blocks.push(lines.join("\n"));
      lines = [];
    }
  }
  return blocks;
}

test(
  "features of a validator that runs: a row for each block, of the events that it stored or of its blocks executed again",
  async () => {
    const copy = join(folder, "copy");
    const holds = (events: string, kind: EventKind): boolean => new RegExp(`^${kind} `, "m").test(events);
    await until("something is quoted, traded and told", async () => {
      const blocks = await historyOf(join(folder, "validator-1"));
      const events = blocks.join("\n");
      return (
        20 < blocks.length &&
        (["add", "trade", "execute", "value"] as const).every((kind) => holds(events, EventKind[kind]))
      );
    });
    for (const name of ["genesis.bin", "blocks", "events"])
      cpSync(join(folder, "validator-1", name), join(copy, name), { recursive: true });
    const stored = await historyOf(copy);
    expect(stored.length).toBeGreaterThan(20);
    expect((await historyOf(join(folder, "validator-1"))).slice(0, stored.length)).toEqual(stored);
    const output = join(folder, "history.csv");
    const ended = await runStoa(
      ...["features", "--input", copy, "--instrument", "BTC-PERPETUAL", "--set", "level-1"],
      ...["--clock", "block", "--output", output],
    );
    expect([ended.code, ended.stderr]).toEqual([0, ""]);
    const rows = readFileSync(output, "utf8").trim().split("\n").slice(1);
    expect(rows).toHaveLength(stored.length);
    expect(rows.some((row) => !row.includes(",,"))).toBe(true);
    rmSync(join(copy, "events"), { recursive: true });
    const executed = await historyOf(copy);
    const common = Math.min(stored.length, executed.length);
    expect(common).toBeGreaterThan(20);
    expect(executed.slice(0, common)).toEqual(stored.slice(0, common));
    const devnetItself = await runStoa("features", "--input", folder, "--output", output);
    expect([devnetItself.code, devnetItself.stderr]).toEqual([
      1,
      `stoa: ${folder} is a devnet: the history of one of its nodes is wanted: ${join(folder, "validator-0")}\n`,
    ]);
  },
  testTimeoutMs,
);

test(
  "kill -9 of one validator during load: trading goes on; started again, it catches up",
  async () => {
    const connection = await connect("alice");
    const load = startLoad(connection, await lowPrice(connection));
    await until("orders are acknowledged", () => 5 < load.acknowledged.length);
    process.kill(devnet.ready.pids["validator-2"]!, "SIGKILL");
    const before = load.acknowledged.length;
    await until("orders are acknowledged with three validators", () => before + 10 < load.acknowledged.length);
    const status = await runStoa("status", "--data", folder);
    expect(status.stdout).toContain("validator-2  does not answer");
    const roots = [...status.stdout.matchAll(/^validator-\d {2}up .* {2}([0-9a-f]{16})$/gm)].map(([, root]) => root);
    expect(roots).toHaveLength(3);
    expect(new Set(roots).size).toBe(1);

    again = stoa(["node", "--data", join(folder, "validator-2")], join(folder, "log", "validator-2-again.log"));
    await again.ready;
    await until("validator-2 has caught up", async () => (await heightOf(0)) - 5 <= (await heightOf(2)));
    await load.end();
  },
  testTimeoutMs,
);

/** Processor time that a process has used so far, where the system tells. */
function processorMs(pid: number): number | undefined {
  const file = `/proc/${pid}/stat`;
  if (!existsSync(file)) return undefined;
  const fields = readFileSync(file, "utf8").split(") ")[1]!.split(" ");
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

test(
  "the simulated market takes less than a fifth of one core",
  async () => {
    const pid = devnet.ready.pids["market"]!;
    const before = processorMs(pid);
    if (before === undefined) return;
    const seconds = 5;
    await delay(seconds * 1_000);
    expect((processorMs(pid)! - before) / (seconds * 1_000)).toBeLessThan(0.2);
  },
  testTimeoutMs,
);

test(
  "kill -9 of all four during load: after a second start nothing that was acknowledged is lost",
  async () => {
    const connection = await connect("bob");
    const load = startLoad(connection, await lowPrice(connection));
    await until("orders are acknowledged", () => 5 < load.acknowledged.length);
    const { pids } = devnet.ready;
    for (const pid of [pids["validator-0"]!, pids["validator-1"]!, again!.pid, pids["validator-3"]!]) {
      process.kill(pid, "SIGKILL");
    }
    await load.end();
    await devnet.stop();
    devnet = await startDevnet(folder, []);
    const after = await connect("bob");
    const open = await after.call<{ order_id: string }[]>("private/get_open_orders_by_instrument", {
      instrument_name: "BTC-PERPETUAL",
    });
    const openIds = new Set(open.map(({ order_id: id }) => id));
    expect(load.acknowledged.filter((id) => !openIds.has(id))).toEqual([]);
    const fresh = startLoad(after, await lowPrice(after));
    await until("new orders are acknowledged", () => 5 < fresh.acknowledged.length);
    await fresh.end();
  },
  testTimeoutMs,
);

test(
  "the end: every process that was started is gone, and replay is equal on every node",
  async () => {
    const { pids } = devnet.ready;
    await devnet.stop();
    expect(Object.entries(pids).filter(([, pid]) => isAlive(pid))).toEqual([]);
    const ended = await runStoa("replay", "--data", folder);
    expect(ended.stderr).toBe("");
    expect(ended.stdout).toContain("every root that a header carries is equal on 4 validators");
    expect(ended.code).toBe(0);
  },
  testTimeoutMs,
);

test(
  "--fresh begins anew, and --index FILE gives the index, without a market when none is wanted",
  async () => {
    const before = loadNetwork(folder);
    const file = join(folder, "index.csv");
    writeFileSync(file, "time,btc_usd\n0,64000\n3600000,64000\n");
    devnet = await startDevnet(folder, ["--fresh", "--port", "0", "--index", file, "--no-market"]);
    expect(loadNetwork(folder).prices.originMs).not.toBe(before.prices.originMs);
    expect(devnet.ready.pids["market"]).toBeUndefined();
    const connection = await connect("alice");
    await until("the index is that of the file", async () => {
      const name = { index_name: "btc_usd" };
      const { index_price: price } = await connection.call<{ index_price: number }>("public/get_index_price", name);
      return price === 64_000;
    });
    connection.close();
    await devnet.stop();
  },
  testTimeoutMs,
);
