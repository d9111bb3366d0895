/** A fitted micro-price: how far above or below the mid the price is expected to come to rest, by imbalance and spread. Saved as JSON, known by its hash. */
import { sha256 } from "@stoa/base/hash";
import { FeatureRefusal } from "../refusal.ts";

export interface MicroPriceTable {
  /** Name of the instrument that it was fitted on. */
  readonly instrument: string;
  /** Where the buckets of I = q^b / (q^b + q^a) meet, rising, in (0, 1): one fewer than buckets. A value on an edge is in the upper one. */
  readonly imbalanceEdges: readonly number[];
  /** Spreads of 1 to so many ticks have a bucket each. */
  readonly spreadBuckets: number;
  /** G* in ticks: of each spread, for each bucket of imbalance. NaN where no quote was seen. */
  readonly adjustments: readonly (readonly number[])[];
  /** Pairs of successive quotes that it was fitted on, before mirroring; and those left out for a wide spread or a long move. */
  readonly observationsCount: number;
  readonly droppedCount: number;
  /** Bound on the spectral radius of B on antisymmetric functions: how slowly the series of G* converges. */
  readonly spectralRadius: number;
}

const format = "stoa-micro-price";
const formatVersion = 1;

/** The table as JSON. Numbers come back as the same doubles. */
export function printMicroPriceTable(table: MicroPriceTable): string {
  const adjustments = table.adjustments.map((row) => row.map((value) => (value === value ? value : null)));
  return JSON.stringify({ format, version: formatVersion, ...table, adjustments });
}

/** Reads what `printMicroPriceTable` wrote. Refuses anything else, and says what is wrong with it. */
export function parseMicroPriceTable(text: string): MicroPriceTable {
  const refuse = (part: string, value: unknown, wanted: string): never => {
    throw new FeatureRefusal({ argument: part === "" ? "micro.table" : `micro.table.${part}`, value, wanted });
  };
  let read: unknown;
  try {
    read = JSON.parse(text);
  } catch {
    refuse("", text.slice(0, 20), "JSON as the fitting tool writes it");
  }
  if (typeof read !== "object" || read === null) return refuse("", read, "an object");
  const fields = read as Record<string, unknown>;
  if (fields["format"] !== format) refuse("format", fields["format"], format);
  if (fields["version"] !== formatVersion) refuse("version", fields["version"], String(formatVersion));
  const instrument = fields["instrument"];
  if (typeof instrument !== "string") return refuse("instrument", instrument, "a name");
  const edges = fields["imbalanceEdges"];
  if (!isListOfNumbers(edges)) return refuse("imbalanceEdges", edges, "a list of numbers");
  const rows = fields["adjustments"];
  if (!Array.isArray(rows)) return refuse("adjustments", rows, "a list of rows");
  const number = (name: string): number => {
    const value = fields[name];
    return typeof value === "number" && value >= 0 ? value : refuse(name, value, "a number of at least 0");
  };
  const adjustments = rows.map((row: unknown) => {
    const values = Array.isArray(row) ? row.map((value: unknown) => (value === null ? NaN : value)) : row;
    return isListOfNumbers(values) ? values : refuse("adjustments", row, "rows of numbers");
  });
  return checkedTable({
    instrument,
    imbalanceEdges: edges,
    spreadBuckets: number("spreadBuckets"),
    adjustments,
    observationsCount: number("observationsCount"),
    droppedCount: number("droppedCount"),
    spectralRadius: number("spectralRadius"),
  });
}

const isListOfNumbers = (value: unknown): value is number[] =>
  Array.isArray(value) && value.every((one) => typeof one === "number");

/** The table, if its edges rise within (0, 1) and it has a row per spread and a number per bucket. */
export function checkedTable(table: MicroPriceTable): MicroPriceTable {
  const { imbalanceEdges, spreadBuckets, adjustments } = table;
  imbalanceEdges.forEach((edge, index) => {
    if (!((imbalanceEdges[index - 1] ?? 0) < edge && edge < 1)) {
      throw new FeatureRefusal({ argument: "micro.table.imbalanceEdges", value: edge, wanted: "rising within (0, 1)" });
    }
  });
  if (adjustments.length !== spreadBuckets || spreadBuckets === 0) {
    const wanted = `a row for each of the ${spreadBuckets} spreads, at least one`;
    throw new FeatureRefusal({ argument: "micro.table.adjustments", value: adjustments, wanted });
  }
  for (const row of adjustments) {
    if (row.length === imbalanceEdges.length + 1) continue;
    const wanted = `${imbalanceEdges.length + 1} numbers, one for each bucket of imbalance`;
    throw new FeatureRefusal({ argument: "micro.table.adjustments", value: row, wanted });
  }
  return table;
}

/** Hash of all that decides a micro-price: edges, spreads and adjustments. Hexadecimal. */
export function hashOfMicroPriceTable({ imbalanceEdges, spreadBuckets, adjustments }: MicroPriceTable): string {
  const text = JSON.stringify([imbalanceEdges, spreadBuckets, adjustments]);
  const bytes = Uint8Array.from(text, (letter) => letter.charCodeAt(0));
  return [...sha256(bytes)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** The bucket of an imbalance: how many edges it has reached. */
export function bucketOf(edges: ArrayLike<number>, imbalance: number): number {
  let bucket = 0;
  while (bucket < edges.length && (edges[bucket] as number) <= imbalance) bucket++;
  return bucket;
}
