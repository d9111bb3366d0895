/** The page of `stoa features plot`: depth over time as colours with bid, ask and trades over them; below it, on the same times, the chosen columns. */
import type { Axis, Block, Field, LineChart, Page, Section, Series, Value } from "../chart/page.ts";
import type { BookSample, PlotData, ThinTable, TradeSide } from "./plot-data.ts";
import { clockText, momentOf } from "./summary.ts";

export interface PlotChoice {
  readonly title: string;
  /** Names of columns of the rows to be drawn. */
  readonly columns: readonly string[];
}

/** The same for all charts, so that they stand below one another. */
function timeAxis(data: PlotData): Axis {
  const times = [...data.tables[0]!.rows.list, ...data.book.list].map(({ timeNs }) => timeNs);
  const [from, to] = times.reduce(
    ([low, high], time) => [Math.min(low, time), Math.max(high, time)],
    [Infinity, -Infinity],
  ) as [number, number];
  return { label: "Time", unit: "UTC", scale: "time", range: [toMs(data, from), toMs(data, to)] };
}

export function plotPage(data: PlotData, { title, columns }: PlotChoice): Page {
  const { summary, tables } = data;
  const [rows] = summary.tables;
  return {
    title,
    subtitle: `${data.instrument.name}, ${momentOf(rows!.firstNs)} to ${momentOf(rows!.lastNs)} UTC`,
    facts: [
      { label: "events", value: summary.source.eventsCount.toLocaleString("en-US") },
      { label: "rows", value: rows!.rowsCount.toLocaleString("en-US") },
      { label: "gaps", value: String(summary.source.gapsCount) },
      { label: "columns", value: String(rows!.schema.columns.length) },
    ],
    sections: [
      bookSection(data),
      featureSection(data, tables[0]!, columns),
      ...tables.slice(1).flatMap((table) => (table.rows.list.length === 0 ? [] : [tableSection(data, table)])),
      definitions(tables, columns),
    ],
  };
}

/** Milliseconds since 1970, as browsers count time. */
const toMs = (data: PlotData, timeNs: number): number => Number(data.originNs / 1_000_000n) + timeNs / 1e6;

function bookSection(data: PlotData): Section {
  const samples = data.book.list;
  const quotes = samples.map(({ value }) => ({ bid: value.bids[0]?.[0], ask: value.asks[0]?.[0] }));
  const x = [samples.map(({ timeNs }) => toMs(data, timeNs))];
  const line = (
    name: string,
    pick: (quote: { bid: number | undefined; ask: number | undefined }) => number | undefined,
  ): Series => ({
    name,
    mark: "line",
    stepped: true,
    x,
    y: quotes.map((quote) => priceOf(data, pick(quote))),
  });
  const field = fieldOf(data);
  const price: Axis = { label: "Price", ...(field === undefined ? {} : { range: field.field.y }) };
  const chart: LineChart = {
    kind: "lines",
    title: "Depth of the book",
    height: "tall",
    note: `Colour: lots at a price, bids blue and asks orange, deeper for more; ${data.toSize(field?.most ?? 0).toLocaleString("en-US")} is the deepest. Where the book is not to be believed (a gap, crossed, one-sided) there is none. Trades are drawn at their mean price in each stretch of time.`,
    x: [timeAxis(data)],
    y: price,
    ...(field === undefined ? {} : { field: field.field }),
    series: [line("bid", ({ bid }) => bid), line("ask", ({ ask }) => ask), ...tradeSeries(data)],
  };
  return { title: "Book", blocks: [chart, ...volumeChart(data)] };
}

const priceOf = (data: PlotData, ticks: number | undefined): Value =>
  ticks === undefined ? null : data.toPrice(ticks);

const sides: readonly (readonly [TradeSide, string])[] = [
  ["buy", "buyers took"],
  ["sell", "sellers took"],
  ["unknown", "trades"],
];

