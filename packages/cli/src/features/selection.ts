/**
 * What was asked for, from texts: `spread(unit=ticks),ofi(window=10s)` for features, `bars=time_bars(step=1m)` for a table,
 * `ofi_*=z_count(count=5000)` for a normaliser, `100ms` or `volume:50` for a clock. Whatever cannot be read, or is not in the catalogue, is
 * refused with what was meant and what would do.
 */
import { readFileSync } from "node:fs";
import { catalogue } from "@stoa/features/catalogue";
import type { CatalogueEntry, Parameters } from "@stoa/features/catalogue-entry";
import { every, type Clock } from "@stoa/features/graph/clock";
import type { FeatureGraph } from "@stoa/features/graph/graph";
import { addSet, featureSets, resolveSelection, type FeatureSet, type Selection } from "@stoa/features/presets/sets";
import { FeatureRefusal } from "@stoa/features/refusal";
import { Failure } from "../failure.ts";

export interface GraphFlags {
  readonly set?: string;
  readonly features?: string;
  readonly table?: readonly string[];
  readonly normalise?: readonly string[];
}

type Kind = CatalogueEntry["kind"];
type EntryOf<K extends Kind> = Extract<CatalogueEntry, { kind: K }>;

/** Appends everything that was asked for; the default set when nothing was. */
export function addSelected(graph: FeatureGraph, flags: GraphFlags): FeatureGraph {
  const { features, table = [], normalise = [] } = flags;
  const set = flags.set ?? (features === undefined && table.length === 0 ? "default" : undefined);
  try {
    if (set !== undefined) addSet(graph, setNamed(set));
    for (const text of splitOutside(features ?? "", ",")) {
      const { entry, parameters } = parsed(text, "feature", "--features");
      graph.add(entry.make(parameters));
    }
    for (const text of table) addTable(graph, text);
    for (const text of normalise) addNormaliser(graph, text);
  } catch (error) {
    if (error instanceof FeatureRefusal) throw new Failure(explained(error, graph));
    throw error;
  }
  return graph;
}

/** The library speaks of its own arguments, a command of its flags. */
function explained({ argument, value, message }: FeatureRefusal, graph: FeatureGraph): string {
  if (argument === "add") return `the column ${String(value)} is asked for twice`;
  if (argument !== "normalise.only") return message;
  const names = graph.columns.slice(2).map(({ name }) => name);
  return `--normalise ${String(value)}: there is no such column: ${names.length === 0 ? "no feature was asked for" : names.slice(0, 30).join(", ")}`;
}

function setNamed(name: string): FeatureSet {
  const set = featureSets.find((one) => one.name === name);
  if (set !== undefined) return set;
  throw new Failure(`--set ${name}: there is no such set: ${featureSets.map((one) => one.name).join(", ")} are there`);
}

function addTable(graph: FeatureGraph, text: string): void {
  const [name, rest] = namedPart(text);
  if (name === undefined || !/^[a-z][a-z0-9_]*$/.test(name))
    throw new Failure(
      `--table ${text}: a name in small letters and what it holds are wanted, such as bars=time_bars(step=1m)`,
    );
  const { entry, parameters } = parsed(rest, "table", "--table");
  const { instruments } = graph.settings;
  if (instruments.length === 1) graph.table(name, entry.make(parameters));
  else
    for (const instrument of instruments) {
      graph.table(`${name}.${instrument.name.replace(/[^\w-]/g, "_")}`, entry.make(parameters), instrument.name);
    }
}

function addNormaliser(graph: FeatureGraph, text: string): void {
  const [pattern = "*", rest] = namedPart(text);
  const { entry, parameters } = parsed(rest, "normaliser", "--normalise");
  graph.normalise(entry.make(parameters), { only: pattern.split(",").map((one) => one.trim()) });
}

