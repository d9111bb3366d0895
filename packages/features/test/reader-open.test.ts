/** Opening files by what is in them: each format is told, what lies beside is found, what is none is refused. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { detectFormat } from "../src/io/readers/detect.ts";
import { openSource } from "../src/io/readers/open.ts";
import { binanceLines, bitmexLines, deribitLines, randomUpdates } from "./support/capture-writer.ts";
import { dbnHeader, dbnOfEvents } from "./support/dbn-writer.ts";
import { lobsterOf } from "./support/lobster-writer.ts";
import { originNs, randomOrders } from "./support/random-market.ts";
import { bookOf, eventsOf, joined, levelsOf, utf8 } from "./support/sources.ts";

const market = randomUpdates(1, 120);
const plain = randomOrders(1, 200, { hostile: false });
const binanceFiles = binanceLines("ETHUSDT", market, { snapshotAt: 10, lateMs: 20 });
const lobster = lobsterOf(plain, { levels: 5, from: 0 });
const lines = (text: readonly string[]): Uint8Array => utf8(`${text.join("\n")}\n`);
const orders = [
  "id,timestamp,exchange.timestamp,price,volume,action,direction",
  "1,1430438400000,0,236.00,5,created,bid",
];

const files: Readonly<Record<string, Uint8Array>> = {
  "ES.dbn.zst": new Uint8Array(
    zstdCompressSync(
      joined([
        dbnHeader({ startNs: originNs, symbols: [["ONE", 1]] }),
        ...dbnOfEvents(plain, { originNs, tick: 1_000_000_000n }),
      ]),
    ),
  ),
  "TEST_2012-06-21_34200000_57600000_message_5.csv": utf8(lobster.messages),
  "TEST_2012-06-21_34200000_57600000_orderbook_5.csv": utf8(lobster.rows),
  "orders.csv.gz": new Uint8Array(gzipSync(lines(orders))),
  "DERIBIT.ws.1.0": lines(deribitLines("X-PERPETUAL", market)),
  "BINANCE.ws.1.0.gz": new Uint8Array(gzipSync(lines(binanceFiles.stream))),
  "BINANCE.http.0.0.gz": new Uint8Array(gzipSync(lines(binanceFiles.answers))),
  "BITMEX.ws.1.0.zst": new Uint8Array(zstdCompressSync(lines(bitmexLines("XBTUSD", market)))),
  "table.csv": utf8("t,p,q\n1700006400,1,2\n"),
  "notes.md": utf8("# Notes\n"),
  empty: new Uint8Array(0),
};

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "stoa-open-"));
  for (const [name, bytes] of Object.entries(files)) await writeFile(join(folder, name), bytes);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe("opening a file", () => {
  test("finds the book beside messages, and the snapshots beside a stream", async () => {
    const fromLobster = await openSource(join(folder, "TEST_2012-06-21_34200000_57600000_message_5.csv"));
    const events = await eventsOf(fromLobster);
    expect(fromLobster.instruments[0]!.name).toBe("TEST");
    expect(
      levelsOf(bookOf(events))
        .bids.slice(0, 5)
        .map(([price, size]) => [price, size]),
    ).toEqual(lobster.shown.at(-1)!.bids);
    const fromBinance = await eventsOf(await openSource(join(folder, "BINANCE.ws.1.0.gz")));
    expect(bookOf(fromBinance).gap).toBe(false);
    expect(levelsOf(bookOf(fromBinance)).asks.map(([price, size]) => [price, size])).toEqual(market.books.at(-1)!.asks);
  });

  test.each([
    ["ES.dbn.zst", "ONE"],
    ["orders.csv.gz", "BTC-USD"],
    ["DERIBIT.ws.1.0", "X-PERPETUAL"],
    ["BITMEX.ws.1.0.zst", "XBTUSD"],
  ])("tells the format of %s, and reads all of it", async (name, instrument) => {
    const source = await openSource(join(folder, name));
    const events = await eventsOf(source);
    expect(source.instruments.map((one) => one.name)).toEqual([instrument]);
    expect(source.progress).toMatchObject({ bytesRead: files[name]!.length, bytesTotal: files[name]!.length });
    expect(source.progress.eventsCount).toBe(events.length);
    expect(events.length).toBeGreaterThan(0);
  });

  test("reads a table that comes with a mapping", async () => {
    const mapping = { kind: "trade", time: { column: "t", unit: "s" }, price: "p", size: "q" } as const;
    expect(await eventsOf(await openSource(join(folder, "table.csv"), { mapping, symbol: "A" }))).toHaveLength(1);
  });

  test.each([
    ["notes.md", /notes\.md, byte 0: "# Notes\\n"; expected Databento DBN.*CSV, with a mapping/],
    ["table.csv", /table\.csv, byte 0: .*CSV, with a mapping/],
    ["nowhere.dbn", /nowhere\.dbn: there is no such file; expected a readable file/],
    ["empty", /empty: an empty file; expected records/],
    [".", /not a file; expected a file/],
  ])("refuses %s", async (name, message) => {
    await expect(openSource(join(folder, name))).rejects.toThrow(message);
  });

  test("asks for the day of messages whose name does not say it", async () => {
    const path = join(folder, "messages.csv");
    await writeFile(path, lobster.messages);
    await expect(openSource(path)).rejects.toThrow(/no date in the name/);
    expect((await openSource(path, { date: "2012-01-21", symbol: "A" })).originNs).toBe(
      BigInt(Date.parse("2012-01-21T05:00:00Z")) * 1_000_000n,
    );
  });

  test("what the bytes say counts more than the name", () => {
    expect(detectFormat("x_message_10.csv", Uint8Array.of(0x44, 0x42, 0x4e, 1))).toBe("dbn");
    expect(detectFormat("anything", utf8(lobster.messages))).toBe("lobster");
    expect(detectFormat("anything", utf8("1430438404518 order_created {}"))).toBe("bitstamp");
    expect(detectFormat("a.csv", utf8("a,b\n"))).toBeUndefined();
  });

  test("a capture of a gateway is told though its list of instruments is longer than the bytes that are looked at", () => {
    const instruments = JSON.stringify({ result: "x".repeat(70_000), jsonrpc: "2.0" });
    const text = `ws://127.0.0.1:7400/ws/api/v2 <-> 1.5\nws://127.0.0.1:7400/ws/api/v2 -> 1.5: ${instruments}\n`;
    expect(detectFormat("chain.ws", utf8(text))).toBe("deribit");
  });
});
