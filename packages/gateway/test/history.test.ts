import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { toHex } from "@stoa/base/bytes";
import { createPrng } from "@stoa/base/prng";
import { lots, ticks } from "@stoa/base/units";
import type { CommandBody } from "@stoa/protocol/command";
import { afterEach, describe, expect, test } from "vitest";
import { createCatalog } from "../src/catalog.ts";
import { applyBlock, loadInstruments, unfilledRetentionMs } from "../src/history/projection.ts";
import { contentHash, historyHeight, openStore, projectedTables, type Store } from "../src/history/store.ts";
import { findCandles, findOrder, fundingBetween } from "../src/history/query.ts";
import { candleOf } from "../src/market/statistics.ts";
import { historicalVolatility } from "../src/history/volatility.ts";
import { basic, get, startTestGateway } from "./harness.ts";
import { createLocalUpstream, seedOf, type LocalUpstream } from "./local-upstream.ts";

const hourMs = 3_600_000;
const folders: string[] = [];
const folder = (): string => {
  const path = mkdtempSync(join(tmpdir(), "stoa-history-"));
  folders.push(path);
  return path;
};
afterEach(() => {
  for (const path of folders.splice(0)) rmSync(path, { recursive: true, force: true });
});

const place = (
  instrument: number,
  side: "buy" | "sell",
  price: number,
  size: number,
  change: Partial<Extract<CommandBody, { kind: "place" }>> = {},
): CommandBody => ({
  kind: "place",
  instrument,
  side,
  type: "limit",
  timeInForce: "good-til-cancelled",
  postOnly: "off",
  reduceOnly: false,
  priceTicks: ticks(price),
  sizeLots: lots(size),
  goodTilMs: undefined,
  label: "",
  ...change,
});

/** A day and a half of trading, quoting, price moves, transfers, settlements and an expiry, at a few blocks an hour. */
async function busyChain(seed: number): Promise<LocalUpstream> {
  const prng = createPrng(seed);
  // Just before 08:00: the first settlement and expiry come soon.
  const startMs = Math.floor(Date.now() / 86_400_000) * 86_400_000 + 7 * hourMs;
  const upstream = createLocalUpstream({
    startMs,
    genesis: { prices: { ageMsMax: 86_400_000, staleMsMax: 10 * 86_400_000 } },
  });
  upstream.paused = true;
  let price = 60_000;
  upstream.setPrices([price, 3_000]);
  upstream.tick(startMs + 1_000 - Date.now());
  for (let hour = 0; hour < 36; hour++) {
    price += prng.below(400) - 200;
    upstream.setPrices([price, 3_000 + prng.below(20)]);
    for (let round = 0; round < 4; round++) {
      const mid = Math.round(price / 0.5);
      const option = upstream.query
        .instruments()
        .find((view) => view.instrument.kind === "option" && view.state === "open")!;
      for (const number of [1, 2]) {
        const seedBytes = seedOf(number);
        void upstream.send(
          seedBytes,
          place(1, number === 1 ? "sell" : "buy", mid + prng.below(20) - 10, 1 + prng.below(50), { label: `${hour}` }),
        );
        void upstream.send(seedBytes, {
          kind: "massQuote",
          quoteId: `${hour}/${round}`,
          entries: [
            {
              instrument: 1,
              quoteSet: "a",
              bid: { priceTicks: ticks(mid - 100 - number), sizeLots: lots(5) },
              ask: { priceTicks: ticks(mid + 100 + number), sizeLots: lots(5) },
              postOnly: "off",
            },
          ],
        });
        void upstream.send(seedBytes, place(option.instrument.id, number === 1 ? "sell" : "buy", 50, 1));
        if (prng.below(3) === 0)
          void upstream.send(seedBytes, {
            kind: "cancelAll",
            instrument: undefined,
            currency: undefined,
            instrumentKind: undefined,
            type: undefined,
            label: undefined,
            quoteSet: undefined,
            orders: [],
          });
      }
      upstream.tick(15 * 60_000);
    }
  }
  return upstream;
}

function project(upstream: LocalUpstream, path = ":memory:", until = Number.MAX_SAFE_INTEGER): Store {
  const store = openStore(path, toHex(upstream.chainId));
  const catalog = createCatalog(upstream.genesis);
  loadInstruments(store, catalog);
  for (const block of upstream.blocks) if (block.height <= until) applyBlock(store, catalog, block);
  return store;
}

