/** CSV by a mapping: the events that were written come back, and what does not fit the mapping is refused with its line. */
import { describe, expect, test } from "vitest";
import { EventFlag, EventKind, type MarketEvent } from "../src/event.ts";
import { memoryBytes } from "../src/io/readers/bytes.ts";
import { parseCsvMapping, readCsv, type CsvMapping } from "../src/io/readers/csv.ts";
import { makeRandom, originNs, randomOrders } from "./support/random-market.ts";
import { eventsOf, objectsOf, pieces, utf8 } from "./support/sources.ts";

const kinds = { T: "trade", A: "add", M: "modify", C: "cancel", X: "execute", R: "clear", G: "gap" } as const;
const letterOf = new Map(Object.entries(kinds).map(([letter, kind]) => [EventKind[kind] as number, letter]));

const mapping: CsvMapping = {
  kind: { column: "what", values: { ...kinds, "-": "skip" } },
  time: { column: "when", unit: "us" },
  instrument: { column: "symbol" },
  price: "px",
  size: "qty",
  id: "order",
  side: { column: "side", values: { b: "bid", s: "ask", n: "unknown" } },
  change: "time",
};

const midnight = originNs - (originNs % 86_400_000_000_000n);

/** Random events of two instruments as a table with a tick of 0.25 and a lot of 1, and what must be read. */
function randomTable(seed: number): { text: string; wanted: MarketEvent[] } {
  const events = objectsOf(randomOrders(seed, 800, { instrumentsCount: 2 }));
  const offset = Number(originNs - midnight);
  const lines = ["when,symbol,what,side,px,qty,order"];
  const wanted: MarketEvent[] = [];
  for (const [index, event] of events.entries()) {
    const us = Math.floor(event.timeNs / 1e3) + offset / 1e3;
    const time = `${midnight / 1000n + BigInt(us)}`;
    const side = event.side > 0 ? "b" : event.side < 0 ? "s" : "n";
    const name = event.instrument === 0 ? "ONE" : "TWO";
    lines.push([time, name, letterOf.get(event.kind), side, event.price / 4, event.size, event.id].join(","));
    if (index % 50 === 0) lines.push(`${time},${name},-,b,x,y,z`);
    const bare = event.kind === EventKind.clear || event.kind === EventKind.gap;
    wanted.push({ ...event, timeNs: us * 1e3, flags: 0, ...(bare ? { price: NaN, size: 0, id: 0 } : {}) });
  }
  for (const [index, event] of wanted.entries()) {
    const next = wanted[index + 1];
    if (next?.timeNs !== event.timeNs || next.instrument !== event.instrument) event.flags = EventFlag.last;
  }
  return { text: lines.join("\n"), wanted };
}

