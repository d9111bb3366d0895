/** `stoa features describe`: what the columns of a set, of given features or of a written file are. */
import { readSchema } from "@stoa/features/io/writers/read-schema";
import { schemasOf, type OutputColumn, type OutputSchema } from "@stoa/features/io/writers/output-schema";
import { textTable } from "../price/text-table.ts";
import type { DescribeFlags } from "./flags.ts";
import { anyInstrument, graphOf } from "./graph.ts";
import { parameterTextMax, parametersText } from "./list.ts";
import { clockText } from "./summary.ts";

export async function runDescribe(file: string | undefined, flags: DescribeFlags): Promise<void> {
  const schemas =
    file === undefined
      ? schemasOf(graphOf({ instruments: [anyInstrument], originNs: 0n }, flags))
      : [await readSchema(file)];
  if (flags.json) return console.log(JSON.stringify(schemas.length === 1 ? schemas[0] : schemas, null, 2));
  console.log(schemas.map((schema) => schemaText(schema, file)).join("\n\n"));
}

function schemaText(schema: OutputSchema, file: string | undefined): string {
  const { table, columns, clock, gaps, schemaHash, instruments } = schema;
  const title = table === "" ? "rows" : `table ${table}`;
  const about =
    file === undefined
      ? `${title}: ${columns.length} columns, a row ${clockText(clock)}, gaps ${gaps}`
      : `${file}: ${title}, ${columns.length} columns, a row ${clockText(clock)}, gaps ${gaps}\n${instruments
          .slice(0, 8)
          .map(({ name, kind, tick, lot }) => `${name} (${kind}, tick ${tick}, lot ${lot})`)
          .join(", ")}${instruments.length > 8 ? `, and ${instruments.length - 8} more` : ""}\nschema ${schemaHash}`;
  const rows = columns.map((column) => [
    column.name,
    column.unit,
    `${column.feature}@${column.version}${parametersText(column.parameters, parameterTextMax)}`,
    column.lookback,
    column.formula,
  ]);
  return `${about}\n\n${textTable(["column", "unit", "feature", "lookback", "formula"], rows, 5)}\n${sourcesText(columns)}`;
}

/** Where the formulas come from, once each. */
function sourcesText(columns: readonly OutputColumn[]): string {
  const sources = [...new Set(columns.map(({ source }) => source))].filter((one) => one !== "" && one !== "standard");
  return sources.length === 0 ? "" : `\nsources:\n${sources.map((one) => `  ${one}`).join("\n")}`;
}
