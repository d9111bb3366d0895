/**
 * The page of a fitted chain: smiles with bid and ask, term structure, surface, greeks of the fit, quotes beside the fit. It
 * says what to draw; how is `chart/`'s.
 */
import { black76 } from "@stoa/pricing/black76";
import { surfaceVolatility, type Surface } from "@stoa/pricing/surface/surface";
import type { Axis, Block, HeatMap, LineChart, Page, Section, Series, Table } from "../chart/page.ts";
import { deltaPillars, type ChainFit, type FittedExpiry, type FittedQuote } from "./chain-fit.ts";
import { arbitrageText } from "./chain-text.ts";
import { minuteOf } from "./time.ts";

export function chainPage(fit: ChainFit): Page {
  const { chain, expiries, index } = fit;
  const quoted = expiries.reduce((count, expiry) => count + expiry.quotedCount, 0);
  const inside = expiries.reduce((count, expiry) => count + expiry.insideCount, 0);
  return {
    title: `${chain.underlying} options`,
    subtitle: `${minuteOf(chain.timeMs)}, from ${chain.source}`,
    facts: [
      { label: "expiries", value: String(expiries.length) },
      { label: "quotes", value: String(quoted) },
      { label: "fit inside bid and ask", value: quoted === 0 ? "–" : `${((100 * inside) / quoted).toFixed(1)} %` },
      { label: "front forward", value: `${Math.round(expiries[0]!.slice.forward).toLocaleString("en-US")} USD` },
      { label: "front at the money", value: `${(100 * expiries[0]!.atTheMoney).toFixed(1)} %` },
      ...(typeof index === "number"
        ? [{ label: "30-day volatility index", value: `${(100 * index).toFixed(1)} %` }]
        : []),
    ],
    sections: [smiles(fit), termStructure(fit), surfaceSection(fit), greeks(fit), quoteSection(fit)],
  };
}

const volatilityAxis: Axis = { label: "Implied volatility", format: "percent", decimals: 2 };
const strikeAxis: Axis = { label: "Strike", unit: "USD" };
const moneynessAxis: Axis = { label: "Log-moneyness", decimals: 4 };
const standardAxis: Axis = { label: "Standard deviations", decimals: 3 };

/** The expiry with the most quotes is shown first. */
const busiest = (expiries: readonly FittedExpiry[]): number =>
  expiries.reduce((best, { quotedCount }, index) => (expiries[best]!.quotedCount < quotedCount ? index : best), 0);

function smiles({ surface, expiries, chain }: ChainFit): Section {
  return {
    title: "Smiles",
    text: [
      "Each bar reaches from the volatility that explains the bid to the one that explains the ask; where a side is missing, or no volatility explains it, the bar has one end. Options out of the money only: calls above the forward, puts below. Log-moneyness is ln(strike / forward); standard deviations divide it by volatility at the money times the square root of time.",
    ],
    blocks: [
      {
        kind: "choice",
        label: "Expiry",
        shown: busiest(expiries),
        options: expiries.map((expiry) => ({
          name: expiry.name,
          blocks: [smileChart(expiry, surface, chain.underlying)],
        })),
      },
      allSmiles(expiries, surface),
    ],
  };
}

const isOutOfTheMoney = ({ type, moneyness }: FittedQuote): boolean =>
  type === "call" ? 0 <= moneyness : moneyness < 0;

/** Strike, log-moneyness and standard deviations of log-moneynesses, as columns for a series. */
function columnsOf({ slice, atTheMoney, years }: FittedExpiry, moneyness: readonly number[]): readonly number[][] {
  const deviation = atTheMoney * Math.sqrt(years);
  return [moneyness.map((k) => slice.forward * Math.exp(k)), [...moneyness], moneyness.map((k) => k / deviation)];
}

const pointsCount = 121;

/** Evenly over what is quoted, a little beyond. */
function reachOf(expiry: FittedExpiry): readonly number[] {
  const quoted = expiry.quotes.filter((quote) => quote.inside !== undefined && isOutOfTheMoney(quote));
  const places = quoted.length === 0 ? [-0.1, 0.1] : quoted.map(({ moneyness }) => moneyness);
  const [low, high] = [Math.min(...places), Math.max(...places)];
  const margin = 0.04 * (high - low) + 0.002;
  return Array.from(
    { length: pointsCount },
    (_, index) => low - margin + ((high - low + 2 * margin) * index) / (pointsCount - 1),
  );
}

