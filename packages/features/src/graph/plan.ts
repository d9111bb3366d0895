/** What a graph settles before any event comes: which features of which instruments, and in which column each lands. */
import type { Instrument } from "../instrument.ts";
import type { GapPolicy } from "../market.ts";
import type { Calls } from "./calls.ts";
import type { Clock } from "./clock.ts";
import type { Normaliser } from "./normaliser.ts";
import type { Feature, Table } from "./operator.ts";

export interface GraphSettings {
  readonly instruments: readonly Instrument[];
  /** Nanoseconds since 1970 UTC of `timeNs` 0: what the reader of the events says. */
  readonly originNs: bigint;
  readonly clock: Clock;
  /** `strict` (the rule): between a gap and the end of the next snapshot every book feature is null. */
  readonly gaps?: GapPolicy;
  /** How operators are called: by loops if absent; `compiledCalls()` of `compiled/calls.ts` is faster and gives the same numbers. */
  readonly calls?: Calls;
}

/** A feature at its place. */
export interface PlacedFeature {
  readonly feature: Feature;
  /** Index of its instrument. */
  readonly instrument: number;
  /** Index of its first column in a row. */
  readonly offset: number;
}

export interface PlacedTable {
  readonly name: string;
  readonly table: Table;
  readonly instrument: number;
}

export interface PlacedNormaliser {
  readonly normaliser: Normaliser;
  /** Column that it reads, and column that it writes. */
  readonly from: number;
  readonly to: number;
}

/** As much of a graph as a run needs. */
export interface GraphPlan {
  readonly settings: GraphSettings;
  readonly placed: readonly PlacedFeature[];
  readonly tables: readonly PlacedTable[];
  readonly normalisers: readonly PlacedNormaliser[];
  readonly columns: { readonly length: number };
  schemaHash(): string;
}
