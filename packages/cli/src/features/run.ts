/** `stoa features`: events of files or of a live stream in, rows out: into a file, to standard output, or on a screen that refreshes. */
import { runFeatures, type RunProgress, type RunSummary } from "@stoa/features/io/batch";
import { csvHead, csvRows } from "@stoa/features/io/writers/csv";
import { fileSink } from "@stoa/features/io/writers/file-sink";
import type { FeatureSink } from "@stoa/features/io/writers/table";
import type { FeatureGraph } from "@stoa/features/graph/graph";
import { Failure } from "../failure.ts";
import type { FeaturesFlags } from "./flags.ts";
import { graphOf } from "./graph.ts";
import { liveScreen } from "./live-screen.ts";
import { progressLine } from "./progress.ts";
import { openInput } from "./sources.ts";
import { parseTimeNs } from "./time.ts";
import { summaryObject, summaryText } from "./summary.ts";

/** Live rows reach their file after so long at the latest. */
const liveFlushMs = 1_000;

export async function runFeaturesCommand(flags: FeaturesFlags): Promise<void> {
  const { follow, output } = flags;
  if (follow === undefined && output === undefined)
    throw new Failure("where do the rows go? --output out.parquet, or --output - for standard output");
  // What cannot be written is said before anything is read.
  const sink = sinkOf(flags);
  const source = await openInput(flags);
  const graph = graphOf(source, flags);
  const summary = await (follow === undefined ? runFiles : runLive)({ graph, source, sink, flags });
  const text = flags.json ? JSON.stringify(summaryObject(summary, output), null, 2) : summaryText(summary, output);
  (output === "-" || (output === undefined && process.stdout.isTTY !== true) ? process.stderr : process.stdout).write(
    `${text}\n`,
  );
}

interface Run {
  readonly graph: FeatureGraph;
  readonly source: Awaited<ReturnType<typeof openInput>>;
  readonly sink: FeatureSink;
  readonly flags: FeaturesFlags;
}

function sinkOf({ output, follow, compression }: FeaturesFlags): FeatureSink {
  if (output === "-" || (output === undefined && follow !== undefined && process.stdout.isTTY !== true))
    return standardOutput;
  return output === undefined ? nowhere : fileSink(output, { compression });
}

function settingsOf({ from, until, blockRows }: FeaturesFlags) {
  return {
    ...(from === undefined ? {} : { fromNs: parseTimeNs(from, "--from") }),
    ...(until === undefined ? {} : { untilNs: parseTimeNs(until, "--until") }),
    ...(blockRows === undefined ? {} : { blockRows }),
  };
}

/** To the end of the files. Ctrl-C takes back what was written. */
async function runFiles({ graph, source, sink, flags }: Run): Promise<RunSummary> {
  const line = progressLine();
  let interrupted = false;
  const interrupt = (): void => void (interrupted = true);
  const unheard = onEnding(interrupt);
  const onProgress = (progress: RunProgress): void => {
    if (interrupted) throw new Failure("interrupted: nothing was written");
    line.show(progress);
  };
  try {
    return await runFeatures(graph, source, { sink, ...settingsOf(flags), onProgress });
  } finally {
    line.end();
    unheard();
  }
}

/** Until Ctrl-C; what there is by then is finished. */
async function runLive({ graph, source, sink, flags }: Run): Promise<RunSummary> {
  const stop = new AbortController();
  const unheard = onEnding(() => stop.abort());
  const screen = flags.output === undefined && process.stdout.isTTY === true ? liveScreen(graph) : undefined;
  const line = flags.output === undefined ? undefined : progressLine();
  const onProgress = (progress: RunProgress): void => {
    screen?.show(progress);
    line?.show(progress);
  };
  try {
    const settings = { ...settingsOf(flags), blockRows: flags.blockRows ?? 4_096 };
    return await runFeatures(graph, source, {
      sink,
      ...settings,
      onProgress,
      flushMs: liveFlushMs,
      signal: stop.signal,
    });
  } finally {
    source.close?.();
    screen?.end();
    line?.end();
    unheard();
  }
}

/** One Ctrl-C may arrive several times: from the terminal, from npm, and from a Node that stands before this one. */
const repeatedMs = 1_000;

/** Calls `end` at the first SIGINT or SIGTERM. Whoever asks again later does not want to wait, and is obeyed at once. */
function onEnding(end: () => void): () => void {
  let firstMs: number | undefined;
  const heard = (): void => {
    if (firstMs !== undefined && firstMs + repeatedMs < performance.now()) process.exit(130);
    if (firstMs !== undefined) return;
    firstMs = performance.now();
    end();
  };
  process.on("SIGINT", heard);
  process.on("SIGTERM", heard);
  return () => {
    // What comes again may come while the process is ending.
    if (firstMs !== undefined) return;
    process.off("SIGINT", heard);
    process.off("SIGTERM", heard);
  };
}

const nothing = (): Promise<void> => Promise.resolve();

/** The rows are on the screen alone. */
const nowhere: FeatureSink = { open: () => Promise.resolve({ write: nothing, finish: nothing, abort: nothing }) };

/** CSV of the rows; tables have no place there. */
const standardOutput: FeatureSink = {
  async open(schema) {
    if (schema.table !== "") throw new Failure(`table ${schema.table} needs a file: --output out.parquet`);
    await written(csvHead(schema));
    return { write: (block) => written(csvRows(block, BigInt(schema.originNs))), finish: nothing, abort: nothing };
  },
};

function written(text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    process.stdout.write(text, (error) => (error == null ? resolve() : reject(error)));
  });
}
