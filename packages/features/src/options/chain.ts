/**
 * The options of a graph as one chain, kept up quote by quote: what bid, ask and mark of each say in volatility, its greeks and its
 * open interest. Only the option that changed is computed again, and only when somebody reads. Relies on the pricing library for
 * the inversion; does not know what is made of the numbers.
 *
 * Black-76 on the forward that the venue tells for each option (`ValueField.underlyingPrice`), nothing discounted, years of 365 days.
 * A price in coin is worth itself times the forward. What an option says is as of its own last change, its time to expiry too.
 */
import { black76 } from "@stoa/pricing/black76";
import { blackVolatility } from "@stoa/pricing/implied-volatility";
import { ValueField } from "../event.ts";
import type { Context, Feature, Operator } from "../graph/operator.ts";
import { scaled, type Instrument, type OptionTerms } from "../instrument.ts";
import type { Market } from "../market.ts";
import { FeatureRefusal, oneOf, positiveNumber } from "../refusal.ts";

/** Which volatility stands for an option: the venue's mark (told, else implied by the mark price), or the mean of bid and ask volatility. */
export const volatilityChoices = ["mark", "mid"] as const;
export type VolatilityChoice = (typeof volatilityChoices)[number];

export type ChainSettings = {
  /** `mark` if absent. */
  readonly volatility?: VolatilityChoice;
  /** Options whose names begin so: `BTC-`. All options of the graph if absent: right where they have one underlying. */
  readonly prefix?: string;
};

const yearNs = 365 * 86_400e9;

/** Years of 365 days from a time to another, both in nanoseconds. */
export const yearsUntil = (endNs: number, timeNs: number): number => (endNs - timeNs) / yearNs;

/** What is fixed of one option of a chain. */
export interface ChainOption {
  readonly terms: OptionTerms;
  readonly instrument: Instrument;
  /** Index among the instruments of the graph. */
  readonly market: number;
  /** Index among the expiries of the chain. */
  readonly expiry: number;
  /** Nanoseconds since the origin of the stream. */
  readonly expiryNs: number;
}

/** What is kept of each option, by its place in the chain; NaN where it is not known. */
export interface ChainValues {
  /** Best prices, in the unit of the option's price. */
  readonly bid: Float64Array;
  readonly ask: Float64Array;
  readonly forward: Float64Array;
  readonly markPrice: Float64Array;
  readonly toldVolatility: Float64Array;
  /** In the unit of size. */
  readonly openInterest: Float64Array;
  /** When it last changed, of those not yet computed again; NaN of the others. */
  readonly changedNs: Float64Array;
  /** Per square-root year. Null for a price that no volatility explains. */
  readonly bidVolatility: Float64Array;
  readonly askVolatility: Float64Array;
  /** The one that was chosen (`VolatilityChoice`), at which the greeks are taken. */
  readonly volatility: Float64Array;
  /** N(d1), of puts too: a put's own delta is one less. */
  readonly callDelta: Float64Array;
  /** Change of delta per 1 of the forward. */
  readonly gamma: Float64Array;
  /** Currency per 1.00 of volatility and unit of the underlying. */
  readonly vega: Float64Array;
}

/** One expiry: its options in the order of their strikes, the call of a strike before the put. */
export interface ChainExpiry {
  readonly expiryNs: number;
  readonly first: number;
  readonly end: number;
}

export interface OptionChain extends Operator {
  /** In the order of expiry, strike, call before put. */
  readonly options: readonly ChainOption[];
  readonly expiries: readonly ChainExpiry[];
  /** By instrument of the graph its place in the chain, -1 for what is no option of it. */
  readonly places: Int32Array;
  readonly values: ChainValues;
  /** By expiry the forward that the venue told last for any of its options. */
  readonly forwards: Float64Array;
  /** Computes what has changed since. To be called before `values` are read. */
  refresh(): void;
  /** Index of the `tenor`-th expiry that is later than `timeNs`, 1 the nearest; -1 if there is none. */
  expiryOf(tenor: number, timeNs: number): number;
}

