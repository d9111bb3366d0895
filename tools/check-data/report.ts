/**
 * The page of `npm run check:data`: what was measured on all chains as tables and distributions, and the chains of the last
 * snapshot as smiles with their quotes, residuals and term structure. It only arranges; every number is from `measure.ts`.
 */
import type { Block, LineChart, Page, Table, Value } from "@stoa/cli/chart/page";
import { impliedVolatility } from "@stoa/pricing/implied-volatility";
import { atTheMoney, butterfly, riskReversal, termStructure } from "@stoa/pricing/surface/delta";
import { surfaceVolatility } from "@stoa/pricing/surface/surface";
import { quantile, type Errors, type Measured } from "./measure.ts";
import type { SecondSource } from "./second-source.ts";
import type { SnapshotExpiry, SnapshotRow } from "./snapshots.ts";

const parts = [0.5, 0.9, 0.95, 0.99, 1] as const;

const errorKinds: readonly (readonly [keyof Errors, string])[] = [
  ["mark", "mark price, coin"],
  ["volatility", "mark volatility"],
  ["delta", "delta"],
  ["vega", "vega, USD per point"],
];

export function pageOf(all: readonly Measured[], secondSource?: SecondSource): Page {
  const last = all.filter(({ chain }) => chain.file === all.at(-1)?.chain.file);
  const sum = (read: (one: Measured) => number): number => all.reduce((total, one) => total + read(one), 0);
  const share = (part: number, whole: number): string => `${((100 * part) / whole).toFixed(1)} %`;
  const twoSided = sum(({ twoSidedCount }) => twoSidedCount);
  const refused = sum(({ arbitrage }) => arbitrage.butterfliesRefused + arbitrage.calendarsRefused);
  return {
    title: "Fitted surfaces against a venue's own numbers",
    subtitle: `${all.length} chains of ${sum(({ optionCount }) => optionCount)} options, ${all[0]?.chain.time.slice(0, 10)} to ${all.at(-1)?.chain.time.slice(0, 10)}`,
    facts: [
      {
        label: "Black-76 at the venue's volatility: median error of the mark",
        value: `${exponent(medianOf(all, "venue", "mark"))} coin`,
      },
      {
        label: "fitted surface: median error of the mark volatility",
        value: exponent(medianOf(all, "fitted", "volatility")),
      },
      {
        label: "quotes that hold the fitted price between bid and ask",
        value: share(
          sum(({ insideCount }) => insideCount),
          twoSided,
        ),
      },
      { label: "slices and pairs with arbitrage", value: String(refused) },
      {
        label: "median time of a fit",
        value: `${quantile(
          all.map(({ milliseconds }) => milliseconds),
          0.5,
        )?.toFixed(1)} ms`,
      },
    ],
    sections: [
      {
        title: "Errors over all chains",
        text: [
          "The first table reads the venue's volatility of each option and asks Black-76 for the rest: what is left is the time over which a snapshot was collected and the rounding of published numbers. The other two compare the surface, which has seen bids and asks only, with the venue's marks.",
        ],
        blocks: [
          errorTable(
            "Black-76 at the venue's own volatility",
            all.map(({ venue }) => venue),
            ["mark", "delta", "vega"],
          ),
          errorTable(
            "The fitted surface, all options",
            all.map(({ fitted }) => fitted),
          ),
          errorTable(
            "The fitted surface, deltas of 0.05 to 0.95",
            all.map(({ fittedInside }) => fittedInside),
          ),
          distribution(all),
        ],
      },
      {
        title: "Quotes, arbitrage, forwards and time",
        blocks: [countTable(all), ...secondSourceTable(secondSource), ...historyCharts(all)],
      },
      ...last.map((one) => ({
        title: `${one.chain.currency} at ${one.chain.time.slice(0, 16)} UTC`,
        blocks: [termChart(one), spreadChart(one), smiles(one)],
      })),
    ],
  };
}

function medianOf(all: readonly Measured[], of: "venue" | "fitted", kind: keyof Errors): number {
  return (
    quantile(
      all.flatMap((one) => one[of][kind]),
      0.5,
    ) ?? NaN
  );
}

