/**
 * Selections of features under a name: what `stoa features --set` takes. All of them work on books by level; what needs orders,
 * options or the numbers of a venue is asked for by name. A set keeps its columns for ever: another selection gets another name.
 */
import { catalogue } from "../catalogue.ts";
import type { CatalogueEntry, Parameters } from "../catalogue-entry.ts";
import { ms, seconds } from "../graph/clock.ts";
import type { FeatureGraph } from "../graph/graph.ts";
import { FeatureRefusal } from "../refusal.ts";

/** A feature, table or normaliser of the catalogue with those parameters that are not the defaults. */
export interface Selection {
  readonly id: string;
  readonly parameters?: Parameters;
}

export interface FeatureSet {
  readonly name: string;
  readonly summary: string;
  readonly features: readonly Selection[];
  /** A normaliser, and the columns that get a normalised one beside them. */
  readonly normalised?: { readonly by: Selection; readonly only: readonly string[] };
}

/** Ten columns that need nothing but the best quotes and the trades. */
export const levelOneSet: FeatureSet = {
  name: "level-1",
  summary: "spread, mid, weighted mid, queue imbalance, best quotes, order flow and trade flow of ten seconds",
  features: [
    { id: "spread" },
    { id: "mid" },
    { id: "wmid" },
    { id: "qi" },
    { id: "levels", parameters: { count: 1 } },
    { id: "ofi" },
    { id: "tfi" },
  ],
};

/** Forty columns: what a first model of the next seconds is usually given. */
export const defaultSet: FeatureSet = {
  name: "default",
  summary:
    "level-1, the shape of ten levels, flows at ten levels and two horizons, variance of five minutes, and weighted z-scores",
  features: [
    ...levelOneSet.features,
    { id: "imb_k", parameters: { levels: 3 } },
    { id: "imb_k", parameters: { levels: 5 } },
    { id: "imb_k", parameters: { levels: 10 } },
    { id: "imb_w" },
    { id: "wprice" },
    { id: "com" },
    { id: "spread_mean" },
    { id: "imb_w", parameters: { weight: "distance" } },
    { id: "tfi", parameters: { scale: "share" } },
    { id: "tfi", parameters: { window: seconds(1) } },
    { id: "mlofi" },
    { id: "ofi", parameters: { window: seconds(1) } },
    { id: "signed_flow", parameters: { halfLife: ms(1000) } },
    { id: "signed_flow", parameters: { halfLife: seconds(60) } },
    { id: "realised_variance" },
  ],
  normalised: { by: { id: "ew_z_count" }, only: ["spread_ticks", "qi", "ofi_10s", "tfi_10s"] },
};

export const featureSets: readonly FeatureSet[] = [levelOneSet, defaultSet];

/** The entry of the catalogue, and the parameters of a selection filled up with its defaults. Refuses ids and parameters that do not exist. */
export function resolveSelection({ id, parameters = {} }: Selection): {
  readonly entry: CatalogueEntry;
  readonly parameters: Parameters;
} {
  const entry = catalogue.find((one) => one.id === id);
  if (entry === undefined)
    throw new FeatureRefusal({ argument: "feature", value: id, wanted: "an id of the catalogue" });
  const known = { ...entry.required, ...entry.defaults };
  for (const name of Object.keys(parameters)) {
    if (name in known) continue;
    const names = Object.keys(known);
    const wanted = names.length === 0 ? "absent: it takes no parameters" : `one of ${names.join(", ")}`;
    throw new FeatureRefusal({ argument: `${id}.parameters`, value: name, wanted });
  }
  for (const [name, example] of Object.entries(entry.required ?? {})) {
    if (name in parameters) continue;
    throw new FeatureRefusal({
      argument: `${id}.${name}`,
      value: undefined,
      wanted: `given, for example ${String(example)}`,
    });
  }
  return { entry, parameters: { ...entry.defaults, ...parameters } };
}

/** Appends the features of a set, of every instrument, and its normalised columns. */
export function addSet(graph: FeatureGraph, { name, features, normalised }: FeatureSet): FeatureGraph {
  for (const selection of features) {
    const { entry, parameters } = resolveSelection(selection);
    if (entry.kind !== "feature")
      throw new FeatureRefusal({ argument: `set ${name}`, value: entry.id, wanted: "made of features" });
    graph.add(entry.make(parameters));
  }
  if (normalised === undefined) return graph;
  const { entry, parameters } = resolveSelection(normalised.by);
  if (entry.kind !== "normaliser")
    throw new FeatureRefusal({ argument: `set ${name}`, value: entry.id, wanted: "normalised by a normaliser" });
  const only =
    graph.settings.instruments.length === 1 ? normalised.only : normalised.only.map((column) => `*.${column}`);
  return graph.normalise(entry.make(parameters), { only });
}
