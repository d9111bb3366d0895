/** Rows of the CSV files that other programs computed: cells as text, by the name of the column. Small files, read whole. */
import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";

export interface Table {
  readonly count: number;
  /** NaN for a cell that is empty or no number. */
  numbers(column: string): number[];
  texts(column: string): string[];
}

export function readTable(file: string): Table {
  const bytes = readFileSync(file);
  const text = (file.endsWith(".gz") ? gunzipSync(bytes) : bytes).toString();
  const [header = "", ...lines] = text.trimEnd().split(/\r?\n/);
  const names = header.split(",").map((name) => name.replaceAll('"', ""));
  const rows = lines.map((line) => line.split(","));
  const texts = (column: string): string[] => {
    const place = names.indexOf(column);
    if (place === -1) throw new Error(`${file} has no column ${column}, but ${names.join(", ")}`);
    return rows.map((cells) => cells[place] ?? "");
  };
  return {
    count: rows.length,
    texts,
    numbers: (column) => texts(column).map((text) => (text === "" ? NaN : Number(text))),
  };
}