const exponent = (value: number): string => value.toExponential(1);
/** Two significant digits: more would say more than a sample of options knows. */
const rounded = (value: number | undefined): Value => (value === undefined ? null : Number(value.toPrecision(2)));

function errorTable(title: string, errors: readonly Errors[], kinds = errorKinds.map(([kind]) => kind)): Table {
  return {
    kind: "table",
    title,
    columns: [
      { label: "error of" },
      ...parts.map((part) => ({ label: part === 1 ? "largest" : `${100 * part} % below` })),
    ],
    rows: errorKinds
      .filter(([kind]) => kinds.includes(kind))
      .map(([kind, label]) => {
        const numbers = errors.flatMap((one) => one[kind]);
        return [label, ...parts.map((part) => rounded(quantile(numbers, part)))];
      }),
  };
}

/** Which part of the options has at most which error. */
function distribution(all: readonly Measured[]): LineChart {
  const levels = Array.from({ length: 99 }, (_, index) => (index + 1) / 100);
  const series = (
    [
      ["surface, all options", "fitted"],
      ["surface, deltas of 0.05 to 0.95", "fittedInside"],
    ] as const
  ).map(([name, of]) => {
    const numbers = all.flatMap((one) => one[of].volatility).sort((one, other) => one - other);
    const at = levels.map((level) => Math.max(1e-6, numbers[Math.floor(level * numbers.length)] ?? NaN));
    return { name, mark: "line" as const, x: [at], y: levels };
  });
  return {
    kind: "lines",
    title: "Distribution of the error in volatility",
    x: [{ label: "error in volatility, at most", scale: "logarithmic" }],
    y: { label: "share of options", format: "percent", decimals: 0 },
    series,
  };
}

function countTable(all: readonly Measured[]): Table {
  const currencies = [...new Set(all.map(({ chain }) => chain.currency))];
  const rows = [...currencies, "all"].map((currency) => {
    const some = all.filter(({ chain }) => currency === "all" || chain.currency === currency);
    const sum = (read: (one: Measured) => number): number => some.reduce((total, one) => total + read(one), 0);
    const twoSided = sum(({ twoSidedCount }) => twoSidedCount);
    const times = some.map(({ milliseconds }) => milliseconds);
    return [
      currency,
      some.length,
      sum(({ surface }) => surface?.slices.length ?? 0),
      sum(({ insideCount }) => insideCount) / twoSided,
      sum(({ markInsideCount }) => markInsideCount) / twoSided,
      sum(({ arbitrage }) => arbitrage.repairedCount),
      sum(({ arbitrage }) => arbitrage.butterfliesRefused),
      sum(({ arbitrage }) => arbitrage.calendarsRefused),
      `${sum(({ arbitrage }) => arbitrage.negativeCount)} of ${sum(({ arbitrage }) => arbitrage.gridCount)}`,
      rounded(
        quantile(
          some.flatMap(({ parityErrors }) => parityErrors),
          0.5,
        ),
      ),
      rounded(quantile(times, 0.5)),
      rounded(quantile(times, 0.95)),
    ];
  });
  return {
    kind: "table",
    title: "Counts",
    note: "Inside: the share of two-sided quotes that hold the price between bid and ask. Refused: by the certificate that covers all strikes. Negative: butterflies and calendar spreads on dense grids of prices that cost less than nothing. Parity: the median distance of the forward from put-call parity to the venue's, as a part of it.",
    columns: [
      { label: "currency" },
      { label: "chains" },
      { label: "slices" },
      { label: "surface inside", format: "percent", decimals: 1 },
      { label: "mark inside", format: "percent", decimals: 1 },
      { label: "slices repaired" },
      { label: "butterflies refused" },
      { label: "calendars refused" },
      { label: "negative spreads" },
      { label: "parity" },
      { label: "ms per fit" },
      { label: "95 % below" },
    ],
    rows,
  };
}