function fitOver(expiry: FittedExpiry, surface: Surface, moneyness: readonly number[]): number[] {
  return moneyness.map((k) => surfaceVolatility(surface, expiry.slice.forward * Math.exp(k), expiry.years));
}

function smileChart(expiry: FittedExpiry, surface: Surface, underlying: string): LineChart {
  const quotes = expiry.quotes.filter(isOutOfTheMoney);
  const shown = quotes.filter(({ bidVolatility, askVolatility }) => (bidVolatility ?? askVolatility) !== undefined);
  const marked = quotes.filter(({ markVolatility }) => markVolatility !== undefined);
  const line = reachOf(expiry);
  const columns = (list: readonly FittedQuote[]) =>
    columnsOf(
      expiry,
      list.map(({ moneyness }) => moneyness),
    );
  const series: Series[] = [
    {
      name: "bid to ask",
      mark: "range",
      x: columns(shown),
      y: [],
      low: shown.map(({ bidVolatility }) => bidVolatility ?? null),
      high: shown.map(({ askVolatility }) => askVolatility ?? null),
      labels: shown.map(({ instrument }) => instrument),
    },
    { name: "fit", mark: "line", x: columnsOf(expiry, line), y: fitOver(expiry, surface, line) },
  ];
  if (0 < marked.length) {
    const y = marked.map(({ markVolatility }) => markVolatility!);
    series.push({ name: "venue's mark", mark: "points", x: columns(marked), y });
  }
  return {
    kind: "lines",
    title: `${underlying} ${expiry.name}, ${(365 * expiry.years).toFixed(1)} days`,
    note: `${expiry.insideCount} of ${expiry.quotedCount} quotes have the fit between bid and ask. Drag with the magnifier to zoom, or Ctrl and the wheel.`,
    x: [strikeAxis, moneynessAxis, standardAxis],
    y: volatilityAxis,
    markers: [{ label: "forward", x: [expiry.slice.forward, 0, 0] }],
    series,
  };
}

function allSmiles(expiries: readonly FittedExpiry[], surface: Surface): LineChart {
  return {
    kind: "lines",
    title: "All fitted smiles",
    note: "Against standard deviations smiles of different expiries lie over one another where their shape is the same.",
    x: [standardAxis, moneynessAxis, strikeAxis],
    y: volatilityAxis,
    colours: "ordered",
    series: expiries.map((expiry) => {
      const deviation = expiry.atTheMoney * Math.sqrt(expiry.years);
      const line = reachOf(expiry).filter((k) => Math.abs(k) <= 3.5 * deviation);
      const [strikes, moneyness, standard] = columnsOf(expiry, line) as [number[], number[], number[]];
      return { name: expiry.name, mark: "line", x: [standard, moneyness, strikes], y: fitOver(expiry, surface, line) };
    }),
  };
}

const dayAxes: readonly Axis[] = [
  { label: "Days to expiry", decimals: 1, scale: "logarithmic" },
  { label: "Days to expiry, linear", decimals: 1 },
];

