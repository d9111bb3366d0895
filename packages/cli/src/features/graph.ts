/** A graph by the flags, over the instruments of a source. */
import { compiledCalls } from "@stoa/features/compiled/calls";
import { features, type FeatureGraph } from "@stoa/features/graph/graph";
import type { Instrument } from "@stoa/features/instrument";
import type { EventSource } from "@stoa/features/io/source";
import { Failure } from "../failure.ts";
import type { SelectFlags } from "./flags.ts";
import { addSelected, parseClock } from "./selection.ts";

/** More columns than this are not a table that anybody reads: many instruments, and features of each. */
const columnsCountMax = 5_000;

export function graphOf(
  { instruments, originNs }: Pick<EventSource, "instruments" | "originNs">,
  flags: SelectFlags,
): FeatureGraph {
  if (instruments.length === 0) throw new Failure("the input names no instrument");
  const graph = features({
    instruments,
    originNs,
    clock: parseClock(flags.clock),
    gaps: flags.gaps,
    calls: compiledCalls(),
  });
  addSelected(graph, flags);
  if (graph.columns.length <= columnsCountMax) return graph;
  const some = instruments.slice(0, 3).map(({ name }) => name);
  throw new Failure(
    `${instruments.length} instruments make ${graph.columns.length} columns: choose with --instrument ${some.join(" ")}`,
  );
}

/** Stands for an instrument where only the columns are asked for. */
export const anyInstrument: Instrument = {
  name: "INSTRUMENT",
  kind: "other",
  tick: { multiply: 1, divide: 1 },
  lot: { multiply: 1, divide: 1 },
  multiplier: 1,
};
