/** What the catalogue says of one feature, table or normaliser. */
import type { Normaliser } from "./graph/normaliser.ts";
import type { Feature, Table } from "./graph/operator.ts";

export type Parameters = Readonly<Record<string, string | number | boolean>>;

interface Entry {
  readonly id: string;
  /** What it tells, in one sentence for the reference. */
  readonly summary: string;
  /** Every parameter with the value that it has if nobody says otherwise. A parameter without a sensible one is missing here and in `required`. */
  readonly defaults: Parameters;
  /** Parameters that must be given, each with an example value. */
  readonly required?: Parameters;
  /** What must be there for it to have values: `orders` is L3, `trades`, `options` (a chain), `values` (marks and the like). */
  readonly needs?: readonly ("orders" | "trades" | "options" | "values" | "blocks")[];
}

export interface FeatureEntry extends Entry {
  readonly kind: "feature";
  make(parameters: Parameters): Feature;
}

export interface TableEntry extends Entry {
  readonly kind: "table";
  make(parameters: Parameters): Table;
}

export interface NormaliserEntry extends Entry {
  readonly kind: "normaliser";
  make(parameters: Parameters): Normaliser;
}

export type CatalogueEntry = FeatureEntry | TableEntry | NormaliserEntry;
