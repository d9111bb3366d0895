/** `stoa price` as a user has it: a process, its flags, what it prints and how it refuses. */
import { expect, test } from "vitest";
import { blackScholes } from "@stoa/pricing/black-scholes";
import { black76 } from "@stoa/pricing/black76";
import { runStoa, type Ended } from "./devnet-process.ts";

const price = (...args: readonly string[]): Promise<Ended> => runStoa("price", ...args);

interface Answer {
  readonly model: string;
  readonly values: Readonly<Record<string, number>>;
  readonly errors: Readonly<Record<string, number>>;
}

async function priced(...args: readonly string[]): Promise<Answer> {
  const { stdout, stderr } = await price(...args, "--json");
  expect(stderr).toBe("");
  return JSON.parse(stdout) as Answer;
}

const onForward = ["--type", "call", "--forward", "100000", "--strike", "110000", "--days", "30"];
const put = ["--type", "put", "--spot", "100", "--strike", "95", "--years", "0.5", "--rate", "4%", "--yield", "1%"];

test("one option on a forward: the table has every greek with its unit, the JSON the library's own numbers", async () => {
  const { stdout, code } = await price(...onForward, "--volatility", "60%");
  expect(code).toBe(0);
  for (const word of [
    "price",
    "delta",
    "gamma",
    "vega",
    "theta",
    "rho",
    "per 1 % of volatility",
    "per day that passes",
  ])
    expect(stdout).toContain(word);
  const { model, values } = await priced(...onForward, "--volatility", "60%", "--higher");
  const option = { type: "call", forward: 100_000, strike: 110_000, years: 30 / 365, volatility: 0.6 } as const;
  const own = black76(option);
  expect(model).toBe("black76");
  expect(values["price"]).toBe(own.price);
  expect(values["delta"]).toBe(own.delta);
  expect(values["vega"]).toBe(own.vega * 0.01);
  expect(Object.keys(values)).toEqual(expect.arrayContaining(["vanna", "volga", "charm", "speed", "ultima"]));
  expect(stdout).toContain(own.price.toLocaleString("en-US", { maximumSignificantDigits: 10 }));
});

test("--iv finds the volatility of a price, on a forward, on a spot and in coin", async () => {
  const { values } = await priced(...put, "--iv", "3.2");
  expect(values["price"]).toBeCloseTo(3.2, 12);
  const volatility = values["implied volatility"]!;
  const terms = { type: "put", spot: 100, strike: 95, years: 0.5, rate: 0.04, dividendYield: 0.01 } as const;
  expect(blackScholes({ ...terms, volatility }).price).toBeCloseTo(3.2, 12);
  const coin = await priced(...onForward, "--model", "inverse", "--iv", "0.0327026");
  expect(coin.values["price"]).toBeCloseTo(0.0327026, 14);
  expect(coin.values["implied volatility"]).toBeCloseTo(0.6, 5);
});

test("an American option and a barrier option come with their method's own error, and in + out is the whole", async () => {
  const american = await priced(
    ...["--type", "put", "--spot", "36", "--strike", "40", "--years", "1", "--rate", "6%", "--volatility", "20%"],
    ...["--exercise", "american"],
  );
  // 4.4867: by binomial trees and in the literature of Longstaff and Schwartz (2001), by finite differences 4.478 at fifty exercises.
  expect(Math.abs(american.values["price"]! - 4.4867)).toBeLessThan(0.0005);
  expect(american.errors["price"]).toBeGreaterThan(0);
  const barrier = (kind: string) => priced(...put, "--volatility", "25%", "--barrier", "85", "--barrier-kind", kind);
  const [out, into, whole] = [
    await barrier("down-and-out"),
    await barrier("down-and-in"),
    await priced(...put, "--volatility", "25%"),
  ];
  expect(Math.abs(out.values["price"]! + into.values["price"]! - whole.values["price"]!)).toBeLessThan(
    2 * into.errors["price"]!,
  );
});

test.each<[string, readonly string[], string]>([
  ["no volatility", onForward, "--volatility is missing"],
  ["no strike", ["--type", "call", "--forward", "1", "--days", "1", "--volatility", "1"], "--strike is missing"],
  [
    "a strike below zero",
    [...onForward.slice(0, 4), "--strike", "-5", "--days", "30", "--volatility", "1"],
    "--strike must be positive: -5",
  ],
  ["two times", [...onForward, "--years", "1", "--volatility", "1"], "one of --years, --days and --expiry"],
  ["a time that is over", [...onForward.slice(0, 6), "--expiry", "25DEC20", "--volatility", "1"], "--expiry 25DEC20"],
  [
    "a time that is none",
    [...onForward.slice(0, 6), "--expiry", "tomorrow", "--volatility", "1"],
    '--expiry: "tomorrow" is no time',
  ],
  ["spot and forward", [...onForward, "--spot", "1", "--volatility", "1"], "--spot and --forward exclude each other"],
  ["a price that nothing explains", [...onForward, "--iv", "200000"], "--iv 200000: no volatility explains this price"],
  ["a page of one option", [...onForward, "--volatility", "1", "--html", "x.html"], "--html goes with"],
  [
    "a number that is none",
    [...onForward, "--volatility", "high"],
    "--volatility <volatility>' argument 'high' is invalid",
  ],
  ["an unknown model", [...onForward, "--model", "sabr"], "Allowed choices are black76"],
])("%s is refused, and the flag is named (PRICE-082)", async (_, args, words) => {
  const { code, stderr, stdout } = await price(...args);
  expect(stderr).toContain(words);
  expect(stdout).toBe("");
  expect(code).toBe(1);
});