function secondSourceTable(differences: SecondSource | undefined): Table[] {
  if (differences === undefined) return [];
  const rows = (
    [
      ["at the money", differences.atTheMoney],
      ["risk reversal 0.25", differences.riskReversal],
      ["butterfly 0.25", differences.butterfly],
    ] as const
  ).map(([label, numbers]) => [
    label,
    numbers.length,
    ...[0.5, 0.9, 1].map((part) => rounded(quantile(numbers, part))),
  ]);
  return [
    {
      kind: "table",
      title: "A second source",
      note: "Differences in volatility from numbers that another program computed from the venue's marks by linear interpolation in delta.",
      columns: [
        { label: "of" },
        { label: "expiries" },
        { label: "50 % below" },
        { label: "90 % below" },
        { label: "largest" },
      ],
      rows,
    },
  ];
}

/** Over the snapshots: the index beside the fair volatility of the surface, and the median error. */
function historyCharts(all: readonly Measured[]): Block[] {
  const currencies = [...new Set(all.map(({ chain }) => chain.currency))];
  const place = (_: Measured, index: number): number => index + 1;
  const lines = (read: (one: Measured) => Value, name: string) =>
    currencies.map((currency) => {
      const some = all.filter(({ chain }) => chain.currency === currency);
      return { name: `${currency} ${name}`, mark: "line-and-points" as const, x: [some.map(place)], y: some.map(read) };
    });
  const x = [{ label: "snapshot, in order of time" }];
  return [
    {
      kind: "lines",
      title: "Volatility index over 30 days",
      note: "From quotes by the sum over strikes, and from the fitted surface by the integral over all strikes, which the sum cuts off.",
      x,
      y: { label: "volatility", format: "percent", decimals: 0 },
      series: [
        ...lines(({ index }) => index ?? null, "index"),
        ...lines(({ fairVolatility }) => fairVolatility ?? null, "surface"),
      ],
    },
    {
      kind: "lines",
      title: "Median error of the surface in mark volatility",
      x,
      y: { label: "error in volatility" },
      series: lines(({ fitted }) => quantile(fitted.volatility, 0.5) ?? null, "error"),
    },
  ];
}

function termChart({ surface }: Measured): LineChart {
  const points = surface === undefined ? [] : termStructure(surface);
  const neutral = points.map(({ years }) =>
    surface === undefined ? null : atTheMoney(surface, years, "delta-neutral").volatility,
  );
  const x = [points.map(({ years }) => years)];
  return {
    kind: "lines",
    title: "Term structure",
    x: [{ label: "years to expiry", scale: "logarithmic" }],
    y: { label: "volatility", format: "percent", decimals: 0 },
    series: [
      { name: "at the forward", mark: "line-and-points", x, y: points.map(({ volatility }) => volatility) },
      { name: "delta-neutral", mark: "line", x, y: neutral, tone: "quiet", dashed: true },
      {
        name: "forward volatility",
        mark: "line-and-points",
        x,
        y: points.map(({ forwardVolatility }) => forwardVolatility),
      },
    ],
  };
}

function spreadChart({ surface }: Measured): LineChart {
  const slices = surface?.slices ?? [];
  const x = [slices.map(({ years }) => years)];
  const read = (of: typeof riskReversal, delta: number): Value[] =>
    slices.map(({ years }) => {
      const value = of(surface!, { delta, years });
      return typeof value === "string" ? null : value;
    });
  return {
    kind: "lines",
    title: "Risk reversals and butterflies",
    note: "Delta N(d1); butterflies over the delta-neutral volatility.",
    x: [{ label: "years to expiry", scale: "logarithmic" }],
    y: { label: "volatility", format: "percent", decimals: 1 },
    series: [0.25, 0.1].flatMap((delta) => [
      { name: `risk reversal ${delta}`, mark: "line-and-points" as const, x, y: read(riskReversal, delta) },
      { name: `butterfly ${delta}`, mark: "line-and-points" as const, x, y: read(butterfly, delta), dashed: true },
    ]),
  };
}

