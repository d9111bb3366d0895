/** The last row of a live run on a terminal, drawn over itself: every column with its value and unit. */
import type { FeatureGraph } from "@stoa/features/graph/graph";
import type { RunProgress } from "@stoa/features/io/batch";
import { shown } from "../price/text-table.ts";
import { momentOf } from "./summary.ts";

export interface LiveScreen {
  show(progress: RunProgress): void;
  end(): void;
}

const intervalMs = 200;
const [clearScreen, home, clearLine, clearBelow] = ["\x1b[2J", "\x1b[H", "\x1b[K", "\x1b[J"];
const [hideCursor, showCursor] = ["\x1b[?25l", "\x1b[?25h"];

export function liveScreen(graph: FeatureGraph, output: NodeJS.WriteStream = process.stdout): LiveScreen {
  let shownMs = -Infinity;
  return {
    show(progress) {
      const nowMs = performance.now();
      if (nowMs - shownMs < intervalMs) return;
      const size = { rows: Math.max(4, (output.rows ?? 24) - 1), columns: output.columns ?? 80 };
      const lines = liveLines(graph, progress, size).map((line) => `${line}${clearLine}`);
      output.write(`${shownMs === -Infinity ? hideCursor + clearScreen : ""}${home}${lines.join("\n")}\n${clearBelow}`);
      shownMs = nowMs;
    },
    end: () => void output.write(`${showCursor}\n`),
  };
}

/** In as many columns as the lines need: nothing is left out unless the screen is too small for it. */
export function liveLines(
  graph: FeatureGraph,
  progress: RunProgress,
  size: { readonly rows: number; readonly columns: number },
): string[] {
  const { stream, rowsCount, eventsCount, gapsCount, timeNs } = progress;
  const warm = stream.warm ? "warm" : "warming up";
  const head = `${momentOf(timeNs)} UTC   ${eventsCount.toLocaleString("en-US")} events   ${rowsCount.toLocaleString("en-US")} rows   gaps ${gapsCount}   ${warm}   Ctrl-C ends it`;
  const columns = graph.columns.slice(2);
  const nameWidth = Math.max(...columns.map(({ name }) => name.length), 4);
  const unitWidth = Math.max(...columns.map(({ unit }) => unit.length), 4);
  const cells = columns.map(({ name, unit }, index) => {
    const value = stream.row[index + 2]!;
    const text = Number.isNaN(value) ? "null" : shown(value);
    return `${name.padEnd(nameWidth)} ${text.padStart(13)} ${unit.padEnd(unitWidth)}`;
  });
  const across = Math.max(1, Math.floor((size.columns + 3) / (nameWidth + unitWidth + 18)));
  const down = Math.ceil(cells.length / across);
  const body = Array.from({ length: down }, (_, row) =>
    Array.from({ length: across }, (_, column) => cells[column * down + row] ?? "").join("   "),
  );
  return [head, "", ...body].slice(0, size.rows).map((line) => line.trimEnd().slice(0, size.columns));
}
