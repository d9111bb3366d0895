/** What a run has written, in the end: rows and nulls of each table, gaps and what else was odd. */
import type { RunSummary, TableSummary } from "@stoa/features/io/batch";
import { tablePath } from "@stoa/features/io/writers/file-sink";
import { textTable } from "../price/text-table.ts";

/** Columns that are shown by name because they have the most nulls. */
const emptiestCount = 5;

export function summaryText(summary: RunSummary, output: string | undefined): string {
  const { tables, source, lateCount, unknownOrdersCount } = summary;
  const rows = tables.map((table) => {
    const { rowsCount, schema, firstNs, lastNs } = table;
    const values = rowsCount * (schema.columns.length - 1);
    return [
      nameOf(table, output),
      rowsCount.toLocaleString("en-US"),
      String(schema.columns.length),
      values === 0 ? "" : `${((100 * nullsOf(table)) / values).toFixed(2)} %`,
      momentOf(firstNs),
      momentOf(lastNs),
    ];
  });
  const lines = [textTable(["", "rows", "columns", "nulls", "first", "last"], rows), "", eventsLine(summary)];
  const emptiest = emptiestOf(tables[0]!);
  if (emptiest !== "") lines.push(`most nulls: ${emptiest}`);
  if (source.gapsCount > 0)
    lines.push(`gaps: ${source.gapsCount} (something was missed: nulls until the next snapshot)`);
  if (lateCount > 0) lines.push(`late: ${lateCount} events were stamped earlier than one before them`);
  if (unknownOrdersCount > 0)
    lines.push(`unknown orders: ${unknownOrdersCount} events named an order that was not there`);
  return lines.join("\n");
}

function eventsLine({ source }: RunSummary): string {
  const skipped = source.skippedCount === 0 ? "" : `, ${source.skippedCount.toLocaleString("en-US")} records left out`;
  return `${source.eventsCount.toLocaleString("en-US")} events${skipped}, gaps ${source.gapsCount}`;
}

const nameOf = ({ schema }: TableSummary, output: string | undefined): string => {
  if (output === undefined || output === "-") return schema.table === "" ? "rows" : schema.table;
  return tablePath(output, schema.table);
};

const nullsOf = ({ nullsCount }: TableSummary): number => nullsCount.reduce((sum, count) => sum + count, 0);

function emptiestOf({ schema, nullsCount, rowsCount }: TableSummary): string {
  const named = [...nullsCount].map((count, index) => ({ name: schema.columns[index + 1]!.name, count }));
  return named
    .filter(({ count }) => count > 0)
    .sort((one, other) => other.count - one.count)
    .slice(0, emptiestCount)
    .map(({ name, count }) => `${name} ${((100 * count) / rowsCount).toFixed(2)} %`)
    .join(", ");
}

/** To the millisecond; the file has it to the nanosecond. */
export function momentOf(ns: bigint | undefined): string {
  if (ns === undefined) return "";
  return new Date(Number(ns / 1_000_000n)).toISOString().replace("T", " ").replace("Z", "");
}

/** When rows are written, as the end of a sentence: of a clock as `--clock` takes it. */
export function clockText(clock: string): string {
  const [kind, count] = clock.split(":");
  if (kind === "book")
    return count === undefined ? "after every change of the book" : `after every change of the first ${count} levels`;
  if (kind === "volume") return `after every ${count} lots that were traded`;
  return kind === "event" || kind === "trade" || kind === "block" ? `after every ${kind}` : `every ${clock}`;
}

/** Everything, for programs. */
export function summaryObject(summary: RunSummary, output: string | undefined) {
  const { tables, source, lateCount, unknownOrdersCount } = summary;
  return {
    tables: tables.map((table) => ({
      table: table.schema.table,
      ...(output === undefined || output === "-" ? {} : { file: tablePath(output, table.schema.table) }),
      rows: table.rowsCount,
      schemaHash: table.schema.schemaHash,
      firstNs: table.firstNs?.toString() ?? null,
      lastNs: table.lastNs?.toString() ?? null,
      nulls: Object.fromEntries(
        table.schema.columns.slice(1).map(({ name }, index) => [name, table.nullsCount[index]]),
      ),
    })),
    events: source.eventsCount,
    gaps: source.gapsCount,
    skipped: source.skippedCount,
    late: lateCount,
    unknownOrders: unknownOrdersCount,
  };
}
