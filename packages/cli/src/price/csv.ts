/**
 * CSV files with a line of names, as exchanges and spreadsheets write them (RFC 4180: commas, quotes, doubled quotes), plain
 * or packed with gzip. Whatever is wrong is said with the file, the row as an editor counts it, and the column.
 */
import { readFileSync, statSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { Failure } from "../failure.ts";

export interface CsvRow {
  /** As an editor counts lines: the line of names is 1. */
  readonly line: number;
  readonly cells: readonly string[];
}

export interface CsvFile {
  readonly file: string;
  readonly names: readonly string[];
  readonly rows: readonly CsvRow[];
}

export function readCsv(file: string): CsvFile {
  if (statSync(file).isDirectory()) throw new Failure(`${file} is a folder: a CSV file is wanted`);
  const text = unpacked(file, readFileSync(file)).toString("utf8");
  const lines = parseCsv(text.replace(/^\uFEFF/, ""), file);
  const [head, ...rows] = lines;
  if (head === undefined) throw new Failure(`${file} is empty: a line with the names of its columns is wanted`);
  const names = head.cells.map((name) => name.trim());
  for (const row of rows) {
    if (row.cells.length === names.length) continue;
    throw new Failure(`${file} row ${row.line}: ${row.cells.length} columns, but the first line names ${names.length}`);
  }
  return { file, names, rows };
}

function unpacked(file: string, bytes: Buffer): Buffer {
  if (!(bytes[0] === 0x1f && bytes[1] === 0x8b)) return bytes;
  try {
    return gunzipSync(bytes);
  } catch (error) {
    throw new Failure(`${file} begins as gzip writes files, but cannot be unpacked: ${(error as Error).message}`);
  }
}

/** Empty lines are left out. */
function parseCsv(text: string, file: string): CsvRow[] {
  const rows: CsvRow[] = [];
  let [line, lineOfRow, cell, quoted] = [1, 1, "", false];
  let cells: string[] = [];
  const endRow = (): void => {
    if (0 < cells.length || cell !== "") rows.push({ line: lineOfRow, cells: [...cells, cell] });
    [cells, cell] = [[], ""];
  };
  for (let index = 0; index < text.length; index++) {
    const sign = text[index]!;
    if (sign === "\n") line++;
    if (quoted) {
      if (sign !== '"') cell += sign;
      else if (text[index + 1] === '"') cell += text[++index]!;
      else quoted = false;
    } else if (sign === '"' && cell === "") quoted = true;
    else if (sign === ",") [cells, cell] = [[...cells, cell], ""];
    else if (sign === "\n") {
      endRow();
      lineOfRow = line;
    } else if (sign !== "\r") cell += sign;
  }
  if (quoted) throw new Failure(`${file} row ${lineOfRow}: a quotation mark is never closed`);
  endRow();
  return rows;
}

/** Which column plays which part; `wanted` parts that are not there are refused with the names that would be understood. */
export function columnsOf<Part extends string>(
  csv: CsvFile,
  known: Readonly<Record<Part, readonly string[]>>,
  chosen: Readonly<Record<string, string>> = {},
): Readonly<Partial<Record<Part, number>>> {
  const found: Partial<Record<Part, number>> = {};
  const lower = csv.names.map((name) => name.toLowerCase());
  for (const [part, name] of Object.entries(chosen)) {
    if (!(part in known)) throw new Failure(`--columns: ${part} is no part: ${Object.keys(known).join(", ")}`);
    if (!lower.includes(name.toLowerCase()))
      throw new Failure(`--columns ${part}=${name}: ${csv.file} has no column ${name}, but ${csv.names.join(", ")}`);
  }
  for (const part of Object.keys(known) as Part[]) {
    const names = chosen[part] === undefined ? known[part] : [chosen[part]];
    const column = names.map((name) => lower.indexOf(name.toLowerCase())).find((index) => 0 <= index);
    if (column !== undefined) found[part] = column;
  }
  return found;
}

/** The number in a cell; undefined when it is empty (or says so), a `Failure` when it is something else. */
export function numberAt(csv: CsvFile, row: CsvRow, column: number | undefined): number | undefined {
  const text = textAt(row, column);
  if (text === undefined || /^(nan|null|none|-|n\/a)$/i.test(text)) return undefined;
  const value = Number(text);
  if (Number.isFinite(value)) return value;
  throw cellFailure(csv, row, column!, "a number is wanted");
}

export function textAt(row: CsvRow, column: number | undefined): string | undefined {
  const text = column === undefined ? "" : row.cells[column]!.trim();
  return text === "" ? undefined : text;
}

export function cellFailure(csv: CsvFile, row: CsvRow, column: number, what: string): Failure {
  return new Failure(`${csv.file} row ${row.line}, column ${csv.names[column]}: "${row.cells[column]}": ${what}`);
}