/** Settings with their defaults, refused under the name of the feature that was given them. */
export function chainParameters(feature: string, settings: ChainSettings): Required<ChainSettings> {
  const { volatility = "mark", prefix = "" } = settings;
  oneOf(`${feature}.volatility`, volatility, volatilityChoices);
  if (typeof prefix !== "string")
    throw new FeatureRefusal({ argument: `${feature}.prefix`, value: prefix, wanted: "a text" });
  return { volatility, prefix };
}

/** What the settings put behind the name of a column: nothing for marks of all options. */
export const nameOfChain = ({ volatility, prefix }: Required<ChainSettings>): string =>
  (volatility === "mark" ? "" : `_${volatility}`) + (prefix === "" ? "" : `_${prefix.replace(/\W+$/, "")}`);

/** The chain as an operator that option features share. It has no columns. */
export function optionChain(settings: ChainSettings = {}): Feature<OptionChain> {
  const { volatility, prefix } = chainParameters("option_chain", settings);
  return {
    id: "option_chain",
    version: 1,
    parameters: { volatility, prefix },
    columns: [],
    source: "Black, Journal of Financial Economics 3(1-2), 1976",
    levels: 1,
    scope: "all",
    make: (context) => makeChain(context, volatility, prefix),
  };
}

function makeChain(context: Context, choice: VolatilityChoice, prefix: string): OptionChain {
  const options = optionsOf(context, prefix);
  const expiries = expiriesOf(options);
  const places = new Int32Array(context.markets.length).fill(-1);
  for (const [place, { market }] of options.entries()) places[market] = place;
  const values: ChainValues = context.keep(makeValues(options.length));
  const { forwards } = context.keep({ forwards: new Float64Array(expiries.length).fill(NaN) });
  const { changedNs } = values;
  return {
    options,
    expiries,
    places,
    values,
    forwards,
    onBook(market, timeNs) {
      const place = places[market.index] as number;
      if (place >= 0 && takeQuotes(values, place, market)) changedNs[place] = timeNs;
    },
    onValue({ id, size, timeNs }, market) {
      const place = places[market.index] as number;
      if (place < 0 || !takeValue(values, place, id, size)) return;
      changedNs[place] = timeNs;
      if (id === ValueField.underlyingPrice) forwards[(options[place] as ChainOption).expiry] = size;
    },
    refresh() {
      for (let place = 0; place < changedNs.length; place++) {
        const timeNs = changedNs[place] as number;
        if (timeNs !== timeNs) continue;
        changedNs[place] = NaN;
        compute(values, place, options[place] as ChainOption, timeNs, choice);
      }
    },
    expiryOf(tenor, timeNs) {
      for (let index = 0; index < expiries.length; index++) {
        if ((expiries[index] as ChainExpiry).expiryNs <= timeNs) continue;
        return index + tenor <= expiries.length ? index + tenor - 1 : -1;
      }
      return -1;
    },
  };
}

function optionsOf({ markets, originNs }: Context, prefix: string): ChainOption[] {
  const found = markets.flatMap(({ instrument, index }) => {
    const { option: terms, name } = instrument;
    if (terms === undefined || !name.startsWith(prefix)) return [];
    positiveNumber(`${name}.option.strike`, terms.strike);
    return [{ terms, instrument, market: index, expiry: 0, expiryNs: Number(terms.expiryNs - originNs) }];
  });
  found.sort(
    (one, other) =>
      one.expiryNs - other.expiryNs ||
      one.terms.strike - other.terms.strike ||
      (one.terms.type === other.terms.type ? one.market - other.market : one.terms.type === "call" ? -1 : 1),
  );
  let expiry = -1;
  return found.map((option, place) => {
    if (found[place - 1]?.expiryNs !== option.expiryNs) expiry++;
    return { ...option, expiry };
  });
}

