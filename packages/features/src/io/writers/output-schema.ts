/**
 * What a file says of itself: for each column its unit, formula, version, parameters and source, and for all of them the hash of the
 * schema, the clock, the instruments and the origin of times. Plain values, written as JSON into the metadata of every format.
 */
import type { FeatureGraph } from "../../graph/graph.ts";
import type { Clock } from "../../graph/clock.ts";
import type { Instrument, Scale } from "../../instrument.ts";
import { nameOfWindow } from "../../naming.ts";

/** The key under which Parquet and Arrow files keep it. */
export const schemaKey = "stoa.features";

export interface OutputColumn {
  readonly name: string;
  readonly type: "int64" | "float64";
  readonly unit: string;
  readonly formula: string;
  /** Id of the feature, table or normaliser. */
  readonly feature: string;
  readonly version: number;
  readonly parameters: Readonly<Record<string, string | number | boolean>>;
  /** Empty for what is about no instrument or about all. */
  readonly instrument: string;
  readonly source: string;
  readonly lookback: string;
}

export interface OutputInstrument {
  readonly name: string;
  readonly kind: string;
  /** Decimals: "0.25". */
  readonly tick: string;
  readonly lot: string;
  readonly multiplier: number;
  /** Of an option: what is written in the contract; the expiry in nanoseconds since 1970 UTC. */
  readonly option?: {
    readonly type: string;
    readonly strike: number;
    readonly expiryNs: string;
    readonly unit: string;
  };
}

export interface OutputSchema {
  /** Of this description itself. */
  readonly version: 1;
  /** Name of the table; empty for the rows of the graph. */
  readonly table: string;
  /** Hash of everything that decides the numbers: files with equal hashes may be put one behind the other. */
  readonly schemaHash: string;
  /** Nanoseconds since 1970 UTC from which the run counts its times. `time_ns` itself is since 1970. */
  readonly originNs: string;
  /** As the command line takes it: `book`, `100ms`, `volume:50`. */
  readonly clock: string;
  readonly gaps: "strict" | "lenient";
  readonly instruments: readonly OutputInstrument[];
  /** The first is `time_ns`. */
  readonly columns: readonly OutputColumn[];
}

/** Schemas of everything that a run of the graph writes: of its rows first, then of its tables in their order. */
export function schemasOf(graph: FeatureGraph): readonly OutputSchema[] {
  const { instruments, originNs, clock, gaps = "strict" } = graph.settings;
  const common = {
    version: 1,
    schemaHash: graph.schemaHash(),
    originNs: originNs.toString(),
    clock: nameOfClock(clock),
    gaps,
    instruments: instruments.map(describeInstrument),
  } as const;
  const rows: OutputSchema = {
    ...common,
    table: "",
    columns: [timeColumn, ...graph.columns.map((column) => ({ ...column, type: "float64" as const }))],
  };
  const tables = graph.tables.map(({ name, table, instrument }): OutputSchema => {
    const owner = table.scope === "all" ? "" : (instruments[instrument] as Instrument).name;
    const columns = table.columns.map((column) => ({
      ...column,
      type: "float64" as const,
      feature: table.id,
      version: table.version,
      parameters: table.parameters,
      instrument: owner,
      source: table.source ?? "standard",
      lookback: table.lookback ?? "",
    }));
    return { ...common, table: name, columns: [timeColumn, ...columns] };
  });
  return [rows, ...tables];
}

const timeColumn: OutputColumn = {
  name: "time_ns",
  type: "int64",
  unit: "ns since 1970 UTC",
  formula: "time of the row",
  feature: "time",
  version: 1,
  parameters: {},
  instrument: "",
  source: "",
  lookback: "",
};

export function nameOfClock(clock: Clock): string {
  if (clock.kind === "time") return nameOfWindow(clock.ns);
  if (clock.kind === "volume") return `volume:${clock.lots}`;
  return clock.kind === "book" && clock.levels < Infinity ? `book:${clock.levels}` : clock.kind;
}

/** The same schema gives the same text. What JSON cannot say (an infinite parameter) is written as a word. */
export function schemaText(schema: OutputSchema): string {
  return JSON.stringify(schema, (_, value: unknown) =>
    typeof value === "number" && !Number.isFinite(value) ? String(value) : value,
  );
}

/** The schema that `schemaText` wrote; `undefined` for any other text. */
export function parseSchema(text: string): OutputSchema | undefined {
  let value: Partial<OutputSchema> | null;
  try {
    value = JSON.parse(text) as Partial<OutputSchema> | null;
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || value === null || value.version !== 1 || !Array.isArray(value.columns))
    return undefined;
  return value as OutputSchema;
}

function describeInstrument({ name, kind, tick, lot, multiplier, option }: Instrument): OutputInstrument {
  const described = { name, kind, tick: describeScale(tick), lot: describeScale(lot), multiplier };
  return option === undefined ? described : { ...described, option: { ...option, expiryNs: String(option.expiryNs) } };
}

const describeScale = ({ multiply, divide }: Scale): string => String(multiply / divide);
