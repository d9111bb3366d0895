/**
 * CSV: a line of names, then a line per row, numbers as the shortest text that reads back to the same double, nothing for null. The schema
 * lies beside it in `FILE.schema.json`, since the format has no place for it.
 */
import { openPartFile, writeWhole } from "./part-file.ts";
import { schemaText, type OutputSchema } from "./output-schema.ts";
import { epochTimes, type RowBlock, type TableWriter } from "./table.ts";

export async function csvTable(path: string, schema: OutputSchema): Promise<TableWriter> {
  const file = await openPartFile(path);
  const encoder = new TextEncoder();
  await file.write(encoder.encode(csvHead(schema)));
  return {
    write: (block) => file.write(encoder.encode(csvRows(block, BigInt(schema.originNs)))),
    async finish() {
      await writeWhole(`${path}.schema.json`, `${schemaText(schema)}\n`);
      await file.finish();
    },
    abort: () => file.abort(),
  };
}

export const csvHead = (schema: OutputSchema): string =>
  `${schema.columns.map(({ name }) => (/[",\n]/.test(name) ? `"${name.replaceAll('"', '""')}"` : name)).join(",")}\n`;

export function csvRows(block: RowBlock, originNs: bigint): string {
  const { count, width, values } = block;
  const times = epochTimes(block, originNs);
  let text = "";
  for (let row = 0; row < count; row++) {
    text += times[row];
    for (let column = 0; column < width; column++) {
      const value = values[row * width + column] as number;
      text += Number.isNaN(value) ? "," : `,${value}`;
    }
    text += "\n";
  }
  return text;
}
