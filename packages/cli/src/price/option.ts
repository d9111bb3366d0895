/**
 * `stoa price` for one option: which function of the pricing library answers, and what it is told. It computes nothing itself;
 * rows of the answer come with what they are per, so that a reader need not know the library's conventions.
 */
import { geometricAsian } from "@stoa/pricing/asian";
import { bachelier } from "@stoa/pricing/bachelier";
import { barrier as barrierOption } from "@stoa/pricing/barrier";
import { black76, discountFactor, type OptionType } from "@stoa/pricing/black76";
import { blackScholes, type BlackScholesArguments } from "@stoa/pricing/black-scholes";
import { assetOrNothing, cashOrNothing } from "@stoa/pricing/digital";
import { barrierByFiniteDifferences } from "@stoa/pricing/finite-differences/barrier";
import { vanillaByFiniteDifferences } from "@stoa/pricing/finite-differences/vanilla";
import type { GridEstimate } from "@stoa/pricing/finite-differences/estimate";
import { black76HigherGreeks, blackScholesHigherGreeks, type HigherGreeks } from "@stoa/pricing/higher-greeks";
import { impliedVolatility } from "@stoa/pricing/implied-volatility";
import { normalImpliedVolatility } from "@stoa/pricing/normal-implied-volatility";
import { inverseVenueConventions, quotedGreeks } from "@stoa/pricing/quoted-greeks";
import { PricingRefusal } from "@stoa/pricing/refusal";
import { Failure } from "../failure.ts";
import { simulated } from "./simulated.ts";
import type { BarrierName, ModelName, PriceFlags } from "./flags.ts";
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
    const hasBarrier = flags.barrier !== undefined || flags.barrierKind !== undefined;
    if (flags.paths !== undefined) refuseImplied(flags);
    if (flags.paths !== undefined) return bySimulation(flags, assetTerms(flags, terms), terms.model);
    if (flags.payoff === "arithmetic-asian")
      throw new Failure("--payoff arithmetic-asian has no formula: add --paths 100000");
    const isExotic = hasBarrier || flags.exercise === "american" || flags.payoff !== "vanilla";
    if (!isExotic) return vanilla(flags, terms);
    refuseImplied(flags);
    if (flags.payoff !== "vanilla" && (hasBarrier || flags.exercise === "american"))
      throw wrongFlag("payoff", `${flags.payoff} is European, without a barrier`);
    if (flags.exercise === "american") return onGrid(flags, terms);
    return hasBarrier ? withBarrier(flags, terms) : otherPayoff(flags, terms);
  } catch (error) {
    if (!(error instanceof PricingRefusal)) throw error;
    throw new Failure(`${flagOf(error.argument)}${error.message.slice(error.argument.length)}`);
  }
}

function refuseImplied({ iv }: PriceFlags): void {
  if (iv !== undefined) throw wrongFlag("iv", "it explains European calls and puts by formula; give --volatility here");
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
    knock: "--barrier-kind",
    priceSteps: "--steps",
    "payoff.exercises": "--dates",
    "payoff.fixings": "--dates",
    "payoff.observations": "--dates",
    pathCount: "--paths",
    seed: "--seed",
  };
  const last = argument.split(".").at(-1)!;
  return flags[argument] ?? (/^\w+$/.test(last) ? `--${last}` : argument);
}

