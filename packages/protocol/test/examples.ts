/**
 * Examples of a format, made from its shape: the least and the greatest value of every field, every word of every list of
 * words, every case of every union, empty and filled lists. A field's value depends on its path, so that two fields that change
 * places change the bytes. And the same as arbitrary values for property tests.
 */
import fc from "fast-check";
import { toHex, toUtf8 } from "@stoa/base/bytes";
import { taggedHash } from "@stoa/base/hash";
import type { Shape } from "@stoa/base/codec";

type Fields = { readonly [name: string]: Shape };

const listCountMax = 3;

function seedOf(path: string): Uint8Array {
  return taggedHash("STOA1/test/example", toUtf8(path));
}

function numberOf(path: string): bigint {
  return BigInt(`0x${toHex(seedOf(path))}`);
}

/** Values that between them show all that the shape allows; the first is the least. */
export function examplesOf(shape: Shape, path: string): unknown[] {
  switch (shape.kind) {
    case "number": {
      const span = BigInt(shape.most) - BigInt(shape.least) + 1n;
      return [shape.least, shape.most, Number(BigInt(shape.least) + (numberOf(path) % span)), 1];
    }
    case "bigint":
      return [shape.least, shape.most, shape.least + (numberOf(path) % (shape.most - shape.least + 1n)), 1n];
    case "boolean":
      return [false, true];
    case "bytes":
      return bytesExamples(shape, path);
    case "text":
      return ["", textOf(path, shape.sizeMax)];
    case "word":
      return [...shape.words];
    case "optional":
      return [undefined, ...examplesOf(shape.item, path)];
    case "list":
      return [[], listOf(examplesOf(shape.item, path), Math.min(shape.countMax, listCountMax))];
    case "refined":
      return examplesOf(shape.item, path).filter(shape.accepts);
    case "record":
      return recordExamples(shape.fields, path);
    case "union":
      return Object.entries(shape.cases).flatMap(([kind, fields]) =>
        recordExamples(fields, `${path}.${kind}`).map((value) => ({ kind, ...value })),
      );
  }
}

function bytesExamples(shape: Extract<Shape, { kind: "bytes" }>, path: string): Uint8Array[] {
  const size = shape.sizeMin === shape.sizeMax ? shape.sizeMax : Math.min(5, shape.sizeMax);
  const filled = new Uint8Array(size);
  for (let offset = 0; offset < size; offset += 32) {
    filled.set(seedOf(`${path}/${offset}`).subarray(0, size - offset), offset);
  }
  return [new Uint8Array(shape.sizeMin), filled];
}

function textOf(path: string, sizeMax: number): string {
  return `é€😀${path}`.length + 6 <= sizeMax ? `é€😀${path}` : path.slice(-Math.min(sizeMax, 8));
}

/** Spread over all examples, the last one included: later ones are fuller. */
function listOf(examples: readonly unknown[], count: number): unknown[] {
  const chosen = Math.min(count, examples.length);
  return Array.from({ length: chosen }, (_, index) => examples[examples.length - 1 - index]);
}

/** As many records as the richest field has examples; the others go round. */
function recordExamples(fields: Fields, path: string): { [name: string]: unknown }[] {
  const columns = Object.entries(fields).map(([name, field]) => [name, examplesOf(field, `${path}.${name}`)] as const);
  const count = Math.max(1, ...columns.map(([, values]) => values.length));
  return Array.from({ length: count }, (_, row) =>
    Object.fromEntries(columns.map(([name, values]) => [name, values[row % values.length]])),
  );
}

/** Any value of the shape, small enough to be quick. */
export function arbitraryOf(shape: Shape): fc.Arbitrary<unknown> {
  switch (shape.kind) {
    case "number":
      return shape.most < 2 ** 32
        ? fc.integer({ min: shape.least, max: shape.most })
        : fc.maxSafeInteger().filter((value) => shape.least <= value);
    case "bigint":
      return fc.bigInt({ min: shape.least, max: shape.most });
    case "boolean":
      return fc.boolean();
    case "bytes":
      return fc.uint8Array({
        minLength: shape.sizeMin,
        maxLength: Math.min(shape.sizeMax, Math.max(shape.sizeMin, 24)),
      });
    case "text":
      return fc.string({ unit: "grapheme", maxLength: 8 }).filter((value) => toUtf8(value).length <= shape.sizeMax);
    case "word":
      return fc.constantFrom(...shape.words);
    case "optional":
      return fc.option(arbitraryOf(shape.item), { nil: undefined });
    case "list":
      return fc.array(arbitraryOf(shape.item), { maxLength: Math.min(shape.countMax, listCountMax) });
    case "refined":
      return arbitraryOf(shape.item).filter(shape.accepts);
    case "record":
      return arbitraryRecord(shape.fields);
    case "union":
      return fc.oneof(
        ...Object.entries(shape.cases).map(([kind, fields]) =>
          arbitraryRecord(fields).map((value) => ({ kind, ...(value as object) })),
        ),
      );
  }
}

function arbitraryRecord(fields: Fields): fc.Arbitrary<unknown> {
  return fc.record(Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, arbitraryOf(field)])), {
    noNullPrototype: true,
  });
}
