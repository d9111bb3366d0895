/**
 * LOBSTER: the book after every message, made by the reader, beside the row of the file, read here again; and bars of a day's executions beside
 * those of the R package fmlr, which closes a volume bar before the trade that crosses (`crossing-next`).
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { timeBars, volumeBars } from "@stoa/features/bars/threshold-bars";
import { Book } from "@stoa/features/book/book";
import { blankEvent, EventFlag, EventKind, readEvent } from "@stoa/features/event";
import { every } from "@stoa/features/graph/clock";
import { features } from "@stoa/features/graph/graph";
import { openSource } from "@stoa/features/io/readers/open";
import { exact, type Agreement } from "./agreement.ts";
import { readTable } from "./table.ts";

export async function checkLobster(folder: string): Promise<Agreement[]> {
  const place = join(folder, "lobster");
  if (!existsSync(place)) return [];
  const names = readdirSync(place);
  const messages = names.filter((name) => name.includes("_message_"));
  const executions = names.filter((name) => name.endsWith("_executions.csv"));
  const rows = await Promise.all(messages.map((name) => checkRows(join(place, name))));
  const bars = await Promise.all(executions.map((name) => checkBars(place, name)));
  return [...rows, ...bars].flat();
}

async function checkRows(file: string): Promise<Agreement[]> {
  const rows = readFileSync(file.replace("_message_", "_orderbook_"), "utf8").trimEnd().split(/\r?\n/);
  const types = readFileSync(file, "utf8")
    .trimEnd()
    .split(/\r?\n/)
    .map((line) => line.split(",")[1]);
  const source = await openSource(file);
  const book = new Book();
  const event = blankEvent();
  let [row, equal, seenCorrected, isSnapshot] = [0, 0, 0, false];
  for await (const batch of source.batches()) {
    for (let at = 0; at < batch.count; at++) {
      readEvent(batch, at, event);
      book.apply(event);
      if (event.kind === EventKind.clear) isSnapshot = true;
      if ((event.flags & EventFlag.last) === 0) continue;
      if (!isSnapshot) equal += rowOf(book, rows[row]!.split(",").length / 4) === rows[row] ? 1 : 0;
      if (!isSnapshot) row++;
      isSnapshot = false;
    }
  }
  const { corrections } = source as typeof source & {
    readonly corrections: { readonly count: number; readonly seen: number };
  };
  seenCorrected = corrections.seen;
  const halts = types.filter((type) => type === "7").length;
  return [
    exact("LOBSTER: rows of the book that the messages reproduce, all levels shown", equal, rows.length - halts),
    exact(
      `LOBSTER: of those, rows without a correction at a price shown before (${corrections.count} levels came into view)`,
      rows.length - seenCorrected,
      rows.length,
    ),
  ];
}

/** The first levels as the file writes them: 0.0001 dollars, an empty level as +-9999999999. */
function rowOf({ bids, asks }: Book, levels: number): string {
  const cells: number[] = [];
  for (let level = 0; level < levels; level++) {
    for (const [side, none] of [
      [asks, 9_999_999_999],
      [bids, -9_999_999_999],
    ] as const) {
      const at = side.count - 1 - level;
      cells.push(at < 0 ? none : side.price[at]! * 100, at < 0 ? 0 : side.size[at]!);
    }
  }
  return cells.join(",");
}

/** Executions as a table of trades, with ticks of 0.0001 dollars as the file has them. */
async function checkBars(place: string, name: string): Promise<Agreement[]> {
  const mapping = {
    kind: "trade",
    time: { column: "Time", unit: "iso" },
    price: "Price",
    size: "Volume",
    instruments: { "*": { tick: "1" } },
  } as const;
  const agreements: Agreement[] = [];
  for (const [file, table, isVolume] of [
    ["vol_bar.csv.gz", volumeBars({ lots: 100, closing: "crossing-next" }), true],
    ["time_bar.csv.gz", timeBars({ step: 4e9 }), false],
  ] as const) {
    const path = join(place, "oracle_bars", file);
    if (!existsSync(path)) continue;
    const source = await openSource(join(place, name), { mapping });
    const graph = features({ ...source, clock: every.trade() }).table("bars", table);
    const bars: number[][] = [];
    const stream = graph.stream({ onTableRow: (_, timeNs, values) => bars.push([timeNs, ...values]) });
    for await (const batch of source.batches()) stream.pushBatch(batch);
    stream.advance(stream.timeNs + 3600e9);
    const places = ["high", "low", "open", "close", "volume"].map(
      (column) => 1 + table.columns.findIndex((one) => one.name === column),
    );
    const theirs = readTable(path);
    const wanted = ["H", "L", "O", "C", "V"].map((column) => theirs.numbers(column));
    // A bar that the next trade closes is open at the end of the day; theirs is written all the same.
    const count = isVolume ? theirs.count - 1 : theirs.count;
    let equal = 0;
    for (let row = 0; row < count; row++)
      if (places.every((at, column) => bars[row]?.[at] === wanted[column]![row])) equal++;
    agreements.push(
      exact(
        `fmlr: ${isVolume ? "closed bars of 100 shares" : "bars of 4 seconds"}, high, low, open, close and volume`,
        equal,
        count,
      ),
    );
  }
  return agreements;
}
