/** `stoa price` as a user has it: a process, its flags, what it prints and how it refuses. */
import { expect, test } from "vitest";
import { blackScholes } from "@stoa/pricing/black-scholes";
import { black76 } from "@stoa/pricing/black76";
import { runStoa, type Ended } from "./devnet-process.ts";
import { refusalOf } from "./price-refusal.ts";

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
  // Longstaff and Schwartz (2001), table 1: 4.478 with fifty exercise dates a year; with any date it is a little more.
  expect(american.values["price"]! - 4.478).toBeGreaterThan(0);
  expect(american.values["price"]! - 4.478).toBeLessThan(0.015);
  expect(american.errors["price"]).toBeGreaterThan(0);
  const barrier = (kind: string, ...more: string[]) =>
    priced(...put, "--volatility", "25%", "--barrier", "85", "--barrier-kind", kind, ...more);
  const out = await barrier("down-and-out");
  const into = await barrier("down-and-in");
  const whole = await priced(...put, "--volatility", "25%");
  expect(out.values["price"]! + into.values["price"]!).toBeCloseTo(whole.values["price"]!, 10);
  expect((await barrier("down-and-out", "--exercise", "american")).values["price"]).toBeGreaterThan(
    out.values["price"]!,
  );
});

test("by simulation: American, barrier and Asian options within three standard errors of what else is known", async () => {
  const within = async (expected: number, bias: number, ...args: string[]) => {
    const { values, errors } = await priced(...args);
    expect(errors["price"]).toBeGreaterThan(0);
    expect(Math.abs(values["price"]! - expected)).toBeLessThan(3 * errors["price"]! + bias);
  };
  const american = [
    "--type",
    "put",
    "--spot",
    "36",
    "--strike",
    "40",
    "--years",
    "1",
    "--rate",
    "6%",
    "--volatility",
    "20%",
  ];
  // Fifty exercise dates and a rule that is not the best cost about a cent.
  await within(4.478, 0.01, ...american, "--exercise", "american", "--paths", "8192", "--seed", "3");
  const terms = [...put, "--volatility", "25%"];
  const known = async (...args: string[]) => (await priced(...terms, ...args)).values["price"]!;
  const barrier = ["--barrier", "85", "--barrier-kind", "down-and-out"];
  await within(await known(...barrier), 0, ...terms, ...barrier, "--paths", "8192");
  // A mean of many fixings is near the continuous one, and the arithmetic mean never below the geometric.
  const geometric = await known("--payoff", "geometric-asian");
  await within(geometric, 0.02, ...terms, "--payoff", "geometric-asian", "--paths", "4096", "--dates", "250");
  const mean = (payoff: string) => known("--payoff", payoff, "--paths", "4096", "--dates", "12");
  expect(await mean("arithmetic-asian")).toBeLessThan(await mean("geometric-asian")); // a put
});

test("digital, Asian and Bachelier options; a put and a call that pay cash are a bond", async () => {
  const terms = [...put.slice(2), "--volatility", "25%"];
  const cash = (type: string) => priced("--type", type, ...terms, "--payoff", "cash-or-nothing");
  const [call, other] = [await cash("call"), await cash("put")];
  expect(call.values["price"]! + other.values["price"]!).toBeCloseTo(Math.exp(-0.04 * 0.5), 12);
  const asset = (type: string) => priced("--type", type, ...terms, "--payoff", "asset-or-nothing");
  expect((await asset("call")).values["price"]! + (await asset("put")).values["price"]!).toBeCloseTo(
    100 * Math.exp(-0.01 * 0.5),
    10,
  );
  const mean = await priced("--type", "call", ...terms, "--payoff", "geometric-asian");
  expect(mean.values["price"]).toBeLessThan((await priced("--type", "call", ...terms)).values["price"]!);
  const normal = ["--model", "bachelier", "--type", "call", "--forward", "-3", "--strike", "0", "--years", "0.25"];
  const { values } = await priced(...normal, "--volatility", "20");
  expect((await priced(...normal, "--iv", String(values["price"]))).values["implied volatility"]).toBeCloseTo(20, 10);
});

test.each<[string, readonly string[], string]>([
  [
    "an American digital",
    [...put, "--volatility", "1", "--payoff", "cash-or-nothing", "--exercise", "american"],
    "--payoff: cash-or-nothing is European",
  ],
  [
    "an American knock-in",
    [...put, "--volatility", "1", "--barrier", "80", "--barrier-kind", "down-and-in", "--exercise", "american"],
    "--barrier-kind: down-and-in is European",
  ],
  [
    "a mean without a formula",
    [...put, "--volatility", "1", "--payoff", "arithmetic-asian"],
    "has no formula: add --paths",
  ],
  ["one path", [...put, "--volatility", "1", "--paths", "1"], "--paths must be within 2"],
  [
    "no dates",
    [...put, "--volatility", "1", "--payoff", "arithmetic-asian", "--paths", "9", "--dates", "0"],
    "--dates must be within 1",
  ],
  [
    "a simulated digital",
    [...put, "--volatility", "1", "--payoff", "cash-or-nothing", "--paths", "9"],
    "is not simulated",
  ],
  ["a barrier without its kind", [...put, "--volatility", "1", "--barrier", "80"], "--barrier-kind is missing"],
  [
    "a barrier below zero",
    [...put, "--volatility", "1", "--barrier", "-1", "--barrier-kind", "down-and-in"],
    "--barrier must be positive: -1",
  ],
  [
    "a digital in coin",
    [...onForward, "--volatility", "1", "--model", "inverse", "--payoff", "cash-or-nothing"],
    "--model: inverse prices European calls",
  ],

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
  expect(await refusalOf(args)).toContain(words);
});

test("a refusal is one line on stderr, nothing on stdout, and code 1", async () => {
  const refused = await price(...onForward.slice(0, 4), "--strike", "-5", "--days", "30", "--volatility", "1");
  expect(refused).toEqual({ code: 1, stdout: "", stderr: "stoa: --strike must be positive: -5\n" });
  const unread = await price(...onForward, "--volatility", "high");
  expect(unread.stderr).toContain("argument 'high' is invalid. a number is wanted");
  expect(unread.code).toBe(1);
});
