/**
 * The small tables of truths that `npm test` reads: a hash of the rows that they belong to, and sixteen bytes for each row and
 * result. Rows are not stored, because the seeded rule makes them again; the hash notices when the rule has changed.
 */
import { createHash } from "node:crypto";
import type { Truth } from "./measured-function.ts";

const headSize = 32;
const truthSize = 16;

export function hashOfRows(rows: readonly (readonly number[])[]): Uint8Array {
  return createHash("sha256")
    .update(new Uint8Array(Float64Array.from(rows.flat()).buffer))
    .digest();
}

/** `truths` as truth.py gives them, five doubles each; what QuantLib said is left out. A truth that is none has NaN for high. */
export function encodeSamples(hash: Uint8Array, truths: Float64Array): Uint8Array {
  const count = truths.length / 5;
  const bytes = new Uint8Array(headSize + truthSize * count);
  bytes.set(hash);
  const view = new DataView(bytes.buffer);
  for (let index = 0; index < count; index++) {
    const [high, low, exponent, unitExponent] = truths.subarray(5 * index, 5 * index + 4) as unknown as [
      number,
      number,
      number,
      number,
    ];
    const offset = headSize + truthSize * index;
    view.setFloat64(offset, high, true);
    view.setFloat32(offset + 8, low, true);
    view.setInt16(offset + 12, exponent, true);
    view.setInt16(offset + 14, unitExponent, true);
  }
  return bytes;
}

export function decodeSamples(bytes: Uint8Array): { readonly hash: Uint8Array; readonly truths: readonly Truth[] } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const truths: Truth[] = [];
  for (let offset = headSize; offset < bytes.length; offset += truthSize)
    truths.push({
      high: view.getFloat64(offset, true),
      low: view.getFloat32(offset + 8, true),
      exponent: view.getInt16(offset + 12, true),
      unitExponent: view.getInt16(offset + 14, true),
    });
  return { hash: bytes.subarray(0, headSize), truths };
}
