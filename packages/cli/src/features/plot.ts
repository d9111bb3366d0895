/** `stoa features plot`: a page of the book, its trades, the chosen columns and tables over time. */
import { writeFileSync } from "node:fs";
import { basename } from "node:path";
import { matches } from "@stoa/features/graph/graph";
import { renderPage } from "../chart/page.ts";
import { Failure } from "../failure.ts";
import type { PlotFlags } from "./flags.ts";
import { graphOf } from "./graph.ts";
import { gatherPlot } from "./plot-data.ts";
import { plotPage } from "./plot-page.ts";
import { progressLine } from "./progress.ts";
import { openInput } from "./sources.ts";
import { parseTimeNs } from "./time.ts";

/** So many columns are drawn when nobody chose. */
const columnsCountMax = 12;

export async function runPlot(flags: PlotFlags): Promise<void> {
  const { output, columns, levels, from, until, follow, input } = flags;
  if (!/\.html?$/i.test(output)) throw new Failure(`--output ${output}: a page ends in .html`);
  if (follow !== undefined) throw new Failure("a page has an end: --follow goes with stoa features, --input with plot");
  const source = await openInput(flags);
  const graph = graphOf(source, flags);
  const chosen = chosenColumns(
    graph.columns.slice(2).map(({ name }) => name),
    columns,
  );
  const line = progressLine();
  const data = await gatherPlot(graph, source, {
    levels,
    onProgress: (progress) => line.show(progress),
    ...(from === undefined ? {} : { fromNs: parseTimeNs(from, "--from") }),
    ...(until === undefined ? {} : { untilNs: parseTimeNs(until, "--until") }),
  }).finally(() => line.end());
  if (data.summary.tables[0]!.rowsCount === 0 && data.book.list.length === 0)
    throw new Failure("nothing to draw: there were no rows, and the book never changed");
  writeFileSync(
    output,
    renderPage(plotPage(data, { title: input!.map((file) => basename(file)).join(", "), columns: chosen })),
  );
  console.error(`the page is in ${output}`);
}

function chosenColumns(names: readonly string[], wanted: string | undefined): readonly string[] {
  if (wanted === undefined) return names.slice(0, columnsCountMax);
  const patterns = wanted.split(",").map((one) => one.trim());
  for (const pattern of patterns) {
    if (!names.some((name) => matches(pattern, name)))
      throw new Failure(`--columns ${pattern}: there is no such column: ${names.slice(0, 40).join(", ")}`);
  }
  return names.filter((name) => patterns.some((pattern) => matches(pattern, name)));
}
