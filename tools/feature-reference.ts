/**
 * The reference of features, made from the catalogue: for every entry its parameters, columns, units, formulas, source and what it needs.
 * `docs/features/reference.md` is what it writes; `feature-reference.test.ts` says when that is stale.
 *
 *     npm run features:reference      writes docs/features/reference.md
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { catalogue } from "@stoa/features/catalogue";
import type { CatalogueEntry, Parameters } from "@stoa/features/catalogue-entry";
import { nameOfWindow } from "@stoa/features/naming";
import { featureSets } from "@stoa/features/presets/sets";

export const referencePath = "docs/features/reference.md";

const kinds = [
  [
    "feature",
    "Features",
    "Columns of the rows. The ones of a graph with several instruments begin with the instrument's name.",
  ],
  ["table", "Tables", "Rows of their own, each with `time_ns`, beside the rows of the graph."],
  [
    "normaliser",
    "Normalisers",
    "A column more for each column that they are given, from the past of that column alone.",
  ],
] as const;

/** The whole page. The same catalogue gives the same text. */
export function featureReference(): string {
  const parts = kinds.flatMap(([kind, title, about]) => [
    `## ${title}`,
    about,
    ...catalogue.filter((entry) => entry.kind === kind).map(entryText),
  ]);
  return `${[head(), setsText(), ...parts].join("\n\n")}\n`;
}

const head = (): string => `# Reference of features

Made by \`npm run features:reference\` from the catalogue in \`packages/features/src/catalogue.ts\`: ${catalogue.length} entries. The columns are those
of the parameters as they are by default, which are what \`stoa features --features\` takes; \`stoa features describe\` says them of any others.

Notation: best bid and ask b, a with sizes q^b, q^a; level m has p^b_m, q^b_m; mid m = (a + b) / 2; a trade has price p, size v and the sign s of its aggressor;
t is the time of the row. Prices are in ticks and sizes in lots unless the unit says otherwise. What has no value is null, never 0. "Lookback" is what a feature must
have seen before its values are those of one that has seen everything; the column \`warm\` is 1 once all have.`;

function setsText(): string {
  const rows = featureSets.map(({ name, summary, features }) => {
    const ids = features.map(({ id, parameters = {} }) => `\`${id}${parametersText(parameters)}\``);
    return `| \`${name}\` | ${cell(summary)} | ${ids.join(", ")} |`;
  });
  return ["## Sets", "", "| set | what it holds | features |", "| --- | --- | --- |", ...rows].join("\n");
}

function entryText(entry: CatalogueEntry): string {
  const { id, summary, defaults, required = {}, needs = [] } = entry;
  const made = entry.make({ ...required, ...defaults });
  const lines = [`### ${id}`, "", summary, ""];
  const columns =
    entry.kind === "normaliser"
      ? [
          {
            name: `*_${(made as { suffix: string }).suffix}`,
            unit: (made as { unit?: string }).unit ?? "as it was",
            formula: (made as { formula: string }).formula,
          },
        ]
      : (made as { columns: readonly { name: string; unit: string; formula: string }[] }).columns;
  lines.push("| column | unit | formula |", "| --- | --- | --- |");
  for (const column of shortened(columns))
    lines.push(`| \`${column.name}\` | ${cell(column.unit)} | ${formulaText(column.formula)} |`);
  lines.push("", parametersLine(defaults, required));
  const facts = [
    `version ${made.version}`,
    `source: ${made.source ?? "standard"}`,
    ...(made.lookback === undefined ? [] : [`lookback: ${made.lookback}`]),
    ...(needs.length === 0 ? [] : [`needs ${needs.join(", ")}`]),
    ...(made.scope === "all" ? ["about all instruments at once"] : []),
  ];
  return [...lines, "", `${facts.join("; ")}.`].join("\n");
}

const columnsShownMax = 16;

/** Of hundreds of columns the first and the last say what lies between. */
function shortened<Column extends { readonly name: string }>(
  columns: readonly Column[],
): readonly (Column | typeof between)[] {
  if (columns.length <= columnsShownMax) return columns;
  return [...columns.slice(0, columnsShownMax - 2), between, columns.at(-1)!];
}
const between = { name: "...", unit: "", formula: "" };

function parametersLine(defaults: Parameters, required: Parameters): string {
  const given = Object.entries(defaults).map(([name, value]) => `\`${name}\` ${code(name, value)}`);
  const must = Object.entries(required).map(
    ([name, value]) => `\`${name}\` (must be given, such as ${code(name, value)})`,
  );
  const all = [...must, ...given];
  return all.length === 0 ? "No parameters." : `Parameters: ${all.join(", ")}.`;
}

/** A fitted model is too long to be shown. */
const textMax = 60;
const code = (name: string, value: string | number | boolean): string =>
  String(value).length > textMax ? "(a long text)" : `\`${valueText(name, value)}\``;

const durations = /^(window|step|horizon|halfLife|tau|bin|stale|bar|lag|delay|age|interval|timeout|vertical)$/;
const valueText = (name: string, value: string | number | boolean): string =>
  typeof value === "number" && 1e3 <= value && durations.test(name) ? nameOfWindow(value) : String(value);

function parametersText(parameters: Parameters): string {
  const parts = Object.entries(parameters).map(([name, value]) => `${name}=${valueText(name, value)}`);
  return parts.length === 0 ? "" : `(${parts.join(", ")})`;
}

/** A bar would end the cell, and an underscore or an asterisk between words would slant them. */
const cell = (text: string): string => text.replace(/[|*_<]/g, (sign) => `\\${sign}`).replaceAll("\n", " ");

const formulaText = (formula: string): string => (formula === "" ? "" : `\`${formula.replaceAll("|", "\\|")}\``);

if (import.meta.main) writeFileSync(join(import.meta.dirname, "..", referencePath), featureReference());
