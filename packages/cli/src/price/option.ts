/**
 * `stoa price` for one option: which function of the pricing library answers, and what it is told. It computes nothing itself;
 * rows of the answer come with what they are per, so that a reader need not know the library's conventions.
 */
import { black76, type Black76Values, type OptionType } from "@stoa/pricing/black76";
import { blackScholes } from "@stoa/pricing/black-scholes";
import { barrierByFiniteDifferences } from "@stoa/pricing/finite-differences/barrier";
import { vanillaByFiniteDifferences } from "@stoa/pricing/finite-differences/vanilla";
import type { GridEstimate } from "@stoa/pricing/finite-differences/estimate";
import { black76HigherGreeks, blackScholesHigherGreeks, type HigherGreeks } from "@stoa/pricing/higher-greeks";
import { impliedVolatility } from "@stoa/pricing/implied-volatility";
import { PricingRefusal } from "@stoa/pricing/refusal";
import { discountFactor } from "@stoa/pricing/black76";
import { Failure } from "../failure.ts";
import type { ModelName, PriceFlags } from "./flags.ts";
import { parseTime, yearMs } from "./time.ts";

export interface Row {
  readonly name: string;
  readonly value: number;
  /** What it is per, or what it means. */
  readonly meaning: string;
  /** Of a numerical method, its own estimate. */
  readonly error?: number;
}

export interface OptionAnswer {
  /** What was priced, in words. */
  readonly title: string;
  readonly method: string;
  readonly model: ModelName;
  /** What the function was told. */
  readonly arguments: Readonly<Record<string, string | number>>;
  readonly rows: readonly Row[];
}

/** Prices the option that the flags describe; a `Failure` names the flag that is missing or wrong. */
export function priceOption(flags: PriceFlags, nowMs: number): OptionAnswer {
  try {
    const terms = termsOf(flags, nowMs);
    if (flags.exercise === "american" || flags.barrier !== undefined || flags.barrierKind !== undefined)
      return onGrid(flags, terms);
    if (flags.payoff !== "vanilla") throw wrongFlag("payoff", `${flags.payoff} is European, without a barrier`);
    return european(flags, terms);
  } catch (error) {
    if (!(error instanceof PricingRefusal)) throw error;
    throw new Failure(`${flagOf(error.argument)}${error.message.slice(error.argument.length)}`);
  }
}

interface Terms {
  readonly model: ModelName;
  readonly type: OptionType;
  readonly strike: number;
  readonly years: number;
}

function termsOf(flags: PriceFlags, nowMs: number): Terms {
  const model = flags.model ?? (flags.spot !== undefined ? "black-scholes" : "black76");
  if (flags.spot !== undefined && flags.forward !== undefined)
    throw new Failure(
      "--spot and --forward exclude each other: with a spot price the forward follows from --rate and --yield",
    );
  if (flags.volatility !== undefined && flags.iv !== undefined)
    throw new Failure("--volatility and --iv exclude each other: --iv finds the volatility");
  if (flags.volatility === undefined && flags.iv === undefined)
    throw new Failure("--volatility is missing, such as --volatility 60%, or --iv with the price to be explained");
  return {
    model,
    type: wanted(flags.type, "type", "call"),
    strike: wanted(flags.strike, "strike", "110000"),
    years: yearsOf(flags, nowMs),
  };
}

function yearsOf({ years, days, expiry }: PriceFlags, nowMs: number): number {
  const given = [years, days, expiry].filter((one) => one !== undefined);
  if (given.length !== 1) throw new Failure("one of --years, --days and --expiry is wanted, such as --days 30");
  if (years !== undefined) return years;
  if (days !== undefined) return days / 365;
  const left = parseTime(expiry!, "--expiry") - nowMs;
  if (left < 0) throw new Failure(`--expiry ${expiry}: that time is over`);
  return left / yearMs;
}

function wanted<T>(value: T | undefined, flag: string, example: string): T {
  if (value !== undefined) return value;
  throw new Failure(`--${flag} is missing, such as --${flag} ${example}`);
}

const wrongFlag = (flag: string, why: string): Failure => new Failure(`--${flag}: ${why}`);

/** The library's word for an argument as the flag that sets it. */
function flagOf(argument: string): string {
  const flags: Readonly<Record<string, string>> = {
    dividendYield: "--yield",
    discount: "--rate",
    years: "time to expiry",
    knockOut: "--barrier-kind",
    priceSteps: "--steps",
  };
  return flags[argument] ?? (/^\w+$/.test(argument) ? `--${argument}` : argument);
}

function european(flags: PriceFlags, terms: Terms): OptionAnswer {
  switch (terms.model) {
    case "black76":
      return onForward(flags, terms);
    case "black-scholes":
      return onSpot(flags, terms);
    case "inverse":
      return inCoin(flags, terms);
    case "bachelier":
      throw wrongFlag("model", "bachelier prices no such option");
  }
}