function expiriesOf(options: readonly ChainOption[]): ChainExpiry[] {
  const count = (options.at(-1)?.expiry ?? -1) + 1;
  return Array.from({ length: count }, (_, index) => {
    const first = options.findIndex(({ expiry }) => expiry === index);
    const end = options.findLastIndex(({ expiry }) => expiry === index) + 1;
    return { expiryNs: (options[first] as ChainOption).expiryNs, first, end };
  });
}

function makeValues(count: number): ChainValues {
  const empty = (): Float64Array => new Float64Array(count).fill(NaN);
  return {
    bid: empty(),
    ask: empty(),
    forward: empty(),
    markPrice: empty(),
    toldVolatility: empty(),
    openInterest: empty(),
    changedNs: empty(),
    bidVolatility: empty(),
    askVolatility: empty(),
    volatility: empty(),
    callDelta: empty(),
    gamma: empty(),
    vega: empty(),
  };
}

/** A book with one side only is usual for options and says what that side says; a crossed book, or one after a gap, says nothing. */
function takeQuotes({ bid, ask }: ChainValues, place: number, market: Market): boolean {
  const { usable, bidPrice, askPrice, book, instrument } = market;
  const oneSided = !book.gap && (bidPrice !== bidPrice || askPrice !== askPrice);
  const known = usable || oneSided;
  const newBid = known ? scaled(instrument.tick, bidPrice) : NaN;
  const newAsk = known ? scaled(instrument.tick, askPrice) : NaN;
  if (Object.is(newBid, bid[place]) && Object.is(newAsk, ask[place])) return false;
  bid[place] = newBid;
  ask[place] = newAsk;
  return true;
}

/** Whether a number that was told changes what is computed; it is kept. */
function takeValue(values: ChainValues, place: number, field: number, value: number): boolean {
  if (field === ValueField.openInterest) {
    values.openInterest[place] = value;
    return false;
  }
  if (field === ValueField.underlyingPrice) values.forward[place] = value;
  else if (field === ValueField.markPrice) values.markPrice[place] = value;
  else if (field === ValueField.markVolatility) values.toldVolatility[place] = value;
  else return false;
  return true;
}

function compute(
  values: ChainValues,
  place: number,
  { terms, expiryNs }: ChainOption,
  timeNs: number,
  choice: VolatilityChoice,
): void {
  const forward = values.forward[place] as number;
  const years = yearsUntil(expiryNs, timeNs);
  const told = values.toldVolatility[place] as number;
  const priced = 0 < forward && forward < Infinity && 0 < years;
  const implied = (price: number): number => (priced ? impliedOf(terms, forward, years, price) : NaN);
  const bid = implied(values.bid[place] as number);
  const ask = implied(values.ask[place] as number);
  values.bidVolatility[place] = bid;
  values.askVolatility[place] = ask;
  const mark = 0 <= told && told < Infinity ? told : implied(values.markPrice[place] as number);
  const volatility = choice === "mid" ? (bid + ask) / 2 : mark;
  const { strike } = terms;
  const known = priced && volatility === volatility;
  const greeks = known ? black76({ type: "call", forward, strike, years, volatility }) : undefined;
  values.volatility[place] = known ? volatility : NaN;
  values.callDelta[place] = greeks?.delta ?? NaN;
  values.gamma[place] = greeks?.gamma ?? NaN;
  values.vega[place] = greeks?.vega ?? NaN;
}

/** NaN for a price that is none, or outside of its bounds. */
function impliedOf({ type, strike, unit }: OptionTerms, forward: number, years: number, price: number): number {
  const worth = unit === "coin" ? price * forward : price;
  if (!(0 <= worth && worth < Infinity)) return NaN;
  const volatility = blackVolatility(type === "call", forward, strike, years, worth, 1);
  return volatility < 0 ? NaN : volatility;
}
