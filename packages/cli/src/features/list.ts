/** `stoa features list`: the catalogue, with the parameters that each entry takes. */
import { catalogue } from "@stoa/features/catalogue";
import type { CatalogueEntry, Parameters } from "@stoa/features/catalogue-entry";
import { nameOfWindow } from "@stoa/features/naming";
import { featureSets } from "@stoa/features/presets/sets";
import { Failure } from "../failure.ts";
import { textTable } from "../price/text-table.ts";
import type { ListFlags } from "./flags.ts";
import { isDuration, nearest } from "./selection.ts";

export function runList(word: string | undefined, flags: ListFlags): void {
  const found = catalogue.filter(
    ({ id, summary }) => word === undefined || `${id} ${summary}`.toLowerCase().includes(word.toLowerCase()),
  );
  if (found.length === 0) {
    const near = nearest(
      word!,
      catalogue.map(({ id }) => id),
    );
    throw new Failure(`nothing in the catalogue has ${word} in it${near === undefined ? "" : `; is it ${near}?`}`);
  }
  if (flags.json) return console.log(JSON.stringify(found.map(plain), null, 2));
  const parts = (["feature", "table", "normaliser"] as const).flatMap((kind) => {
    const rows = found.filter((entry) => entry.kind === kind).map(rowOf);
    return rows.length === 0 ? [] : [textTable([`${kind}s`, "needs", "what it tells"], rows, 3)];
  });
  const sets = featureSets.map(({ name, summary }) => [name, summary]);
  console.log([...parts, ...(word === undefined ? [textTable(["sets", ""], sets, 2)] : [])].join("\n\n"));
}

/** A fitted model is a text that no table has room for. */
export const parameterTextMax = 40;

function rowOf(entry: CatalogueEntry): string[] {
  const { id, summary, required = {}, defaults, needs = [] } = entry;
  return [`${id}${parametersText({ ...required, ...defaults }, parameterTextMax)}`, needs.join(", "), summary];
}

function plain({ kind, id, summary, defaults, required = {}, needs = [] }: CatalogueEntry) {
  return { kind, id, summary, defaults, required, needs };
}

/** `(window=10s, scale=lots)`, as the flags take it; empty without parameters. Texts of more than `textMax` signs are left out. */
export function parametersText(parameters: Parameters, textMax = Infinity): string {
  const parts = Object.entries(parameters).map(([name, value]) => {
    const text = valueText(name, value);
    return `${name}=${text.length <= textMax ? text : "…"}`;
  });
  return parts.length === 0 ? "" : `(${parts.join(", ")})`;
}

function valueText(name: string, value: string | number | boolean): string {
  if (isDuration(name, value)) return nameOfWindow(value as number);
  const text = String(value).replace("Infinity", "infinity");
  // Lists, but not models, whose braces hold them together.
  return text.includes(",") && !text.startsWith("{") ? `"${text}"` : text;
}