const perForward = {
  price: "in the currency of the strike, per unit of the underlying",
  delta: "per 1 of the forward",
  gamma: "per 1 of the forward, twice",
  vega: "per 1 % of volatility",
  theta: "per day that passes",
  rho: "per 1 % of interest, the forward held",
  dualDelta: "per 1 of the strike",
} as const;

/** Derivatives as traders read them: vega and rho per percent, theta per day of 365. */
function rowsOf(values: Readonly<Record<string, number>>, meanings: Readonly<Record<string, string>>): Row[] {
  return Object.entries(meanings).map(([name, meaning]) => {
    const scale = meaning.startsWith("per 1 % of") ? 0.01 : meaning.startsWith("per day") ? 1 / 365 : 1;
    return { name: wordsOf(name), value: values[name]! * scale, meaning };
  });
}

const wordsOf = (name: string): string => name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);

function onForward(flags: PriceFlags, { type, strike, years }: Terms): OptionAnswer {
  const forward = wanted(flags.forward, "forward", "100000");
  refuseFlags(flags, ["spot", "yield"], "black76 takes --forward and --rate");
  const discount = discountFactor(flags.rate ?? 0, years);
  const volatility = flags.volatility ?? explained({ type, forward, strike, years, price: flags.iv!, discount });
  const option = { type, forward, strike, years, volatility, discount };
  const values: Black76Values = black76(option);
  const higher = flags.higher ? higherRows(black76HigherGreeks(option), "the forward") : [];
  return {
    title: `${type} ${strike} on a forward of ${forward}, ${duration(years)}`,
    method: "Black 1976, closed form",
    model: "black76",
    arguments: option,
    rows: [...volatilityRow(flags, volatility), ...rowsOf(values, perForward), ...higher],
  };
}

function onSpot(flags: PriceFlags, { type, strike, years }: Terms): OptionAnswer {
  const spot = wanted(flags.spot, "spot", "100");
  const { rate = 0, yield: dividendYield = 0 } = flags;
  const growth = discountFactor(dividendYield - rate, years);
  const discount = discountFactor(rate, years);
  const volatility =
    flags.volatility ?? explained({ type, forward: spot * growth, strike, years, price: flags.iv!, discount });
  const option = { type, spot, strike, years, volatility, rate, dividendYield };
  const higher = flags.higher ? higherRows(blackScholesHigherGreeks(option), "the spot") : [];
  const meanings = {
    ...perForward,
    delta: "per 1 of the spot",
    gamma: "per 1 of the spot, twice",
    rho: "per 1 % of interest",
    yieldRho: "per 1 % of the underlying's yield",
  };
  return {
    title: `${type} ${strike} on a spot of ${spot}, ${duration(years)}`,
    method: "Black, Scholes and Merton 1973, closed form",
    model: "black-scholes",
    arguments: option,
    rows: [...volatilityRow(flags, volatility), ...rowsOf({ ...blackScholes(option) }, meanings), ...higher],
  };
}

function inCoin(flags: PriceFlags, { type, strike, years }: Terms): OptionAnswer {
  const forward = wanted(flags.forward, "forward", "100000");
  refuseFlags(flags, ["spot", "yield", "rate"], "inverse takes --forward");
  const price = flags.iv === undefined ? 0 : flags.iv * forward;
  const volatility = flags.volatility ?? explained({ type, forward, strike, years, price, discount: 1 });
  const option = { type, forward, strike, years, volatility };
  const dollars = black76(option);
  const coin = dollars.price / forward;
  const values = {
    price: coin,
    dollars: dollars.price,
    delta: dollars.delta,
    net: dollars.delta - coin,
    gamma: dollars.gamma,
    vega: dollars.vega,
    theta: dollars.theta,
  };
  const meanings = {
    price: "in coin",
    dollars: "the same in currency, at the forward",
    delta: "coins per coin of the option, as the venue shows it",
    net: "coins to hedge with when the premium is kept in coin (delta less price)",
    gamma: "of the delta, per 1 of the forward",
    vega: "per 1 % of volatility, in currency",
    theta: "per day that passes, in currency",
  };
  return {
    title: `${type} ${strike} settled in coin, on a forward of ${forward}, ${duration(years)}`,
    method: "Black 1976 over the forward",
    model: "inverse",
    arguments: option,
    rows: [...volatilityRow(flags, volatility), ...rowsOf(values, meanings)],
  };
}

function higherRows(values: HigherGreeks, by: string): Row[] {
  return Object.entries(values)
    .filter(([name]) => name !== "gamma")
    .map(([name, value]) => ({
      name: wordsOf(name),
      value,
      meaning: `${higherMeanings[name] ?? ""}`.replaceAll("F", by),
    }));
}

const higherMeanings: Readonly<Record<string, string>> = {
  vanna: "delta per 1.00 of volatility",
  volga: "vega per 1.00 of volatility (per 1.00)",
  charm: "delta per year that passes",
  veta: "vega (per 1.00) per year that passes",
  speed: "gamma per 1 of F",
  zomma: "gamma per 1.00 of volatility",
  colour: "gamma per year that passes",
  ultima: "volga per 1.00 of volatility",
  dualGamma: "per 1 of the strike, twice",
};