function termStructure({ expiries }: ChainFit): Section {
  const days = expiries.map(({ years }) => 365 * years);
  const labels = expiries.map(({ name }) => name);
  const line = (name: string, pick: (expiry: FittedExpiry) => number | null): Series => ({
    name,
    mark: "line-and-points",
    x: [days, days],
    y: expiries.map(pick),
    labels,
  });
  const chart = (title: string, y: Axis, series: readonly Series[], note?: string): LineChart => ({
    kind: "lines",
    title,
    ...(note === undefined ? {} : { note }),
    x: dayAxes,
    y,
    series,
  });
  return {
    title: "Term structure",
    blocks: [
      chart("Volatility at the money", volatilityAxis, [
        line("at the money (strike = forward)", ({ atTheMoney }) => atTheMoney),
        line("forward volatility since the expiry before", ({ forwardVolatility }) => forwardVolatility),
      ]),
      chart(
        "Risk reversal and butterfly at a delta of 25 %",
        { label: "Difference in volatility", format: "percent", decimals: 2 },
        [
          line("risk reversal", ({ riskReversal }) => riskReversal ?? null),
          line("butterfly", ({ butterflySpread }) => butterflySpread ?? null),
        ],
        "Risk reversal: volatility of the call less that of the put. Butterfly: their mean less at the money. Deltas with respect to the forward.",
      ),
      chart("Forward", { label: "Forward", unit: "USD", decimals: 2 }, [line("forward", ({ slice }) => slice.forward)]),
      chart(
        "Carry of the forward over the first expiry",
        { label: "Per year", format: "percent", decimals: 2 },
        [line("carry", carryOver(expiries[0]!))],
        "ln(forward / first forward) per year between the two expiries.",
      ),
    ],
  };
}

const carryOver =
  (first: FittedExpiry) =>
  ({ slice, years }: FittedExpiry): number | null =>
    years === first.years ? null : Math.log(slice.forward / first.slice.forward) / (years - first.years);

/** The volatility table as dealers quote it. */
function pillarMap(expiries: readonly FittedExpiry[]): HeatMap {
  return {
    kind: "heat",
    title: "Fitted volatility by delta",
    note: "P: put, C: call, of this delta with respect to the forward in percent.",
    x: { label: "Delta", categories: deltaPillars.map(({ name }) => name) },
    y: { label: "Expiry", categories: expiries.map(({ name }) => name) },
    value: { label: "Volatility", format: "percent", decimals: 1 },
    cells: expiries.map(({ pillars }) => pillars.map((value) => value ?? null)),
  };
}

const ratios = [0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 1, 1.05, 1.1, 1.15, 1.2, 1.3, 1.5, 1.75, 2];
const deviations = [-3, -2.5, -2, -1.5, -1, -0.5, 0, 0.5, 1, 1.5, 2, 2.5, 3];

function surfaceSection({ expiries, surface }: ChainFit): Section {
  const names = expiries.map(({ name }) => name);
  const value = { label: "Volatility", format: "percent", decimals: 1 } as const;
  return {
    title: "Surface",
    text: [arbitrageSentence(expiries)],
    blocks: [
      pillarMap(expiries),
      {
        kind: "heat",
        title: "Fitted volatility by standard deviations",
        x: { label: "Standard deviations from the forward", categories: deviations.map(String) },
        y: { label: "Expiry", categories: names },
        value,
        cells: expiries.map(({ slice, years, atTheMoney }) =>
          deviations.map((one) =>
            surfaceVolatility(surface, slice.forward * Math.exp(one * atTheMoney * Math.sqrt(years)), years),
          ),
        ),
      },
      {
        kind: "heat",
        title: "Fitted volatility by strike",
        note: "Strikes farther than four standard deviations from the forward are left empty: hardly anybody quotes there.",
        x: { label: "Strike over forward", categories: ratios.map((ratio) => `${Math.round(100 * ratio)} %`) },
        y: { label: "Expiry", categories: names },
        value,
        cells: expiries.map(({ slice, years, atTheMoney }) =>
          ratios.map((ratio) => {
            const deviation = Math.abs(Math.log(ratio)) / (atTheMoney * Math.sqrt(years));
            return deviation <= 4 ? surfaceVolatility(surface, slice.forward * ratio, years) : null;
          }),
        ),
      },
    ],
  };
}

const arbitrageSentence = (expiries: readonly FittedExpiry[]): string => {
  const text = arbitrageText(expiries);
  return `${text[0]!.toUpperCase()}${text.slice(1)}. The checks hold at all strikes.`;
};

function greeks({ expiries, surface }: ChainFit): Section {
  return {
    title: "Greeks",
    text: [
      "Of options at the fitted volatility, each at its own strike: delta and gamma per 1 USD of the forward, vega per 1 % of volatility, theta per day of 365.",
    ],
    blocks: [
      {
        kind: "choice",
        label: "Expiry",
        shown: busiest(expiries),
        options: expiries.map((expiry) => ({ name: expiry.name, blocks: greekCharts(expiry, surface) })),
      },
    ],
  };
}