describe("the reader of CSV", () => {
  test.each([1, 2])("gives back the events of a table, from any pieces of it (seed %i) (FEAT-040)", async (seed) => {
    const { text, wanted } = randomTable(seed);
    const random = makeRandom(seed);
    const first = wanted[0]!.instrument;
    for (const most of [13, 4_000]) {
      const source = await readCsv(memoryBytes("table.csv", pieces(utf8(text), most, random)), { mapping });
      expect(source.instruments.map(({ name, tick }) => [name, tick.multiply / tick.divide])).toEqual(
        first === 0
          ? [
              ["ONE", 0.25],
              ["TWO", 0.25],
            ]
          : [
              ["TWO", 0.25],
              ["ONE", 0.25],
            ],
      );
      const events = await eventsOf(source);
      expect(events).toEqual(
        wanted.map((event) => ({ ...event, instrument: first === 0 ? event.instrument : 1 - event.instrument })),
      );
      expect(source.progress).toMatchObject({
        skippedCount: 16,
        gapsCount: wanted.filter(({ kind }) => kind === EventKind.gap).length,
      });
    }
  });

  test.each([
    ["s", "1700006400.000000001", 1],
    ["ms", "1700006400000.5", 500_000],
    ["us", "1700006400000001", 1_000],
    ["ns", "1700006400000000007", 7],
    ["iso", "2023-11-15T00:00:00.000000009Z", 9],
    ["iso", "2023-11-15 01:00:00.5+01:00", 500_000_000],
    ["iso", "2023-11-15T00:00:01", 1_000_000_000],
  ] as const)("reads a time in %s: %s", async (unit, text, ns) => {
    const input = memoryBytes("table.csv", [utf8(`t;p;q\n${text};1.5;2\n`)]);
    const trades: CsvMapping = { kind: "trade", time: { column: "t", unit }, price: "p", size: "q", separator: ";" };
    const source = await readCsv(input, { mapping: trades, symbol: "A" });
    const [event] = await eventsOf(source);
    expect(source.originNs).toBe(1_700_006_400_000_000_000n);
    expect(event).toMatchObject({ timeNs: ns, size: 1, flags: EventFlag.last, kind: EventKind.trade });
  });

  test("a snapshot is one change, of which the first row empties the book; quoted fields may hold the separator", async () => {
    const levels: CsvMapping = {
      kind: "level",
      time: { column: "t", unit: "s" },
      instrument: { name: "A" },
      price: "p",
      size: "q",
      side: { column: "side", values: { bid: "bid", "ask, or offer": "ask" } },
      snapshot: { column: "snap", values: ["true"] },
      columns: ["t", "p", "q", "side", "snap"],
      instruments: { A: { tick: "0.5", lot: "0.1" } },
    };
    const rows = [
      "1700006400,10,1,bid,true",
      '1700006400,10.5,2,"ask, or offer",true',
      "1700006401,10,3,bid,false",
      "1700006402,9,1,bid,true",
    ];
    const source = await readCsv(memoryBytes("table.csv", [utf8(rows.join("\n"))]), { mapping: levels });
    const events = await eventsOf(source);
    const { clear, level } = EventKind;
    expect(events.map(({ kind, flags, side, price, size }) => [kind, flags, side, price, size])).toEqual([
      [clear, EventFlag.snapshot, 0, NaN, 0],
      [level, EventFlag.snapshot, 1, 20, 10],
      [level, EventFlag.snapshot | EventFlag.last, -1, 21, 20],
      [level, EventFlag.last, 1, 20, 30],
      [clear, EventFlag.snapshot, 0, NaN, 0],
      [level, EventFlag.snapshot | EventFlag.last, 1, 18, 10],
    ]);
  });

  const header = "when,symbol,what,side,px,qty,order";
  const row = "1700006400000000,ONE,A,b,1.5,2,7";
  test.each([
    [
      "a column that is not there",
      `${header.replace("px", "price")}\n${row}`,
      /table\.csv, line 2: no column "px"; expected one of when/,
    ],
    [
      "a row of too few columns",
      `${header}\n${row}\n1700006400000000,ONE,A`,
      /line 3: 3 columns; expected 7, as in the header/,
    ],
    [
      "a word that the mapping does not have",
      `${header}\n${row.replace(",A,", ",Z,")}`,
      /line 2: what "Z"; expected T, A, M/,
    ],
    ["a number that is none", `${header}\n${row}\n${row.replace("1.5", "abc")}`, /line 3: px "abc"; expected a number/],
    [
      "a time of another unit",
      `${header}\n${row.replace("1700006400000000", "2023-11-15")}`,
      /line 2: when "2023-11-15"; expected a number of us/,
    ],
    ["an id that is none", `${header}\n${row.replace(",7", ",a7")}`, /line 2: order "a7"; expected an integer/],
    ["a file without events", `${header}\n`, /no row that is an event/],
  ])("refuses %s", async (_, text, message) => {
    await expect(
      (async () => eventsOf(await readCsv(memoryBytes("table.csv", [utf8(text)]), { mapping })))(),
    ).rejects.toThrow(message);
  });

  test("refuses a price off the tick that the user gave", async () => {
    const source = await readCsv(memoryBytes("table.csv", [utf8(`${header}\n${row}`)]), {
      mapping,
      terms: { "*": { tick: "1" } },
    });
    await expect(eventsOf(source)).rejects.toThrow(/line 2: px 1\.5 of ONE; expected a multiple of its tick, 1\/1/);
  });

  test.each([
    ["no JSON", "{", /mapping\.json: .*; expected JSON/],
    ["an unknown key", '{"kin":"trade"}', /the key "kin"; expected kind, time/],
    ["an unknown kind", '{"kind":"quote","time":{"column":"t","unit":"s"}}', /the kind "quote"; expected trade, level/],
    [
      "an unknown unit",
      '{"kind":"trade","time":{"column":"t","unit":"h"}}',
      /a time without a column or with an unknown unit/,
    ],
    [
      "an unknown side",
      '{"kind":"trade","time":{"column":"t","unit":"s"},"side":{"column":"s","values":{"B":"long"}}}',
      /the side "long"; expected bid/,
    ],
    ["nothing in it", "null", /null.*; expected an object/],
    [
      "no price for levels",
      '{"kind":"level","size":"q","time":{"column":"t","unit":"s"}}',
      /level without a column price; expected price/,
    ],
    [
      "no number for orders",
      '{"kind":{"column":"k","values":{"A":"skip","C":"cancel"}},"size":"q","time":{"column":"t","unit":"s"}}',
      /cancel without a column id; expected id/,
    ],
  ])("refuses a mapping with %s", (_, text, message) => {
    expect(() => parseCsvMapping("mapping.json", text)).toThrow(message);
  });

  test("takes a mapping as it is written", () => {
    expect(parseCsvMapping("mapping.json", JSON.stringify(mapping))).toEqual(mapping);
  });
});
