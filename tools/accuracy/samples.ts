/**
 * The small tables of truths that `npm test` reads: a hash of the rows that they belong to and sixteen bytes for each row and
 * result. Rows are stored only where they depend on the last bits of another result; else the seeded rule makes them again, and
 * the hash notices when the rule has changed.
 */
import { createHash } from "node:crypto";
import { rowsOf, sampleCountOf, type MeasuredFunction, type Truth } from "./measured-function.ts";

type Rows = readonly (readonly number[])[];

const headSize = 32;
const truthSize = 16;

const bytesOfRows = (rows: Rows): Uint8Array => new Uint8Array(Float64Array.from(rows.flat()).buffer);
const hashOf = (bytes: Uint8Array): Uint8Array => createHash("sha256").update(bytes).digest();

/** `truths` as truth.py gives them, five doubles each; what QuantLib said is left out. A truth that is none has NaN for high. */
export function encodeSamples(measured: MeasuredFunction, rows: Rows, truths: Float64Array): Uint8Array {
  const rowBytes = bytesOfRows(rows);
  const truthBytes = new Uint8Array((truthSize * truths.length) / 5);
  const view = new DataView(truthBytes.buffer);
  for (let index = 0; index < truths.length / 5; index++) {
    const [high, low, exponent, unitExponent] = truths.subarray(5 * index, 5 * index + 4) as unknown as [
      number,
      number,
      number,
      number,
    ];
    const offset = truthSize * index;
    view.setFloat64(offset, high, true);
    view.setFloat32(offset + 8, low, true);
    view.setInt16(offset + 12, exponent, true);
    view.setInt16(offset + 14, unitExponent, true);
  }
  return Buffer.concat([hashOf(rowBytes), measured.keepsRows === true ? rowBytes : new Uint8Array(0), truthBytes]);
}

/** The rows and their truths in the order of rows and results. Throws when they do not belong together any more. */
export function decodeSamples(
  measured: MeasuredFunction,
  bytes: Uint8Array,
): { readonly rows: Rows; readonly truths: readonly Truth[] } {
  const width = 8 * measured.columns.length + truthSize * measured.results.length;
  const rowsSize = measured.keepsRows === true ? ((bytes.length - headSize) / width) * 8 * measured.columns.length : 0;
  const rows =
    measured.keepsRows === true
      ? readRows(new Uint8Array(bytes.subarray(headSize, headSize + rowsSize)), measured.columns.length)
      : rowsOf(measured, sampleCountOf(measured));
  const truths = readTruths(bytes.subarray(headSize + rowsSize));
  const whole = truths.length === rows.length * measured.results.length;
  if (!whole || Buffer.compare(hashOf(bytesOfRows(rows)), bytes.subarray(0, headSize)) !== 0)
    throw new Error(
      `${measured.name}: the rule for its points has changed; npm run verify:pricing -- ${measured.name} --samples`,
    );
  return { rows, truths };
}

function readRows(bytes: Uint8Array, columns: number): number[][] {
  const values = Array.from(new Float64Array(bytes.buffer, 0, bytes.length / 8));
  return Array.from({ length: values.length / columns }, (_, index) =>
    values.slice(columns * index, columns * (index + 1)),
  );
}

function readTruths(bytes: Uint8Array): Truth[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: bytes.length / truthSize }, (_, index) => ({
    high: view.getFloat64(truthSize * index, true),
    low: view.getFloat32(truthSize * index + 8, true),
    exponent: view.getInt16(truthSize * index + 12, true),
    unitExponent: view.getInt16(truthSize * index + 14, true),
  }));
}
