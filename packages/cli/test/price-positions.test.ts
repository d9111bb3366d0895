/** `stoa price --positions`: files of positions, their tables, and what is said of files that cannot be used. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openBrowser } from "../../client/test/browser/browser.ts";
import { runStoa, type Ended } from "./devnet-process.ts";
import { refusalOf } from "./price-refusal.ts";
import { temporaryFolder } from "./temporary.ts";

const price = (...args: readonly string[]): Promise<Ended> => runStoa("price", ...args);

function book(text: string): string {
  const file = join(temporaryFolder(), "book.csv");
  writeFileSync(file, text);
  return file;
}

const head = "instrument_name,amount,average_price,mark_iv,underlying_price,index_price";
const straddle = ["BTC_USDC-27MAR26-90000-C,-2,7000,42,90000,90000", "BTC_USDC-27MAR26-90000-P,-2,6800,42,90000,90000"];
const at = ["--at", "2026-01-02T09:18Z"];

interface Report {
  readonly indexPrice: number;
  readonly breakevens: readonly number[];
  readonly moves: readonly number[];
  readonly shifts: readonly number[];
  readonly byVolatility: readonly (readonly number[])[];
  readonly byTime: readonly { readonly days: number; readonly profit: readonly number[] }[];
  readonly now: { readonly value: number; readonly profit: number; readonly delta: number; readonly vega: number };
}

async function reported(...args: readonly string[]): Promise<Report> {
  const { stdout, stderr } = await price(...args, ...at, "--json");
  expect(stderr).toBe("");
  return JSON.parse(stdout) as Report;
}

test("a short straddle: breakevens by hand, a profit at the strike at expiry that is the premium, losses beyond", async () => {
  const file = book([head, ...straddle].join("\n"));
  const report = await reported("--positions", file, "--range", "20%");
  // Both premiums make 13,800 a coin: so far may the price go either way.
  expect(report.breakevens).toHaveLength(2);
  expect(report.breakevens[0]).toBeCloseTo(76_200, 6);
  expect(report.breakevens[1]).toBeCloseTo(103_800, 6);
  const last = report.byTime.at(-1)!;
  expect(last.days).toBeCloseTo(83.946, 3);
  expect(last.profit[6]).toBeCloseTo(2 * 13_800, 6);
  expect(last.profit[0]).toBeCloseTo(2 * (13_800 - 18_000), 6);
  expect(report.moves[0]).toBeCloseTo(-0.2, 12);
  // Volatility up costs whoever is short of it.
  const middle = report.byVolatility.map((row) => row[6]!);
  expect(middle).toEqual(middle.toSorted((a, b) => b - a));
  expect(report.now.vega).toBeLessThan(0);
  const { stdout } = await price("--positions", file, ...at);
  expect(stdout).toContain("breakeven in 83.9 days, at the first expiry: 76,200, 103,800 USD");
});

test("every kind of instrument; profits in coin; names and numbers as venues have them", async () => {
  const rows = [
    "BTC-27MAR26-100000-C,5,0.05,45,91000,90000",
    "BTC-27MAR26,10000,89000,,91000,90000",
    "BTC-PERPETUAL,-20000,90500,,,90000",
    "BTC_USDC-PERPETUAL,0.5,,,,90000",
    "BTC,1,,,,90000",
  ];
  const file = book([head, ...rows].join("\n"));
  const [dollars, coin] = [await reported("--positions", file), await reported("--positions", file, "--unit", "coin")];
  expect(coin.now.value).toBeCloseTo(dollars.now.value / 90_000, 10);
  // Futures in coin: 10,000 (1/89,000 - 1/91,000) - 20,000 (1/90,500 - 1/90,000).
  const futures = 10_000 * (1 / 89_000 - 1 / 91_000) - 20_000 * (1 / 90_500 - 1 / 90_000);
  const one = book([head, rows[1], rows[2]].join("\n"));
  expect((await reported("--positions", one, "--unit", "coin")).now.profit).toBeCloseTo(futures, 12);
});

test.each<[string, string, readonly string[], string]>([
  ["no column for the amount", "instrument\nBTC", [], "has no column for the amount"],
  [
    "an unknown instrument",
    `${head}\nBITCOIN-SOON,1,,,,1`,
    [],
    'row 2, column instrument_name: "BITCOIN-SOON": an instrument is wanted',
  ],
  ["an amount in words", `${head}\nBTC,many,,,,1`, [], 'row 2, column amount: "many": a number is wanted'],
  ["no amount", `${head}\nBTC,,,,,1`, [], "row 2, column amount"],
  ["an option without volatility", `${head}\nBTC-27MAR26-90000-C,1,,,,1`, [], "row 2, column mark_iv"],
  ["an option that has expired", `${head}\nBTC-27MAR20-90000-C,1,,50,,1`, [], "row 2, column instrument_name"],
  [
    "a volatility below zero",
    `${head}\n${straddle[0]}\nBTC-27MAR26-90000-C,1,,-50,1,1`,
    [],
    "row 3: volatility must not be negative: -0.5",
  ],
  ["an entry price below zero", `${head}\nBTC-PERPETUAL,1,-5,,,1`, [], "row 2: entryPrice must not be negative: -5"],
  ["two underlyings", `${head}\nBTC,1,,,,1\nETH,1,,,,1`, [], "holds positions in BTC, ETH"],
  ["no index", "instrument,amount\nBTC,1", [], "does not say the index"],
  ["an index below zero", "instrument,amount\nBTC,1", ["--index", "-1"], "--index -1: a positive price is wanted"],
  ["a range of everything", `${head}\nBTC,1,,,,1`, ["--range", "100%"], "--range 1: more than 0"],
  ["no positions", head, [], "has no positions"],
])("%s is refused in one line that says where (PRICE-082)", async (_, text, args, words) => {
  expect(await refusalOf(["--positions", book(text), ...at, ...args])).toContain(words);
});

test("the page of positions draws payoff, scenarios and greeks in a real browser (PRICE-083)", async () => {
  const page = join(temporaryFolder(), "book.html");
  const ended = await price("--positions", book([head, ...straddle].join("\n")), ...at, "--html", page);
  expect(ended.code).toBe(0);
  expect(readFileSync(page, "utf8").includes("default-src 'none'")).toBe(true);
  const browser = await openBrowser(`file://${page}`);
  try {
    const drawn = "[...document.querySelectorAll('.chart')].filter(one => one.querySelector('svg path')).length";
    expect(await browser.evaluate("document.querySelectorAll('.chart').length")).toBe(7);
    expect(await browser.evaluate(drawn)).toBe(7);
    const words = "[...document.querySelectorAll('.chart text')].map(one => one.textContent).join('|')";
    expect(await browser.evaluate(words)).toContain("Profit (USD)");
    expect(await browser.evaluate("performance.getEntriesByType('resource').length")).toBe(0);
  } finally {
    await browser.stop();
  }
});
