/**
 * A list of features over some instruments, put together once: who reads what, in which order, and in which column it lands. The
 * same plan runs live (`stream`) and over recorded events (`batch`), with the same code in the same order, so the numbers are the same bits.
 *
 * @example
 * const graph = features({ instruments, originNs, clock: every.ms(100) }).add(spread({ unit: "ticks" }), queueImbalance());
 * const stream = graph.stream({ onRow: (row, { timeNs }) => console.log(timeNs, row[graph.columnIndex("spread_ticks")]) });
 * stream.push(event);
 */
import { sha256 } from "@stoa/base/hash";
import type { EventBatch } from "../event.ts";
import type { Instrument } from "../instrument.ts";
import { FeatureRefusal } from "../refusal.ts";
import { definitionKey, type Column, type Definition, type Feature, type Table } from "./operator.ts";
import type { Normaliser } from "./normaliser.ts";
import type { GraphPlan, GraphSettings, PlacedFeature, PlacedNormaliser, PlacedTable } from "./plan.ts";
import { FeatureStream, type StreamHandlers } from "./stream.ts";

/** A column of the output with all that is needed to know what it is. */
export interface SchemaColumn extends Column {
  readonly feature: string;
  readonly instrument: string;
  readonly version: number;
  readonly parameters: Definition["parameters"];
  readonly source: string;
  readonly lookback: string;
}

/** The first columns of every row: how many events came before it, and whether every feature has seen its lookback (1 or 0). */
export const rowColumns: readonly Column[] = [
  { name: "event", unit: "1", formula: "events so far" },
  { name: "warm", unit: "1", formula: "1 if every feature has seen its lookback" },
];

/** Which columns of a feature graph: exact names, or with * for anything. */
export function matches(pattern: string, name: string): boolean {
  const parts = pattern.split("*");
  if (parts.length === 1) return pattern === name;
  let at = 0;
  for (const [index, part] of parts.entries()) {
    if (index === 0 && !name.startsWith(part)) return false;
    if (index === parts.length - 1) return name.length - at >= part.length && name.endsWith(part);
    const found = name.indexOf(part, at);
    if (found === -1) return false;
    at = found + part.length;
  }
  return true;
}

export class FeatureGraph implements GraphPlan {
  readonly settings: GraphSettings;
  readonly placed: PlacedFeature[] = [];
  readonly tables: PlacedTable[] = [];
  readonly normalisers: PlacedNormaliser[] = [];
  readonly columns: SchemaColumn[] = rowColumns.map((column) => ({
    ...column,
    feature: column.name,
    instrument: "",
    version: 1,
    parameters: {},
    source: "",
    lookback: "",
  }));

  constructor(settings: GraphSettings) {
    if (settings.instruments.length === 0) {
      throw new FeatureRefusal({ argument: "instruments", value: [], wanted: "a list of at least one instrument" });
    }
    this.settings = settings;
  }

  /** Appends features: of the only instrument, or of each one (their columns are then named `instrument.column`). */
  add(...added: readonly Feature[]): this {
    for (const feature of added) {
      if (feature.scope === "all") this.#place(feature, 0, "");
      else
        this.settings.instruments.forEach((_, instrument) =>
          this.#place(feature, instrument, this.#prefix(instrument)),
        );
    }
    return this;
  }

  /** Appends features of one instrument alone. */
  addFor(name: string, ...added: readonly Feature[]): this {
    const instrument = this.#instrumentNamed(name);
    for (const feature of added) this.#place(feature, instrument, this.#prefix(instrument));
    return this;
  }

  /** Appends a table with rows of its own, of the only instrument or of the one named in `on`. */
  table(name: string, table: Table, on?: string): this {
    if (this.tables.some((other) => other.name === name)) {
      throw new FeatureRefusal({ argument: "table", value: name, wanted: "a name that no other table has" });
    }
    const { instruments } = this.settings;
    if (on === undefined && instruments.length > 1 && table.scope !== "all") {
      const wanted = `the name of one of the ${instruments.length} instruments`;
      throw new FeatureRefusal({ argument: `table.on of ${name}`, value: on, wanted });
    }
    this.tables.push({ name, table, instrument: on === undefined ? 0 : this.#instrumentNamed(on) });
    return this;
  }

  /**
   * Normalises columns so far whose name is in `only` (`*` stands for anything; all columns of features if absent). The
   * normalised value comes in a column of its own, named with the normaliser's suffix.
   */
  normalise(normaliser: Normaliser, { only = ["*"] }: { readonly only?: readonly string[] } = {}): this {
    const fixed = rowColumns.length;
    const end = this.columns.length;
    let found = 0;
    for (let from = fixed; from < end; from++) {
      const column = this.columns[from] as SchemaColumn;
      if (!only.some((pattern) => matches(pattern, column.name))) continue;
      found++;
      this.normalisers.push({ normaliser, from, to: this.columns.length });
      this.#appendColumn({
        ...column,
        name: `${column.name}_${normaliser.suffix}`,
        unit: normaliser.unit ?? column.unit,
        formula: `${normaliser.formula} of ${column.name}`,
        feature: `${normaliser.id}(${column.feature})`,
        version: normaliser.version,
        parameters: { ...normaliser.parameters, of: column.name },
        source: normaliser.source ?? "",
        lookback: normaliser.lookback ?? "",
      });
    }
    if (found === 0)
      throw new FeatureRefusal({ argument: "normalise.only", value: only.join(", "), wanted: "the name of a column" });
    return this;
  }

