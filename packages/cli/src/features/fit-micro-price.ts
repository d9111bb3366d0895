/**
 * `stoa features fit-micro-price`: counts what followed each quote of recorded files and writes the table that the feature `micro` takes
 * (`--features "micro(table=@micro.json)"`). One instrument at a time; what a fit is, and when it is refused, the library says.
 */
import { writeFileSync } from "node:fs";
import { MicroPriceFit } from "@stoa/features/micro-price/fit";
import { printMicroPriceTable, type MicroPriceTable } from "@stoa/features/micro-price/table";
import { Failure } from "../failure.ts";
import { textTable } from "../price/text-table.ts";
import type { FitMicroPriceFlags } from "./flags.ts";
import { openInput } from "./sources.ts";

export async function runFitMicroPrice(flags: FitMicroPriceFlags): Promise<void> {
  const { output, buckets, spreads, edges, follow, from, until } = flags;
  if (follow !== undefined)
    throw new Failure("a fit is of recorded files: --follow with --record writes one, --input reads it");
  if (from !== undefined || until !== undefined)
    throw new Failure("a fit is of whole files: --from and --until are not for it");
  const source = await openInput(flags);
  const [instrument, ...others] = source.instruments;
  if (instrument === undefined) throw new Failure("the input names no instrument");
  if (others.length > 0) {
    const names = source.instruments.slice(0, 12).map(({ name }) => name);
    throw new Failure(`a fit is of one of ${source.instruments.length} instruments: --instrument ${names.join(", ")}`);
  }
  const fit = new MicroPriceFit({ instrument, imbalanceBuckets: buckets, spreadBuckets: spreads, edges });
  for await (const batch of source.batches()) fit.take(batch);
  const table = fit.finish();
  writeFileSync(output, `${printMicroPriceTable(table)}\n`);
  console.log(summaryOf(table));
  console.error(`the table is in ${output}: stoa features --features "micro(table=@${output})" ...`);
}

/** The adjustments in ticks, a row for each spread. */
function summaryOf({
  imbalanceEdges,
  adjustments,
  observationsCount,
  droppedCount,
  spectralRadius,
}: MicroPriceTable): string {
  const heads = ["0", ...imbalanceEdges.map((edge) => edge.toFixed(2))].map((edge) => `I >= ${edge}`);
  const rows = adjustments.map((row, index) => [
    `${index + 1}`,
    ...row.map((value) => (Number.isNaN(value) ? "" : value.toFixed(3))),
  ]);
  const counts = `${observationsCount} pairs of quotes, ${droppedCount} left out, spectral radius at most ${spectralRadius.toFixed(4)}`;
  return `${textTable(["spread", ...heads], rows, 1)}\n\n${counts}`;
}