const volatilityRow = (flags: PriceFlags, volatility: number): Row[] =>
  flags.iv === undefined
    ? []
    : [{ name: "implied volatility", value: volatility, meaning: `explains the price ${flags.iv}; 1.00 is 100 %` }];

function explained(option: Parameters<typeof impliedVolatility>[0]): number {
  const found = impliedVolatility(option);
  if (typeof found === "number") return found;
  const why = {
    expired: "the option has expired",
    "price-below-exercise": "it is below what exercise brings",
    "price-above-maximum": "it is above all that the option can be worth",
  }[found as string];
  throw new Failure(`--iv ${option.price}: no volatility explains this price: ${why ?? found}`);
}

function onGrid(flags: PriceFlags, { model, type, strike, years }: Terms): OptionAnswer {
  if (model === "bachelier" || model === "inverse")
    throw wrongFlag("model", `${model} prices European options without barrier`);
  if (flags.iv !== undefined)
    throw wrongFlag("iv", "it explains European prices without barrier; give --volatility here");
  if (flags.payoff !== "vanilla") throw wrongFlag("payoff", `${flags.payoff} is European, without a barrier`);
  const { rate = 0 } = flags;
  // An option on a forward is one on an asset that yields the rate of interest.
  const spot = flags.spot ?? wanted(flags.forward, "forward", "100000");
  const dividendYield = flags.spot === undefined ? rate : (flags.yield ?? 0);
  if (flags.spot === undefined) refuseFlags(flags, ["yield"], "it goes with --spot");
  const shared = {
    type,
    exercise: flags.exercise,
    spot,
    strike,
    years,
    volatility: flags.volatility!,
    rate,
    dividendYield,
    ...(flags.steps === undefined ? {} : { priceSteps: flags.steps }),
  };
  const { title, option, estimate } = barrierOrNot(flags, shared);
  return {
    title:
      `${flags.exercise} ${title} ${type} ${strike} on a ${flags.spot === undefined ? "forward" : "spot"} of ${spot}, ${duration(years)}`.replace(
        "  ",
        " ",
      ),
    method: "finite differences, extrapolated from two grids",
    model,
    arguments: option,
    rows: gridRows(estimate),
  };
}

interface GridAnswer {
  readonly title: string;
  readonly option: Readonly<Record<string, string | number>>;
  readonly estimate: GridEstimate;
}

function barrierOrNot(flags: PriceFlags, shared: Parameters<typeof vanillaByFiniteDifferences>[0]): GridAnswer {
  if (flags.barrier === undefined && flags.barrierKind === undefined)
    return { title: "", option: { ...shared }, estimate: vanillaByFiniteDifferences(shared) };
  const barrier = wanted(flags.barrier, "barrier", "95");
  const kind = wanted(flags.barrierKind, "barrier-kind", "down-and-out");
  const option = { ...shared, barrier, knockOut: kind.replace("-in", "-out") as "down-and-out" | "up-and-out" };
  const out = barrierByFiniteDifferences(option);
  const title = `${kind} ${barrier}`;
  if (kind.endsWith("-out")) return { title, option, estimate: out };
  if (flags.exercise === "american")
    throw wrongFlag(
      "barrier-kind",
      `${kind} cannot be american here: an option that begins at the barrier is not the rest of one that ends there`,
    );
  return { title, option, estimate: difference(vanillaByFiniteDifferences(shared), out) };
}

/** A European knock-in is what the knock-out lacks of the option without barrier. */
function difference(whole: GridEstimate, out: GridEstimate): GridEstimate {
  const names = ["price", "delta", "gamma", "theta"] as const;
  const of = (pick: (name: (typeof names)[number]) => number) =>
    Object.fromEntries(names.map((name) => [name, pick(name)])) as Record<(typeof names)[number], number>;
  return { ...of((name) => whole[name] - out[name]), error: of((name) => whole.error[name] + out.error[name]) };
}

const gridRows = ({ price, delta, gamma, theta, error }: GridEstimate): Row[] => [
  { name: "price", value: price, error: error.price, meaning: perForward.price },
  { name: "delta", value: delta, error: error.delta, meaning: "per 1 of the underlying" },
  { name: "gamma", value: gamma, error: error.gamma, meaning: "per 1 of the underlying, twice" },
  { name: "theta", value: theta / 365, error: error.theta / 365, meaning: perForward.theta },
];

function refuseFlags(flags: PriceFlags, names: readonly (keyof PriceFlags)[], why: string): void {
  for (const name of names) if (flags[name] !== undefined) throw wrongFlag(name, why);
}

const duration = (years: number): string => {
  const days = 365 * years;
  return days < 100 ? `${Math.round(100 * days) / 100} days` : `${Math.round(10_000 * years) / 10_000} years`;
};