function tradeSeries(data: PlotData): Series[] {
  return sides.flatMap(([side, name]) => {
    const list = data.trades.list.filter(({ value }) => value.lots[side] > 0);
    if (list.length === 0) return [];
    return [
      {
        name,
        mark: "points" as const,
        x: [list.map(({ timeNs }) => toMs(data, timeNs))],
        y: list.map(({ value }) => data.toPrice(value.money[side] / value.lots[side])),
        labels: list.map(({ value }) => `size ${data.toSize(value.lots[side]).toLocaleString("en-US")}`),
      },
    ];
  });
}

function volumeChart(data: PlotData): Block[] {
  const list = data.trades.list;
  if (list.length === 0) return [];
  const x = [list.map(({ timeNs }) => toMs(data, timeNs))];
  const series = sides
    .filter(([side]) => list.some(({ value }) => value.lots[side] > 0))
    .map(([side, name]): Series => {
      const sizes = list.map(({ value }) => (value.lots[side] === 0 ? null : data.toSize(value.lots[side])));
      const ends = sizes.map((size) => (size === null ? null : 0));
      const below = sizes.map((size) => (size === null ? null : -size));
      return {
        name,
        mark: "range",
        x,
        y: [],
        ...(side === "sell" ? { low: below, high: ends } : { low: ends, high: sizes }),
      };
    });
  return [
    {
      kind: "lines",
      title: `Traded, per ${durationText(data.trades.stepNs)}`,
      note: "What sellers took is drawn below zero.",
      x: [timeAxis(data)],
      y: { label: "Size" },
      series,
    },
  ];
}

const fieldRowsMax = 120;

/** Lots per stretch of time and price: bids above zero, asks below, by their square roots so that thin levels are seen. */
function fieldOf(data: PlotData): { readonly field: Field; readonly most: number } | undefined {
  const samples = data.book.list;
  const { stepNs } = data.book;
  const reach = reachOf(samples.map(({ value }) => value));
  if (reach === undefined) return undefined;
  const [low, high] = reach;
  const rowTicks = Math.max(1, Math.ceil((high - low + 1) / fieldRowsMax));
  const rowsCount = Math.ceil((high - low + 1) / rowTicks);
  const first = samples[0]!.timeNs;
  const columnsCount = Math.round((samples.at(-1)!.timeNs - first) / stepNs) + 1;
  const cells = Array.from({ length: rowsCount }, () => new Array<Value>(columnsCount).fill(null));
  let most = 0;
  for (let index = 0; index < samples.length; index++) {
    const from = Math.round((samples[index]!.timeNs - first) / stepNs);
    // A book stands until the next change of it.
    const to = index + 1 < samples.length ? Math.round((samples[index + 1]!.timeNs - first) / stepNs) : from + 1;
    const column = lotsByRow(samples[index]!.value, { low, rowTicks, rowsCount });
    for (const [row, lots] of column) {
      most = Math.max(most, Math.abs(lots));
      for (let at = from; at < to; at++)
        cells[row]![at] = (Math.sign(lots) * Math.round(100 * Math.sqrt(Math.abs(lots)))) / 100;
    }
  }
  const halfTick = data.toPrice(0.5);
  return {
    most,
    field: {
      x: [toMs(data, first), toMs(data, first + columnsCount * stepNs)],
      y: [data.toPrice(low) - halfTick, data.toPrice(low + rowsCount * rowTicks) - halfTick],
      cells,
    },
  };
}

/** From lowest bid to highest ask, and on both sides as far as three quarters of the books reach: the far levels of a few would squeeze all others. */
function reachOf(samples: readonly BookSample[]): readonly [number, number] | undefined {
  const sound = samples.filter(({ bids, asks }) => 0 < bids.length && 0 < asks.length);
  if (sound.length === 0) return undefined;
  const deep = sound
    .flatMap(({ bids, asks }) => [bids[0]![0] - bids.at(-1)![0], asks.at(-1)![0] - asks[0]![0]])
    .sort((one, other) => one - other);
  const beyond = deep[Math.floor(0.75 * (deep.length - 1))]!;
  const low = sound.reduce((least, { bids }) => Math.min(least, bids[0]![0]), Infinity);
  const high = sound.reduce((most, { asks }) => Math.max(most, asks[0]![0]), -Infinity);
  return [low - beyond, high + beyond];
}