function smiles(one: Measured): Block {
  const { expiries } = one.chain;
  return {
    kind: "choice",
    label: "Expiry",
    shown: Math.floor(expiries.length / 2),
    options: expiries.map((expiry) => ({
      name: expiry.expiry.slice(0, 10),
      blocks: [smile(one, expiry), residuals(one, expiry)],
    })),
  };
}

/** The reader chooses between the two. */
const strikeAxes = [{ label: "strike" }, { label: "ln(strike / forward)" }];
const both = (strikes: readonly number[], forward: number): number[][] => [
  [...strikes],
  strikes.map((strike) => Math.log(strike / forward)),
];

/** The option out of the money at each strike. */
const outside = ({ rows, forward }: SnapshotExpiry): SnapshotRow[] =>
  rows
    .filter(({ type, strike }) => (type === "put") === strike < forward)
    .sort((one, other) => one.strike - other.strike);

function volatilityOf({ type, strike, years }: SnapshotRow, forward: number, price: number | undefined): Value {
  if (price === undefined) return null;
  const volatility = impliedVolatility({ type, forward: 1, strike: strike / forward, years, price });
  return typeof volatility === "string" ? null : volatility;
}

function smile({ surface }: Measured, expiry: SnapshotExpiry): LineChart {
  const { forward, years } = expiry;
  const rows = outside(expiry);
  const strikes = rows.map(({ strike }) => strike);
  const low = rows.map((row) => volatilityOf(row, forward, row.bid) ?? (row.ask === undefined ? null : 0));
  const high = rows.map((row) => volatilityOf(row, forward, row.ask));
  const labels = rows.map(({ instrument }) => instrument);
  const from = (strikes[0] ?? forward) * 0.95;
  const to = (strikes.at(-1) ?? forward) * 1.05;
  const dense = Array.from({ length: 161 }, (_, index) => from * Math.pow(to / from, index / 160));
  return {
    kind: "lines",
    title: `Smile: volatility over the strike, ${(years * 365).toFixed(1)} days`,
    note: "Bars run from the volatility of the bid to that of the ask of the option out of the money; from 0 where nobody bids.",
    x: strikeAxes,
    y: { label: "volatility", format: "percent", decimals: 0 },
    series: [
      {
        name: "bid to ask",
        mark: "range",
        x: both(strikes, forward),
        y: strikes.map(() => null),
        low,
        high,
        labels,
        tone: "quiet",
      },
      {
        name: "venue's mark",
        mark: "points",
        x: both(strikes, forward),
        y: rows.map(({ markVolatility }) => markVolatility),
        labels,
      },
      {
        name: "fitted surface",
        mark: "line",
        x: both(dense, forward),
        y: dense.map((strike) => (surface === undefined ? null : surfaceVolatility(surface, strike, years))),
      },
    ],
    markers: [{ label: "forward", x: [forward, 0] }],
  };
}

function residuals({ surface }: Measured, expiry: SnapshotExpiry): LineChart {
  const { forward, years } = expiry;
  const rows = outside(expiry);
  const strikes = rows.map(({ strike }) => strike);
  const own = (strike: number): number => (surface === undefined ? NaN : surfaceVolatility(surface, strike, years));
  const less = (row: SnapshotRow, value: Value): Value =>
    value === null || surface === undefined ? null : value - own(row.strike);
  return {
    kind: "lines",
    title: "Residuals: less the fitted volatility",
    note: "An end without a bar is an ask where nobody bids: the surface has to stay below it and knows no more.",
    x: strikeAxes,
    y: { label: "volatility less the surface's", format: "percent", decimals: 1 },
    series: [
      {
        name: "bid to ask",
        mark: "range",
        x: both(strikes, forward),
        y: strikes.map(() => null),
        low: rows.map((row) => less(row, volatilityOf(row, forward, row.bid))),
        high: rows.map((row) => less(row, volatilityOf(row, forward, row.ask))),
        tone: "quiet",
      },
      {
        name: "venue's mark",
        mark: "points",
        x: both(strikes, forward),
        y: rows.map((row) => less(row, row.markVolatility)),
      },
    ],
    markers: [{ label: "forward", x: [forward, 0] }],
  };
}
