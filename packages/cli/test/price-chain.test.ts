/** `stoa price` of a chain: files that are made here from a surface that is known, so that the fit can be judged. */
import { writeFileSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { black76Price } from "@stoa/pricing/black76";
import { sviVolatility } from "@stoa/pricing/svi";
import { openBrowser } from "../../client/test/browser/browser.ts";
import { runStoa, type Ended } from "./devnet-process.ts";
import { refusalOf } from "./price-refusal.ts";
import { temporaryFolder } from "./temporary.ts";

const nowMs = Date.UTC(2026, 0, 2, 9, 30);
const expiries = [
  {
    name: "9JAN26",
    ms: Date.UTC(2026, 0, 9, 8),
    forward: 90_100,
    slice: { a: 0.001, b: 0.02, rho: -0.3, m: 0, s: 0.04 },
  },
  {
    name: "30JAN26",
    ms: Date.UTC(2026, 0, 30, 8),
    forward: 90_400,
    slice: { a: 0.006, b: 0.05, rho: -0.25, m: 0, s: 0.09 },
  },
  {
    name: "27MAR26",
    ms: Date.UTC(2026, 2, 27, 8),
    forward: 91_200,
    slice: { a: 0.02, b: 0.1, rho: -0.2, m: 0, s: 0.18 },
  },
] as const;

const strikes = [60, 65, 70, 75, 80, 84, 88, 90, 92, 96, 100, 105, 110, 120, 130].map((one) => 1_000 * one);
const head =
  "timestamp,instrument_name,option_type,strike,expiry_datetime,bid_price,ask_price,mark_price,futures_price,implied_volatility,currency";

/** Bid and ask half a percent of volatility around the surface. */
function chainRows(currency = "BTC"): string[] {
  return expiries.flatMap(({ name, ms, forward, slice }) =>
    strikes.flatMap((strike) =>
      (["call", "put"] as const).map((type) => {
        const years = (ms - nowMs) / (365 * 86_400_000);
        const fair = sviVolatility(slice, forward, strike, years);
        const coin = (volatility: number): number =>
          black76Price({ type, forward, strike, years, volatility }) / forward;
        const instrument = `${currency}-${name}-${strike}-${type === "call" ? "C" : "P"}`;
        return [
          new Date(nowMs).toISOString(),
          instrument,
          type,
          strike,
          new Date(ms).toISOString(),
          coin(fair - 0.005),
          coin(fair + 0.005),
          coin(fair),
          forward,
          fair,
          currency,
        ].join(",");
      }),
    ),
  );
}

function chainFile(text: string | Buffer, name = "chain.csv"): string {
  const file = join(temporaryFolder(), name);
  writeFileSync(file, text);
  return file;
}

const price = (...args: readonly string[]): Promise<Ended> => runStoa("price", ...args);

interface Fitted {
  readonly underlying: string;
  readonly unit: string;
  readonly time: string;
  readonly expiries: readonly {
    readonly name: string;
    readonly forward: number;
    readonly atTheMoney: number;
    readonly butterfly?: string;
    readonly calendarRise?: number;
    readonly insideCount: number;
    readonly quotedCount: number;
    readonly quotes: readonly {
      readonly fitVolatility: number;
      readonly markVolatility: number;
      readonly bid: number;
    }[];
  }[];
}

test("a chain from a file: the fit lies within every bid and ask, near the surface that made them, and has no arbitrage", async () => {
  const file = chainFile([head, ...chainRows()].join("\n"));
  const { stdout, code } = await price("--chain", file, "--json");
  expect(code).toBe(0);
  const fitted = JSON.parse(stdout) as Fitted;
  expect(fitted).toMatchObject({ underlying: "BTC", unit: "coin", time: "2026-01-02T09:30:00.000Z" });
  expect(fitted.expiries.map(({ name }) => name)).toEqual(["9 Jan 26", "30 Jan 26", "27 Mar 26"]);
  for (const [index, expiry] of fitted.expiries.entries()) {
    const { forward, slice, ms } = expiries[index]!;
    const years = (ms - nowMs) / (365 * 86_400_000);
    expect(expiry.insideCount).toBe(expiry.quotedCount);
    expect(expiry.quotedCount).toBe(30);
    expect(Math.abs(expiry.atTheMoney - sviVolatility(slice, forward, forward, years))).toBeLessThan(0.002);
    expect(expiry.butterfly).toBeUndefined();
    expect(expiry.calendarRise ?? 1).toBeGreaterThan(0);
    for (const quote of expiry.quotes) expect(Math.abs(quote.fitVolatility - quote.markVolatility)).toBeLessThan(0.005);
  }
  const text = await price("--chain", file);
  expect(text.stdout).toContain("no arbitrage in the fitted surface: no butterfly in 3 expiries");
  expect(text.stdout).toContain("the fit lies within every bid and ask");
});

test("files as people have them: packed, several currencies, other names, instrument names alone, one-sided quotes", async () => {
  const both = gzipSync([head, ...chainRows("BTC"), ...chainRows("ETH")].join("\r\n"));
  const packed = chainFile(both, "chain.csv.gz");
  const ether = await price("--chain", packed, "--currency", "eth", "--json");
  expect((JSON.parse(ether.stdout) as Fitted).underlying).toBe("ETH");
  const which = await price("--chain", packed);
  expect(which.stderr).toContain("holds quotes of BTC, ETH: choose one with --currency BTC");

  // Names alone, in other columns, without a time, with quotes that lack a side and quotation marks.
  const few = chainRows().map((row, index) => {
    const [, instrument, , , , bid, ask, , forward] = row.split(",");
    return `"${instrument}",${index % 5 === 0 ? "" : bid},${ask},${forward}`;
  });
  const named = chainFile(["symbol,b,best_ask_price,underlying_price", ...few].join("\n"));
  const missing = await price("--chain", named, "--columns", "bid=b");
  expect(missing.stderr).toContain("no column for the time");
  const fitted = await price("--chain", named, "--columns", "bid=b", "--at", "2026-01-02T09:30Z", "--json");
  expect((JSON.parse(fitted.stdout) as Fitted).expiries[0]!.quotes.some(({ bid }) => bid === undefined)).toBe(true);
  expect((JSON.parse(fitted.stdout) as Fitted).expiries[2]!.atTheMoney).toBeGreaterThan(0.4);
});

test("prices are in coin or in currency as the names of instruments say, or the column of what they are paid in, or --unit", async () => {
  type Cells = readonly string[];
  const unitOf = async (
    names: string,
    factor: (forward: number) => number,
    row: (cells: Cells) => string,
    ...args: string[]
  ) => {
    const rows = chainRows().map((one) => {
      const cells = one.split(",");
      const [bid, ask] = [cells[5], cells[6]].map((price) => Number(price) * factor(Number(cells[8])));
      return `${cells[0]},${bid},${ask},${cells[8]},${row(cells)}`;
    });
    const file = chainFile([`timestamp,bid,ask,forward,${names}`, ...rows].join("\n"));
    const { stdout, stderr } = await price("--chain", file, "--json", ...args);
    expect(stderr).toBe("");
    const { unit, expiries: fitted } = JSON.parse(stdout) as Fitted;
    expect(fitted[2]!.atTheMoney).toBeGreaterThan(0.4);
    return unit;
  };
  const inCurrency = (forward: number) => forward;
  const terms = (cells: Cells) => `${cells[3]},${cells[2]},${cells[4]}`;
  expect(await unitOf("symbol", inCurrency, (cells) => cells[1]!.replace("BTC-", "BTC_USDC-"))).toBe("currency");
  const paid = "strike,type,expiry,currency,quote_currency";
  expect(await unitOf(paid, inCurrency, (cells) => `${terms(cells)},BTC,USD`)).toBe("currency");
  expect(
    await unitOf(
      paid,
      () => 1,
      (cells) => `${terms(cells)},BTC,btc`,
    ),
  ).toBe("coin");
  expect(await unitOf("strike,type,expiry", inCurrency, terms, "--unit", "currency")).toBe("currency");
});

/** One cell of the third line replaced. */
function broken(column: string, cell: string): string {
  const rows = [head, ...chainRows()];
  const cells = rows[2]!.split(",");
  cells[head.split(",").indexOf(column)] = cell;
  return chainFile([...rows.slice(0, 2), cells.join(","), ...rows.slice(3)].join("\n"));
}

test.each<[string, () => readonly string[], string]>([
  [
    "a word for a price",
    () => ["--chain", broken("bid_price", "cheap")],
    'row 3, column bid_price: "cheap": a number is wanted',
  ],
  ["a negative price", () => ["--chain", broken("ask_price", "-1")], "row 3, column ask_price"],
  [
    "neither call nor put",
    () => ["--chain", broken("option_type", "straddle")],
    'column option_type: "straddle": call or put is wanted',
  ],
  ["no time", () => ["--chain", broken("expiry_datetime", "soon")], 'row 3, column expiry_datetime: "soon" is no time'],
  ["no strike", () => ["--chain", broken("strike", "x")], "row 3, column strike"],
  ["a row too short", () => ["--chain", chainFile(`${head}\n1,2`)], "row 2: 2 columns, but the first line names 11"],
  ["an empty file", () => ["--chain", chainFile("")], "is empty"],
  ["no quotes", () => ["--chain", chainFile(head)], "has no quotes"],
  ["no bid and no ask", () => ["--chain", chainFile("instrument,strike\nx,1")], "no column for the bid"],
  [
    "a column that is not there",
    () => ["--chain", broken("strike", "1"), "--columns", "bid=best"],
    "--columns bid=best",
  ],
  ["a currency that is not there", () => ["--chain", broken("strike", "1"), "--currency", "SOL"], "--currency SOL"],
  ["a file that is not there", () => ["--chain", "/nowhere/chain.csv"], "/nowhere/chain.csv does not exist"],
  ["a folder", () => ["--chain", temporaryFolder()], "is a folder: a CSV file is wanted"],
  [
    "a file that is only called packed",
    () => ["--chain", chainFile(Buffer.from([0x1f, 0x8b, 1, 2, 3]), "chain.csv.gz")],
    "chain.csv.gz begins as gzip writes files, but cannot be unpacked",
  ],
  [
    "prices of which nothing says what they are in",
    () => ["--chain", chainFile("strike,type,years,bid,ask,forward\n100,call,0.5,5,6,100"), "--at", "2026-01-02"],
    "chain.csv does not say what its prices are in: --unit coin where they are in the underlying, --unit currency",
  ],
  [
    "prices of which rows say different things",
    () => [
      "--chain",
      chainFile(`timestamp,quote_currency,currency,strike,type,years,bid
2026-01-02,BTC,BTC,100,call,0.5,0.05
2026-01-02,USDC,BTC,110,call,0.5,5`),
    ],
    "chain.csv does not say of all its rows alike what its prices are in: --unit coin",
  ],
  [
    "prices in currency under the name of an option that is settled in coin",
    () => ["--chain", chainFile("timestamp,symbol,bid,ask,forward\n2026-01-02,BTC-25DEC26-100000-C,5000,6000,100000")],
    "no-volatility; its prices were read as coin: --unit currency",
  ],
  [
    "no time to expiry",
    () => ["--chain", chainFile("strike,type,years,bid,ask\n100,call,,5,6"), "--at", "2026-01-02"],
    'row 2, column years: "": an option is wanted',
  ],
  ["all expired", () => ["--chain", broken("strike", "1"), "--at", "2027-01-01"], "every option has expired"],
  ["two sources", () => ["--chain", "a.csv", "--gateway", "http://x"], "--chain and --gateway exclude each other"],
  ["a gateway without a currency", () => ["--gateway", "http://127.0.0.1:9"], "--gateway wants --currency too"],
  [
    "a gateway that is not there",
    () => ["--gateway", "http://127.0.0.1:9", "--currency", "BTC"],
    "is a gateway running there?",
  ],
  ["no address", () => ["--gateway", "here", "--currency", "BTC"], "--gateway here: an address is wanted"],
])("%s is refused in one line that says where (PRICE-082)", async (_, args, words) => {
  expect(await refusalOf(args())).toContain(words);
});

test("a file may have more rows than a call has arguments", async () => {
  const rows = Array.from({ length: 150_000 }, (_, row) => `${50_000 + row},call,2,1,1700000000000,-1`);
  const file = chainFile(["strike,type,bid,ask,timestamp,years", ...rows].join("\n"));
  expect(await refusalOf(["--chain", file, "--unit", "coin"])).toContain("every option has expired");
});

test("a refusal of a file is one line on stderr, and code 1", async () => {
  const { code, stderr, stdout } = await price("--chain", broken("option_type", "straddle"));
  expect(stderr.trim().split("\n")).toHaveLength(1);
  expect(stderr).toContain('row 3, column option_type: "straddle": call or put is wanted');
  expect(stdout).toBe("");
  expect(code).toBe(1);
});

test("the page draws every chart in a real browser, from one file and without the network; axes, expiries and theme can be chosen (PRICE-083)", async () => {
  const folder = temporaryFolder();
  const page = join(folder, "chain.html");
  const { stderr } = await price("--chain", chainFile([head, ...chainRows()].join("\n")), "--html", page);
  expect(stderr).toContain("the page is in");
  const html = readFileSync(page, "utf8");
  expect(html.includes("default-src 'none'")).toBe(true);
  const browser = await openBrowser(`file://${page}`);
  try {
    // Nothing is fetched: no element has an address, and the browser has asked for nothing but the page.
    expect(await browser.evaluate("document.querySelectorAll('[src],link').length")).toBe(0);
    expect(await browser.evaluate("performance.getEntriesByType('resource').length")).toBe(0);
    const drawn = "[...document.querySelectorAll('.chart')].filter(one => one.querySelector('svg path')).length";
    const seen = "[...document.querySelectorAll('.chart')].filter(one => one.closest('[hidden]') === null).length";
    expect(await browser.evaluate(seen)).toBeGreaterThan(10);
    expect(await browser.evaluate(drawn)).toBe(await browser.evaluate(seen));
    // What the axes frame is there too: a line in every chart of lines, bars from bid to ask, a number in every cell.
    const visible = "[...document.querySelectorAll('.chart.lines')].filter(one => one.closest('[hidden]') === null)";
    expect(await browser.evaluate(`${visible}.every(one => one.querySelector('path[stroke-width="2"]'))`)).toBe(true);
    const bars = "document.querySelector('.chart.lines').querySelectorAll('path[stroke-width=\"1.5\"]').length";
    expect(await browser.evaluate(bars)).toBe(3 * strikes.length);
    const cells = "[...document.querySelector('.chart.heat').querySelectorAll('text')].map(one => one.textContent)";
    const numbers = (await browser.evaluate(cells)).filter((text: string) => /^\d\d(\.\d)?$/.test(text));
    expect(numbers).toHaveLength(3 * 7);
    const axisName =
      "[...document.querySelector('.chart').querySelectorAll('text')].map(one => one.textContent).join('|')";
    expect(await browser.evaluate(axisName)).toContain("Strike (USD)");
    expect(await browser.evaluate(axisName)).toContain("Implied volatility");
    await browser.evaluate("document.querySelector('[data-axis=\"Log-moneyness\"]').click()");
    expect(await browser.evaluate(axisName)).toContain("Log-moneyness");
    // The greeks follow the smile's axis; another expiry is drawn when it is chosen.
    const before = await browser.evaluate("document.querySelectorAll('.chart svg').length");
    await browser.evaluate("document.querySelector('.tabs [data-tab=\"2\"]').click()");
    expect(await browser.evaluate("document.querySelectorAll('.chart svg').length")).toBe(before + 1);
    const theme = "document.documentElement.dataset.theme";
    const first = await browser.evaluate(theme);
    await browser.evaluate("document.getElementById('theme').click()");
    expect(await browser.evaluate(theme)).not.toBe(first);
    expect(await browser.evaluate(drawn)).toBeGreaterThan(10);
  } finally {
    await browser.stop();
  }
});