function vanilla(flags: PriceFlags, terms: Terms): OptionAnswer {
  switch (terms.model) {
    case "black76":
      return onForward(flags, terms);
    case "black-scholes":
      return onSpot(flags, terms);
    case "inverse":
      return inCoin(flags, terms);
    case "bachelier":
      return inNormalModel(flags, terms);
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
  const values = black76(option);
  const higher = flags.higher ? higherRows(black76HigherGreeks(option), "the forward") : [];
  return {
    title: `${type} ${strike} on a forward of ${forward}, ${duration(years)}`,
    method: "Black 1976, closed form",
    model: "black76",
    arguments: option,
    rows: [...volatilityRow(flags, volatility), ...rowsOf({ ...values }, perForward), ...higher],
  };
}

/** Volatility in units of price. */
function inNormalModel(flags: PriceFlags, { type, strike, years }: Terms): OptionAnswer {
  const forward = wanted(flags.forward, "forward", "100");
  refuseFlags(flags, ["spot", "yield"], "bachelier takes --forward and --rate");
  const discount = discountFactor(flags.rate ?? 0, years);
  const volatility =
    flags.volatility ?? explainedNormally({ type, forward, strike, years, price: flags.iv!, discount });
  const option = { type, forward, strike, years, volatility, discount };
  const meanings = { ...perForward, vega: "per 1 of volatility in units of price" };
  return {
    title: `${type} ${strike} on a forward of ${forward}, ${duration(years)}`,
    method: "Bachelier 1900, closed form",
    model: "bachelier",
    arguments: option,
    rows: [...volatilityRow(flags, volatility), ...rowsOf({ ...bachelier(option) }, meanings)],
  };
}

const perSpot = {
  ...perForward,
  delta: "per 1 of the spot",
  gamma: "per 1 of the spot, twice",
  rho: "per 1 % of interest",
  yieldRho: "per 1 % of the underlying's yield",
} as const;

function onSpot(flags: PriceFlags, { type, strike, years }: Terms): OptionAnswer {
  const spot = wanted(flags.spot, "spot", "100");
  const { rate = 0, yield: dividendYield = 0 } = flags;
  const growth = discountFactor(dividendYield - rate, years);
  const discount = discountFactor(rate, years);
  const volatility =
    flags.volatility ?? explained({ type, forward: spot * growth, strike, years, price: flags.iv!, discount });
  const option = { type, spot, strike, years, volatility, rate, dividendYield };
  const higher = flags.higher ? higherRows(blackScholesHigherGreeks(option), "the spot") : [];
  return {
    title: `${type} ${strike} on a spot of ${spot}, ${duration(years)}`,
    method: "Black, Scholes and Merton 1973, closed form",
    model: "black-scholes",
    arguments: option,
    rows: [...volatilityRow(flags, volatility), ...rowsOf({ ...blackScholes(option) }, perSpot), ...higher],
  };
}

/** An option on a forward is one on an asset that yields the rate of interest. */
function assetTerms(flags: PriceFlags, { model, type, strike, years }: Terms): BlackScholesArguments {
  if (model === "bachelier" || model === "inverse")
    throw wrongFlag("model", `${model} prices European calls and puts without barrier`);
  const { rate = 0 } = flags;
  const spot = flags.spot ?? wanted(flags.forward, "forward", "100000");
  if (flags.spot === undefined) refuseFlags(flags, ["yield"], "it goes with --spot");
  const dividendYield = flags.spot === undefined ? rate : (flags.yield ?? 0);
  return { type, spot, strike, years, volatility: flags.volatility!, rate, dividendYield };
}

const assetTitle = (flags: PriceFlags, words: string, { spot, years, type, strike }: BlackScholesArguments): string =>
  `${words} ${type} ${strike} on a ${flags.spot === undefined ? "forward" : "spot"} of ${spot}, ${duration(years)}`;

function otherPayoff(flags: PriceFlags, terms: Terms): OptionAnswer {
  const option = assetTerms(flags, terms);
  const answers = {
    "cash-or-nothing": () => ({ values: cashOrNothing(option), method: "pays 1 beyond the strike, closed form" }),
    "asset-or-nothing": () => ({
      values: assetOrNothing(option),
      method: "pays the asset beyond the strike, closed form",
    }),
    "geometric-asian": () => ({
      values: geometricAsian(option),
      method: "on the continuous geometric mean until expiry, closed form",
    }),
  };
  const { values, method } = answers[flags.payoff as keyof typeof answers]();
  return {
    title: assetTitle(flags, flags.payoff, option),
    method,
    model: terms.model,
    arguments: { ...option, payoff: flags.payoff },
    rows: rowsOf({ ...values }, perSpot),
  };
}

function withBarrier(flags: PriceFlags, terms: Terms): OptionAnswer {
  const { barrier, kind } = barrierOf(flags);
  const option = { ...assetTerms(flags, terms), barrier, knock: kind };
  const { dualDelta: _, ...meanings } = perSpot;
  return {
    title: assetTitle(flags, `${kind} ${barrier}`, option),
    method: "barrier watched without interruption, closed form",
    model: terms.model,
    arguments: option,
    rows: rowsOf({ ...barrierOption(option) }, meanings),
  };
}

function barrierOf(flags: PriceFlags): { readonly barrier: number; readonly kind: BarrierName } {
  return {
    barrier: wanted(flags.barrier, "barrier", "95"),
    kind: wanted(flags.barrierKind, "barrier-kind", "down-and-out"),
  };
}

function inCoin(flags: PriceFlags, { type, strike, years }: Terms): OptionAnswer {
  const forward = wanted(flags.forward, "forward", "100000");
  refuseFlags(flags, ["spot", "yield", "rate"], "inverse takes --forward");
  const price = flags.iv === undefined ? 0 : flags.iv * forward;
  const volatility = flags.volatility ?? explained({ type, forward, strike, years, price, discount: 1 });
  const option = { type, forward, strike, years, volatility };
  const quoted = quotedGreeks(option, inverseVenueConventions);
  const values = { ...quoted, dollars: quoted.price * forward, net: quoted.delta - quoted.price };
  const meanings = {
    price: "in coin",
    dollars: "the same in currency, at the forward",
    delta: "coins per coin of the option, as the venue shows it",
    net: "coins to hedge with when the premium is kept in coin (delta less price)",
    gamma: "of the delta, per 1 of the forward",
    vega: "in currency, for 1 % of volatility",
    theta: "in currency, for a day that passes",
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

function explainedNormally(option: Parameters<typeof normalImpliedVolatility>[0]): number {
  const found = normalImpliedVolatility(option);
  if (typeof found === "number") return found;
  throw new Failure(`--iv ${option.price}: no volatility explains this price: ${found}`);
}

function onGrid(flags: PriceFlags, terms: Terms): OptionAnswer {
  const shared = {
    ...assetTerms(flags, terms),
    exercise: "american",
    ...(flags.steps === undefined ? {} : { priceSteps: flags.steps }),
  } as const;
  const answer = { method: "finite differences, extrapolated from two grids", model: terms.model };
  if (flags.barrier === undefined && flags.barrierKind === undefined) {
    const title = assetTitle(flags, "American", shared);
    return { ...answer, title, arguments: shared, rows: gridRows(vanillaByFiniteDifferences(shared)) };
  }
  const { barrier, kind } = barrierOf(flags);
  if (kind === "down-and-in" || kind === "up-and-in")
    throw wrongFlag(
      "barrier-kind",
      `${kind} is European: an American option that begins at a barrier is not priced here`,
    );
  const option = { ...shared, barrier, knockOut: kind };
  const title = assetTitle(flags, `American ${kind} ${barrier}`, option);
  return { ...answer, title, arguments: option, rows: gridRows(barrierByFiniteDifferences(option)) };
}

function bySimulation(flags: PriceFlags, option: BlackScholesArguments, model: ModelName): OptionAnswer {
  const { exercise, payoff, paths: pathCount = 0, dates = 50, seed = 1 } = flags;
  const barrier = flags.barrier === undefined && flags.barrierKind === undefined ? undefined : barrierOf(flags);
  if (exercise === "american" && (payoff !== "vanilla" || barrier !== undefined))
    throw wrongFlag("exercise", "american options are simulated as calls and puts without barrier");
  if (payoff !== "vanilla" && barrier !== undefined) throw wrongFlag("payoff", `${payoff} has no barrier`);
  if (payoff === "cash-or-nothing" || payoff === "asset-or-nothing")
    throw wrongFlag("payoff", `${payoff} is not simulated: leave --paths out`);
  const { value, method } = simulated(option, { exercise, payoff, barrier, dates, seed, pathCount });
  const words = [exercise === "american" ? "American" : "", payoff === "vanilla" ? "" : payoff, barrier?.kind ?? ""];
  const title = assetTitle(flags, words.filter((word) => word !== "").join(" "), option).trim();
  const row = { name: "price", value: value.mean, error: value.standardError, meaning: "and its standard error" };
  return { title, method, model, arguments: { ...option, pathCount, seed, dates }, rows: [row] };
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