function greekCharts(expiry: FittedExpiry, surface: Surface): Block[] {
  const { slice, years } = expiry;
  const line = reachOf(expiry);
  const x = columnsOf(expiry, line);
  const values = (type: "call" | "put") =>
    line.map((k) => {
      const strike = slice.forward * Math.exp(k);
      const volatility = surfaceVolatility(surface, strike, years);
      return black76({ type, forward: slice.forward, strike, years, volatility, discount: slice.discount });
    });
  const [calls, puts] = [values("call"), values("put")];
  const chart = (title: string, y: Axis, series: readonly Series[]): LineChart => ({
    kind: "lines",
    title,
    x: [strikeAxis, moneynessAxis, standardAxis],
    y,
    series,
    markers: [{ label: "forward", x: [slice.forward, 0, 0] }],
  });
  const curve = (name: string, y: readonly number[]): Series => ({ name, mark: "line", x, y });
  return [
    chart(`Delta, ${expiry.name}`, { label: "Delta", decimals: 4 }, [
      curve(
        "call",
        calls.map(({ delta }) => delta),
      ),
      curve(
        "put",
        puts.map(({ delta }) => delta),
      ),
    ]),
    chart(`Gamma, ${expiry.name}`, { label: "Gamma", unit: "per USD" }, [
      curve(
        "call and put",
        calls.map(({ gamma }) => gamma),
      ),
    ]),
    chart(`Vega, ${expiry.name}`, { label: "Vega", unit: "USD per 1 %", decimals: 2 }, [
      curve(
        "call and put",
        calls.map(({ vega }) => 0.01 * vega),
      ),
    ]),
    chart(`Theta, ${expiry.name}`, { label: "Theta", unit: "USD per day", decimals: 2 }, [
      curve(
        "call",
        calls.map(({ theta }) => theta / 365),
      ),
      ...(slice.discount === 1
        ? []
        : [
            curve(
              "put",
              puts.map(({ theta }) => theta / 365),
            ),
          ]),
    ]),
  ];
}

function quoteSection({ chain, expiries }: ChainFit): Section {
  const options = expiries.map((expiry) => ({ name: expiry.name, blocks: [quoteTable(expiry, chain.unit)] }));
  return { title: "Quotes and fit", blocks: [{ kind: "choice", label: "Expiry", shown: busiest(expiries), options }] };
}

function quoteTable({ name, quotes }: FittedExpiry, unit: "coin" | "currency"): Table {
  const priceUnit = unit === "coin" ? "coin" : "USD";
  const volatility = { format: "percent", decimals: 2 } as const;
  return {
    kind: "table",
    title: `${name}: ${quotes.length} quotes`,
    columns: [
      { label: "Instrument" },
      { label: "Strike", unit: "USD" },
      { label: "Bid", unit: priceUnit },
      { label: "Ask", unit: priceUnit },
      { label: "Mark", unit: priceUnit },
      { label: "Fit", unit: priceUnit, ...(unit === "coin" ? { decimals: 6 } : { decimals: 2 }) },
      { label: "Bid vol", ...volatility },
      { label: "Ask vol", ...volatility },
      { label: "Mark vol", ...volatility },
      { label: "Fit vol", ...volatility },
      { label: "Delta", decimals: 3 },
      { label: "Fit is" },
    ],
    rows: quotes.map((quote) => [
      quote.instrument,
      quote.strike,
      quote.bid ?? null,
      quote.ask ?? null,
      quote.mark ?? null,
      quote.fitPrice,
      quote.bidVolatility ?? null,
      quote.askVolatility ?? null,
      quote.markVolatility ?? null,
      quote.fitVolatility,
      quote.fitDelta,
      placeOf(quote),
    ]),
  };
}

function placeOf({ inside, bid, fitPrice }: FittedQuote): string {
  if (inside === undefined) return "not quoted";
  if (inside) return "inside";
  return bid !== undefined && fitPrice < bid ? "below bid" : "above ask";
}