describe("history", () => {
  test("is rebuilt from blocks to the same content, at once or in pieces, and resumes where it stood", async () => {
    const upstream = await busyChain(1);
    const whole = project(upstream);
    const expected = contentHash(whole);
    for (const table of [
      "trades",
      "fills",
      "orders",
      "ledger",
      "candles",
      "settlements",
      "instrument_settlements",
      "indexes",
      "funding",
    ] as const)
      expect(Number(whole.one(`SELECT count(*) AS count FROM ${table}`)!["count"]), table).toBeGreaterThan(0);
    const path = join(folder(), "history.sqlite");
    let pieces = project(upstream, path, 20);
    expect(historyHeight(pieces)).toBe(20);
    expect(contentHash(pieces)).not.toBe(expected);
    pieces.close();
    pieces = project(upstream, path);
    expect(historyHeight(pieces)).toBe(upstream.blocks.length - 1);
    expect(contentHash(pieces)).toBe(expected);
    // Every table counts: a changed row anywhere is another content.
    for (const table of projectedTables) {
      const count = Number(pieces.one(`SELECT count(*) AS count FROM ${table}`)!["count"]);
      if (count === 0) continue;
      pieces.database.exec("BEGIN");
      const column = pieces.database.prepare(`PRAGMA table_info(${table})`).all().at(-1)!["name"];
      pieces.database.exec(`UPDATE ${table} SET "${String(column)}" = 'changed'`);
      expect(contentHash(pieces), table).not.toBe(expected);
      pieces.database.exec("ROLLBACK");
    }
    pieces.close();
    whole.close();
  });

  test("a block that was seen before changes nothing, a gap is noted", async () => {
    const upstream = createLocalUpstream();
    upstream.paused = true;
    for (let count = 0; count < 5; count++) upstream.setPrices([60_000, 3_000]);
    const catalog = createCatalog(upstream.genesis);
    const store = openStore(":memory:", "chain");
    applyBlock(store, catalog, upstream.blocks[0]!);
    applyBlock(store, catalog, upstream.blocks[1]!);
    const before = contentHash(store);
    applyBlock(store, catalog, upstream.blocks[1]!);
    expect(contentHash(store)).toBe(before);
    applyBlock(store, catalog, upstream.blocks[4]!);
    expect(store.all("SELECT * FROM gaps")).toEqual([{ from_height: 2, to_height: 3 }]);
    store.close();
  });

  test("the file of another chain is emptied, and what is no database is said to be none", async () => {
    const upstream = createLocalUpstream();
    const path = join(folder(), "history.sqlite");
    project(upstream, path).close();
    const other = openStore(path, "another chain");
    expect(historyHeight(other)).toBe(-1);
    other.close();
    const broken = join(folder(), "history.sqlite");
    writeFileSync(broken, "this is no database at all, however long it may be".repeat(100));
    expect(() => openStore(broken, "chain")).toThrow(/history\.sqlite: .*not a database.*rebuilt from the blocks/);
  });

  test("orders that ended unfilled leave after an hour of block time; filled ones and quotes that traded stay", async () => {
    const upstream = createLocalUpstream();
    upstream.paused = true;
    upstream.setPrices([60_000, 3_000]);
    void upstream.send(seedOf(1), place(1, "buy", 119_000, 1));
    void upstream.send(seedOf(1), place(1, "sell", 120_020, 1));
    void upstream.send(seedOf(2), place(1, "buy", 120_020, 1));
    upstream.tick();
    void upstream.send(seedOf(1), { kind: "cancel", order: 1 });
    upstream.tick();
    const catalog = createCatalog(upstream.genesis);
    const store = openStore(":memory:", "chain");
    for (const block of upstream.blocks) applyBlock(store, catalog, block);
    expect([1, 2, 3].map((order) => findOrder(store, order)?.state)).toEqual(["cancelled", "filled", "filled"]);
    const last = upstream.blocks.at(-1)!;
    const later = Math.ceil((last.timeMs + unfilledRetentionMs) / 60_000 + 1) * 60_000;
    applyBlock(store, catalog, { ...last, height: last.height + 1, timeMs: later, events: [] });
    expect([1, 2, 3].map((order) => findOrder(store, order)?.state)).toEqual([undefined, "filled", "filled"]);
    store.close();
  });

  test("candles fill empty minutes with the last close and add up over resolutions", async () => {
    const upstream = await busyChain(2);
    const store = project(upstream);
    const [fromMs, toMs] = [upstream.blocks[0]!.timeMs, upstream.blocks.at(-1)!.timeMs];
    const range = { instrument: 1, fromMs, toMs };
    const [minutes, hours] = [
      findCandles(store, { ...range, resolutionMs: 60_000 }),
      findCandles(store, { ...range, resolutionMs: hourMs }),
    ];
    for (const count of [3, 5, 15, 60, 180, 1440]) {
      // Made of other stored candles than the minutes, each resolution must tell the same story.
      const resolutionMs = count * 60_000;
      const groups = Map.groupBy(minutes, ({ minute }) => minute - (minute % resolutionMs));
      const traded = [...groups]
        .map(([tick, group]) => [tick, group.filter(({ base }) => 0n < base)] as const)
        .filter(([, group]) => 0 < group.length);
      const expected = traded.map(([tick, group]) => candleOf(group, tick));
      const actual = findCandles(store, { ...range, resolutionMs }).filter(({ base }) => 0n < base);
      expect(actual, `${count} minutes`).toEqual(expected);
    }
    const sum = (candles: typeof minutes): bigint => candles.reduce((total, candle) => total + candle.quote, 0n);
    expect(sum(minutes)).toBe(sum(hours));
    expect(sum(minutes)).toBeGreaterThan(0n);
    for (const [index, candle] of minutes.entries()) {
      if (index === 0) continue;
      expect(candle.minute - minutes[index - 1]!.minute).toBe(60_000);
      if (candle.base === 0n) expect(candle.open).toBe(minutes[index - 1]!.close);
      expect(candle.low).toBeLessThanOrEqual(Math.min(candle.open, candle.close));
      expect(Math.max(candle.open, candle.close)).toBeLessThanOrEqual(candle.high);
    }
    store.close();
  });

  test("funding of a period is the rate weighted by time, and adds up", () => {
    const store = openStore(":memory:", "chain");
    const catalog = createCatalog(createLocalUpstream().genesis);
    const upstream = createLocalUpstream();
    const start = Math.ceil(upstream.blocks[0]!.timeMs / hourMs) * hourMs;
    const rates = [0, 100_000_000, 200_000_000, -50_000_000];
    applyBlock(store, catalog, upstream.blocks[0]!);
    for (const [index, rateE12] of rates.entries()) {
      const event = { kind: "funding", instrument: 1, rateE12, accruedE12: 0n } as never;
      applyBlock(store, catalog, {
        ...upstream.blocks[0]!,
        height: index + 1,
        timeMs: start + index * hourMs,
        events: [event],
      });
    }
    const between = (from: number, to: number): number =>
      fundingBetween(store, 1, start + from * hourMs, start + to * hourMs);
    expect(between(0, 1)).toBeCloseTo(100e-6 / 8, 15);
    expect(between(0, 3)).toBeCloseTo((100e-6 + 200e-6 - 50e-6) / 8, 15);
    expect(between(0.5, 1.5)).toBeCloseTo((50e-6 + 100e-6) / 8, 15);
    expect(between(0, 1.25) + between(1.25, 3)).toBeCloseTo(between(0, 3), 15);
    expect(between(-10, 0)).toBe(0);
    store.close();
  });

  test("historical volatility is the annualised deviation of hourly returns", () => {
    const store = openStore(":memory:", "chain");
    const start = Math.floor(Date.now() / hourMs) * hourMs - 100 * hourMs;
    for (let hour = 0; hour < 100; hour++) {
      const price = 60_000e8 * (hour % 2 === 0 ? 1 : 1.01);
      store.run("INSERT INTO indexes VALUES (0, ?, ?)", start + hour * hourMs, Math.round(price));
    }
    const points = historicalVolatility(store, 0, start + 100 * hourMs);
    expect(points).toHaveLength(98);
    // Returns alternate between plus and minus ln 1.01.
    expect(points.at(-1)![1]).toBeCloseTo(100 * Math.log(1.01) * Math.sqrt(24 * 365), -1);
    store.close();
  });

  test("a gateway that starts again shows the same trades, candles and statistics, and goes on", async () => {
    const upstream = createLocalUpstream();
    upstream.setPrices([60_000, 3_000]);
    const dataDir = folder();
    const first = await startTestGateway({ upstream, dataDir });
    const order = { instrument_name: "BTC-PERPETUAL", amount: "100", price: "60000" };
    await get(first.rest, "private/sell", order, basic(1));
    await get(first.rest, "private/buy", order, basic(2));
    const questions: readonly (readonly [string, Record<string, string>])[] = [
      ["public/get_last_trades_by_instrument", { instrument_name: "BTC-PERPETUAL" }],
      ["public/ticker", { instrument_name: "BTC-PERPETUAL" }],
      ["public/get_book_summary_by_currency", { currency: "BTC" }],
      ["private/get_user_trades_by_currency", { currency: "BTC" }],
      ["private/get_transaction_log", { currency: "BTC", start_timestamp: "0" }],
      ["private/get_order_history_by_currency", { currency: "BTC" }],
    ];
    const ask = async (rest: string) =>
      Promise.all(questions.map(async ([method, query]) => (await get(rest, method, query, basic(2))).result));
    const before = await ask(first.rest);
    await first.stop();
    // Blocks go on while the gateway is away.
    await upstream.send(seedOf(3), place(1, "sell", 120_000, 7));
    upstream.tick();
    const second = await startTestGateway({ upstream, dataDir });
    expect(second.gateway.historyHeight()).toBe(upstream.blocks.length - 1);
    const after = await ask(second.rest);
    expect(after[0]).toEqual(before[0]);
    expect(after[1].stats).toEqual(before[1].stats);
    expect(after.slice(3)).toEqual(before.slice(3));
    await get(second.rest, "private/buy", { ...order, amount: "70" }, basic(2));
    expect(
      (await get(second.rest, "public/ticker", { instrument_name: "BTC-PERPETUAL" })).result.stats.volume_usd,
    ).toBe(170);
    await second.stop();
  });
});