/** `bars=time_bars(step=1m)` is `bars` and the rest; without an equals sign before the bracket there is no name. */
function namedPart(text: string): readonly [string | undefined, string] {
  const [, name, rest] = /^([^(=]*)=(.*)$/s.exec(text) ?? [];
  return name === undefined || rest === undefined ? [undefined, text] : [name.trim(), rest];
}

function parsed<K extends Kind>(text: string, kind: K, flag: string): { entry: EntryOf<K>; parameters: Parameters } {
  const selection = parseSelection(text, flag);
  const known = catalogue.find(({ id }) => id === selection.id);
  if (known === undefined) {
    const ids = catalogue.filter((one) => one.kind === kind).map(({ id }) => id);
    const near = nearest(selection.id, ids);
    const meant = near === undefined ? "" : `; is it ${near}?`;
    throw new Failure(`${flag} ${selection.id}: there is no such ${kind}${meant} (stoa features list shows them all)`);
  }
  if (known.kind !== kind) {
    const place = { feature: "--features", table: "--table NAME=", normaliser: "--normalise" }[known.kind];
    throw new Failure(`${flag} ${selection.id}: this is a ${known.kind}: it goes with ${place}`);
  }
  const { entry, parameters } = resolveSelection(selection);
  return { entry: entry as EntryOf<K>, parameters };
}

/** `ofi(window=10s)`, `micro(table=@micro.json)` with a text from a file; values as the parameters of the catalogue have them. */
export function parseSelection(text: string, flag: string): Selection {
  const [, id, inside] = /^\s*(\w+)\s*(?:\((.*)\))?\s*$/s.exec(text) ?? [];
  if (id === undefined)
    throw new Failure(`${flag} ${text.trim()}: a name is wanted, with parameters in brackets: ofi(window=10s)`);
  const entry = catalogue.find((one) => one.id === id);
  const known: Parameters = { ...entry?.required, ...entry?.defaults };
  const parameters: Record<string, string | number | boolean> = {};
  for (const part of splitOutside(inside ?? "", ",")) {
    const [, name, value] = /^\s*(\w+)\s*=\s*(.*?)\s*$/s.exec(part) ?? [];
    if (name === undefined || value === undefined)
      throw new Failure(`${flag} ${id}: "${part.trim()}" is no parameter: NAME=VALUE is wanted`);
    if (name in parameters) throw new Failure(`${flag} ${id}: ${name} is said twice`);
    parameters[name] = valueOf(value, { where: `${flag} ${id}: ${name}=${value}`, name, like: known[name] });
  }
  return { id, parameters };
}

interface Wanted {
  readonly where: string;
  readonly name: string;
  /** A value of the parameter; undefined when there is no such parameter, which the catalogue refuses then. */
  readonly like: string | number | boolean | undefined;
}

function valueOf(text: string, { where, name, like }: Wanted): string | number | boolean {
  if (typeof like === "boolean") {
    if (text === "true" || text === "false") return text === "true";
    throw new Failure(`${where}: true or false is wanted`);
  }
  if (typeof like !== "number")
    return text.startsWith("@") ? readFileSync(text.slice(1), "utf8") : text.replace(/^"(.*)"$/s, "$1");
  const time = durationNs(text);
  if (time !== undefined) return time;
  const value = text === "infinity" ? Infinity : Number(text.replaceAll("_", ""));
  if (text === "" || Number.isNaN(value))
    throw new Failure(
      `${where}: ${isDuration(name, like) ? "a time is wanted, such as 10s, 500ms or 5m" : "a number is wanted"}`,
    );
  if (isDuration(name, like) && value !== 0)
    throw new Failure(`${where}: a time needs its unit: ${text}s, ${text}ms, ${text}m or ${text}ns`);
  return value;
}

const unitsNs: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1e3,
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  h: 3_600e9,
  d: 86_400e9,
};

/** Nanoseconds of `10s`; undefined for a text that is no time. */
export function durationNs(text: string): number | undefined {
  const [, number, unit] = /^(\d+(?:\.\d+)?)\s*(ns|us|ms|s|m|h|d)$/.exec(text.trim()) ?? [];
  return number === undefined || unit === undefined ? undefined : Math.round(Number(number) * unitsNs[unit]!);
}

/** Parameters that are stretches of time, in nanoseconds in the library. */
const durationNames = /^(window|step|horizon|halfLife|tau|bin|stale|bar|lag|delay|age|interval|timeout|vertical)$/;
export const isDuration = (name: string, like: unknown): boolean =>
  typeof like === "number" && 1e3 <= like && durationNames.test(name);

/** Splits where the sign stands outside of brackets and quotation marks; empty parts are left out. */
export function splitOutside(text: string, sign: string): string[] {
  const parts: string[] = [];
  let [depth, part, quoted] = [0, "", false];
  for (const one of text) {
    if (one === '"') quoted = !quoted;
    if (one === "(" || one === "{" || one === "[") depth++;
    if (one === ")" || one === "}" || one === "]") depth--;
    if (one === sign && depth === 0 && !quoted) {
      parts.push(part);
      part = "";
    } else part += one;
  }
  return [...parts, part].filter((one) => one.trim() !== "");
}

const clockForms = "book, book:LEVELS, event, trade, block, volume:LOTS or a time such as 100ms";

export function parseClock(text: string): Clock {
  const ns = durationNs(text);
  if (ns !== undefined && ns > 0) return { kind: "time", ns };
  const [, kind, count] = /^(\w+)(?::(\d+(?:\.\d+)?))?$/.exec(text) ?? [];
  if (kind === "book")
    return count === undefined ? every.book() : every.book({ levels: whole(count, `--clock ${text}`) });
  if (kind === "volume" && count !== undefined && 0 < Number(count)) return every.volume(Number(count));
  if (count === undefined && (kind === "event" || kind === "trade" || kind === "block")) return { kind };
  throw new Failure(`--clock ${text}: ${clockForms} is wanted`);
}

function whole(text: string, where: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && 0 < value) return value;
  throw new Failure(`${where}: a whole number of at least 1 is wanted`);
}

/** The name that differs in the fewest letters, if it is near at all. */
export function nearest(word: string, names: readonly string[]): string | undefined {
  const scored = names.map((name) => ({ name, distance: name.includes(word) ? 1 : distanceOf(word, name) }));
  const best = scored.sort((one, other) => one.distance - other.distance)[0];
  return best !== undefined && best.distance <= Math.max(1, word.length / 3) ? best.name : undefined;
}

function distanceOf(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (let at = 1; at <= one.length; at++) {
    const next = [at];
    for (let to = 1; to <= other.length; to++) {
      const changed = row[to - 1]! + (one[at - 1] === other[to - 1] ? 0 : 1);
      next.push(Math.min(changed, row[to]! + 1, next[to - 1]! + 1));
    }
    row = next;
  }
  return row.at(-1)!;
}
