/**
 * `npm run verify:pricing -- [family or function ...] [--points 100000] [--samples] [--write]`: measures every registered numeric
 * function against 50-digit arithmetic on a seeded grid, and QuantLib on the same grid, and prints the worst errors in units in
 * the last place. `--write` puts the rows into docs/pricing/accuracy.md; `--samples` writes the small tables that `npm test` reads.
 *
 * The truth is computed by Python (mpmath, QuantLib, pinned below) in an environment of its own in .stoa, made when absent; or by
 * the interpreter that STOA_PYTHON names, which must have the packages. Knows nothing of the functions themselves.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { errorOf, families, rowsOf, sampleCountOf, type MeasuredFunction } from "./measured-function.ts";
import { encodeSamples } from "./samples.ts";

const root = join(import.meta.dirname, "..", "..");
const requirements = ["mpmath==1.3.0", "gmpy2==2.2.1", "QuantLib==1.39"];
const page = join(root, "docs", "pricing", "accuracy.md");
const fixtures = join(root, "packages", "pricing", "test", "fixtures", "accuracy");

type Measured = { readonly family: string; readonly measured: MeasuredFunction };
type Truths = { readonly truth: Float64Array; readonly rows: readonly (readonly number[])[] };
type Line = {
  readonly name: string;
  readonly points: number;
  readonly worst: number;
  readonly place: string;
  readonly peer: Float64Array;
  readonly peerRefusals: number;
  readonly hasPeer: boolean;
};

const started = process.argv.slice(2);
const option = (name: string): boolean => started.includes(name);
const pointsIndex = started.indexOf("--points");
const points = pointsIndex < 0 ? 100_000 : Number(started[pointsIndex + 1]);
const wanted = started.filter(
  (word, index) => !word.startsWith("--") && (pointsIndex < 0 || index !== pointsIndex + 1),
);

const python = interpreter();
let failures = 0;
for (const { family, measured } of await chosen()) {
  if (option("--samples")) writeSamples(measured, truthsOf(family, measured, sampleCountOf(measured)));
  else failures += report(measured, truthsOf(family, measured, points));
}
process.exitCode = failures === 0 ? 0 : 1;

async function chosen(): Promise<Measured[]> {
  const all: Measured[] = [];
  for (const family of families) {
    const { functions } = (await import(`./${family}.ts`)) as { functions: readonly MeasuredFunction[] };
    for (const measured of functions)
      if (wanted.length === 0 || wanted.includes(family) || wanted.includes(measured.name))
        all.push({ family, measured });
  }
  if (all.length === 0)
    throw new Error(`no family or function is named ${wanted.join(", ")}; families: ${families.join(", ")}`);
  return all;
}

/** The Python to use, its environment made when absent. Says plainly when there is no Python. */
function interpreter(): string {
  const named = process.env["STOA_PYTHON"];
  if (named !== undefined) return named;
  const digest = createHash("sha256").update(requirements.join()).digest("hex").slice(0, 12);
  const folder = join(root, ".stoa", `accuracy-${digest}`);
  const inside = join(folder, "bin", "python");
  if (existsSync(join(folder, "complete"))) return inside;
  if (spawnSync("python3", ["--version"]).status !== 0) {
    console.error("verify:pricing needs Python 3.9 or later as `python3` (with its venv module), and it is not here.");
    console.error("Install it, or name an interpreter that has", requirements.join(", "), "in STOA_PYTHON.");
    process.exit(2);
  }
  console.log(`making a Python environment in ${folder} with ${requirements.join(", ")}`);
  execFileSync("python3", ["-m", "venv", folder], { stdio: "inherit" });
  execFileSync(inside, ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", ...requirements], {
    stdio: "inherit",
  });
  writeFileSync(join(folder, "complete"), requirements.join("\n"));
  return inside;
}