function lotsByRow(
  { bids, asks }: BookSample,
  { low, rowTicks, rowsCount }: { readonly low: number; readonly rowTicks: number; readonly rowsCount: number },
): Map<number, number> {
  const lots = new Map<number, number>();
  for (const [sign, levels] of [
    [1, bids],
    [-1, asks],
  ] as const) {
    for (const [price, size] of levels) {
      const row = Math.floor((price - low) / rowTicks);
      if (0 <= row && row < rowsCount) lots.set(row, (lots.get(row) ?? 0) + sign * size);
    }
  }
  return lots;
}

/** One chart per feature and unit: columns that belong together are compared. */
function featureSection(data: PlotData, table: ThinTable, names: readonly string[]): Section {
  const { schema } = table;
  const chosen = schema.columns.filter(({ name }) => names.includes(name));
  const groups = Map.groupBy(chosen, ({ feature, unit, instrument }) => `${instrument} ${feature} ${unit}`);
  return {
    title: "Features",
    text: [
      `A row ${clockText(schema.clock)}; drawn is the first of every ${durationText(table.rows.stepNs)}. A line has a hole where there is no value.`,
    ],
    blocks: [...groups.values()].map((columns) =>
      columnChart(data, table, { title: columns[0]!.feature, names: columns.map(({ name }) => name) }),
    ),
  };
}

/** Columns of one unit in one chart; pure numbers each in its own, since a class and a return have nothing in common. What only counts or tells times is left out. */
function tableSection(data: PlotData, table: ThinTable): Section {
  const { schema, rows } = table;
  const list = rows.list.map(({ value }) => value);
  const shown = schema.columns.slice(1).filter(({ name, unit }) => unit !== "ns" && name !== "row" && name !== "event");
  const groups = Map.groupBy(shown, ({ name, unit }) => (unit === "1" ? name : unit));
  return {
    title: `Table ${schema.table}`,
    blocks: [...groups.entries()].map(([title, columns]) => {
      const index = schema.columns.indexOf(columns[0]!) - 1;
      const isClass =
        columns.length === 1 && list.every((row) => !(1 < Math.abs(row[index]!)) && Number.isInteger(row[index] || 0));
      return columnChart(data, table, {
        title: `${schema.table}: ${title}`,
        names: columns.slice(0, 8).map(({ name }) => name),
        mark: isClass ? "points" : list.length <= 120 ? "line-and-points" : "line",
      });
    }),
  };
}

function columnChart(
  data: PlotData,
  { schema, rows }: ThinTable,
  {
    title,
    names,
    mark = "line",
  }: { readonly title: string; readonly names: readonly string[]; readonly mark?: Series["mark"] },
): LineChart {
  const list = rows.list;
  const x = [list.map(({ timeNs }) => toMs(data, timeNs))];
  const columns = names.map((name) => schema.columns.findIndex((column) => column.name === name));
  const { unit } = schema.columns[columns[0]!]!;
  return {
    kind: "lines",
    title,
    x: [timeAxis(data)],
    y: unit === "1" ? { label: title } : { label: title, unit },
    series: columns.map((column) => ({
      name: schema.columns[column]!.name,
      mark,
      stepped: true,
      x,
      y: list.map(({ value }) => numberOrNull(value[column - 1])),
    })),
  };
}

const numberOrNull = (value: number | undefined): Value =>
  value === undefined || !Number.isFinite(value) ? null : value;

function definitions(tables: readonly ThinTable[], names: readonly string[]): Section {
  const columns = tables.flatMap(({ schema }) =>
    schema.columns.filter(({ name }) => schema.table !== "" || names.includes(name)).slice(schema.table === "" ? 0 : 1),
  );
  return {
    title: "Definitions",
    blocks: [
      {
        kind: "table",
        title: "Columns",
        columns: ["Column", "Unit", "Formula", "Lookback", "Source"].map((label) => ({ label })),
        rows: columns.map(({ name, unit, formula, lookback, source }) => [name, unit, formula, lookback, source]),
      },
    ],
  };
}

function durationText(ns: number): string {
  if (ns < 1e9) return `${ns / 1e6} ms`;
  return ns < 120e9 ? `${(ns / 1e9).toFixed(1)} s` : `${(ns / 60e9).toFixed(1)} min`;
}