  /** Index of a column in a row. */
  columnIndex(name: string): number {
    const index = this.columns.findIndex((column) => column.name === name);
    if (index === -1)
      throw new FeatureRefusal({
        argument: "column",
        value: name,
        wanted: this.columns.map((one) => one.name).join(", "),
      });
    return index;
  }

  /** Hash of everything that decides the numbers: clock, policy, instruments, definitions in order. Hexadecimal. */
  schemaHash(): string {
    const { clock, gaps = "strict", instruments } = this.settings;
    const lines = [
      JSON.stringify(clock, (_, value: unknown) => (value === Infinity ? "infinity" : value)),
      gaps,
      ...instruments.map(({ name, tick, lot, multiplier, option }) =>
        [
          ...[name, tick.multiply, tick.divide, lot.multiply, lot.divide, multiplier],
          ...(option === undefined ? [] : [option.type, option.strike, option.expiryNs, option.unit]),
        ].join(" "),
      ),
      ...this.placed.map(({ feature, instrument }) => `${instrument} ${definitionKey(feature)}`),
      ...this.tables.map(({ name, table, instrument }) => `${instrument} ${name} ${definitionKey(table)}`),
      ...this.normalisers.map(({ normaliser, from }) => `${from} ${definitionKey(normaliser)}`),
    ];
    const text = lines.join("\n");
    const bytes = new Uint8Array(2 * text.length);
    for (let index = 0; index < text.length; index++) {
      bytes[2 * index] = text.charCodeAt(index) & 0xff;
      bytes[2 * index + 1] = text.charCodeAt(index) >>> 8;
    }
    return [...sha256(bytes)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  }

  /** A run of this graph, from the beginning or from what `save` returned. */
  stream(handlers: StreamHandlers = {}, checkpoint?: Uint8Array): FeatureStream {
    const stream = new FeatureStream(this, handlers);
    if (checkpoint !== undefined) stream.load(checkpoint);
    return stream;
  }

  /** Runs over recorded events to their end. The same as pushing them one by one. */
  batch(batches: Iterable<EventBatch>, handlers: StreamHandlers): FeatureStream {
    const stream = this.stream(handlers);
    for (const batch of batches) stream.pushBatch(batch);
    return stream;
  }

  #place(feature: Feature, instrument: number, prefix: string): void {
    this.placed.push({ feature, instrument, offset: this.columns.length });
    for (const column of feature.columns) {
      this.#appendColumn({
        ...column,
        name: prefix + column.name,
        feature: feature.id,
        instrument: feature.scope === "all" ? "" : (this.settings.instruments[instrument] as Instrument).name,
        version: feature.version,
        parameters: feature.parameters,
        source: feature.source ?? "standard",
        lookback: feature.lookback ?? "",
      });
    }
  }

  #appendColumn(column: SchemaColumn): void {
    if (this.columns.some(({ name }) => name === column.name)) {
      throw new FeatureRefusal({ argument: "add", value: column.name, wanted: "a column that is not there yet" });
    }
    this.columns.push(column);
  }

  #prefix(instrument: number): string {
    return this.settings.instruments.length === 1
      ? ""
      : `${(this.settings.instruments[instrument] as Instrument).name}.`;
  }

  #instrumentNamed(name: string): number {
    const index = this.settings.instruments.findIndex((instrument) => instrument.name === name);
    if (index !== -1) return index;
    const known = this.settings.instruments.slice(0, 20).map((instrument) => instrument.name);
    throw new FeatureRefusal({ argument: "instrument", value: name, wanted: `one of ${known.join(", ")}` });
  }
}

/** Begins a graph. */
export const features = (settings: GraphSettings): FeatureGraph => new FeatureGraph(settings);