/** Five doubles for each row and result: see truth.py. */
function truthsOf(family: string, measured: MeasuredFunction, count: number): Truths {
  const rows = rowsOf(measured, count);
  const folder = mkdtempSync(join(tmpdir(), "stoa-accuracy-"));
  try {
    const [source, target] = [join(folder, "rows"), join(folder, "truth")];
    writeFileSync(source, new Uint8Array(Float64Array.from(rows.flat()).buffer));
    const script = join(import.meta.dirname, "truth.py");
    const columns = String(measured.columns.length);
    execFileSync(
      python,
      [script, family.replaceAll("-", "_"), measured.name, columns, measured.results.join(","), source, target],
      { stdio: ["ignore", "inherit", "inherit"] },
    );
    const truth = new Float64Array(new Uint8Array(readFileSync(target)).buffer);
    if (truth.length !== 5 * rows.length * measured.results.length)
      throw new Error(`${measured.name}: rows are missing`);
    return { truth, rows };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Prints and writes the lines of one function; the count of results above their bound. */
function report(measured: MeasuredFunction, truths: Truths): number {
  const values = truths.rows.map((row) => measured.evaluate(row));
  let above = 0;
  for (const [index, result] of measured.results.entries()) {
    const line = lineOf(
      measured,
      index,
      truths,
      values.map((value) => value[result] as number),
    );
    const bound = measured.bounds?.[result];
    const over = bound !== undefined && !(line.worst <= bound);
    if (over) above++;
    const text = tableRow(line);
    console.log(over ? `${text} ABOVE ITS BOUND ${bound}` : text);
    if (option("--write")) writeRow(line.name, text);
  }
  return above;
}

function lineOf(measured: MeasuredFunction, index: number, { truth, rows }: Truths, values: readonly number[]): Line {
  const width = 5 * measured.results.length;
  const peer: number[] = [];
  let worst = -1;
  let place = "";
  let points = 0;
  let peerRefusals = 0;
  let hasPeer = false;
  for (const [position, row] of rows.entries()) {
    const first = position * width + 5 * index;
    const [high, low, exponent, unitExponent, quantlib] = truth.subarray(first, first + 5) as unknown as number[] & {
      length: 5;
    };
    if (high !== high) continue;
    points++;
    const expected = { high: high!, low: low!, exponent: exponent!, unitExponent: unitExponent! };
    const error = errorOf(values[position]!, expected);
    if (worst < error) [worst, place] = [error, measured.columns.map((name, at) => `${name} ${row[at]}`).join(", ")];
    if (quantlib === quantlib) {
      hasPeer = true;
      peer.push(errorOf(quantlib!, expected));
    } else peerRefusals++;
  }
  const name = measured.results.length === 1 ? measured.name : `${measured.name}.${measured.results[index]}`;
  return { name, points, worst, place, peer: Float64Array.from(peer).sort(), peerRefusals, hasPeer };
}

function tableRow({ name, points, worst, place, peer, peerRefusals, hasPeer }: Line): string {
  const peers = hasPeer ? [0.5, 0.99, 1].map((part) => figure(quantile(peer, part))) : ["", "", ""];
  const refused = hasPeer ? String(peerRefusals) : "";
  return `| ${name} | ${points} | ${figure(worst)} | ${place} | ${peers.join(" | ")} | ${refused} |`;
}

function quantile(sorted: Float64Array, part: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? NaN;
}

function figure(x: number): string {
  if (!Number.isFinite(x)) return "no digit";
  return x < 100 ? x.toFixed(3) : x.toExponential(1);
}

/** Replaces the row of that name in the table of the page, or puts it at its place in the alphabet. */
function writeRow(name: string, text: string): void {
  const [head, tail] = ["<!-- measured: begin -->", "<!-- measured: end -->"];
  const whole = readFileSync(page, "utf8");
  const [from, to] = [whole.indexOf(head) + head.length, whole.indexOf(tail)];
  const lines = whole.slice(from, to).trim().split("\n");
  const body = lines.slice(2).filter((line) => !line.startsWith(`| ${name} |`) && line !== "");
  body.push(text);
  body.sort();
  writeFileSync(page, `${whole.slice(0, from)}\n\n${[...lines.slice(0, 2), ...body].join("\n")}\n\n${whole.slice(to)}`);
}

function writeSamples(measured: MeasuredFunction, { truth, rows }: Truths): void {
  mkdirSync(fixtures, { recursive: true });
  const bytes = encodeSamples(measured, rows, truth);
  writeFileSync(join(fixtures, `${measured.name}.bin`), bytes);
  console.log(`${measured.name}: ${rows.length} rows, ${bytes.length} bytes`);
}
