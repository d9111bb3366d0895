/** What canonical means, for every wire type: one encoding per value, and nothing else is read. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { toHex } from "@stoa/base/bytes";
import { decode, encode } from "@stoa/base/codec";
import { arbitraryOf, examplesOf } from "./examples.ts";
import { wireTypes } from "./wire-types.ts";

const parameters = { numRuns: 40, seed: 20_261_122 } as const;

describe.each(Object.entries(wireTypes))("%s", (name, codec) => {
  const arbitrary = arbitraryOf(codec.shape);

  test("what is encoded decodes to the same value", () => {
    fc.assert(
      fc.property(arbitrary, (value) => {
        expect(decode(codec, encode(codec, value))).toEqual(value);
      }),
      parameters,
    );
  });

  test("no strict prefix and no continuation of an encoding is read", () => {
    fc.assert(
      fc.property(arbitrary, fc.array(fc.nat(), { minLength: 8, maxLength: 8 }), (value, cuts) => {
        const bytes = encode(codec, value);
        for (const cut of [0, bytes.length - 1, ...cuts.map((one) => one % bytes.length)]) {
          expect(decode(codec, bytes.subarray(0, cut))).toBeUndefined();
        }
        const longer = new Uint8Array(bytes.length + 1);
        longer.set(bytes);
        expect(decode(codec, longer)).toBeUndefined();
      }),
      parameters,
    );
  });

  test("changed bytes are refused or are the encoding of another value", () => {
    fc.assert(
      fc.property(
        arbitrary,
        fc.array(fc.tuple(fc.nat(), fc.integer({ min: 1, max: 255 })), { minLength: 12, maxLength: 12 }),
        (value, changes) => {
          const bytes = encode(codec, value);
          for (const [position, difference] of changes) {
            const changed = bytes.slice();
            changed[position % bytes.length]! ^= difference;
            const read = decode(codec, changed);
            if (read !== undefined) expect(toHex(encode(codec, read))).toBe(toHex(changed));
          }
        },
      ),
      parameters,
    );
  });

  test("random bytes are refused or are an encoding, and never throw", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
        const read = decode(codec, bytes);
        if (read !== undefined) expect(toHex(encode(codec, read))).toBe(toHex(bytes));
      }),
      parameters,
    );
  });

  test("each byte of the fullest example matters", () => {
    const bytes = encode(codec, examplesOf(codec.shape, name).at(-1));
    const step = Math.max(1, Math.floor(bytes.length / 300));
    for (let offset = 0; offset < bytes.length; offset += step) {
      const changed = bytes.slice();
      changed[offset]! ^= 1;
      const read = decode(codec, changed);
      if (read !== undefined) expect(toHex(encode(codec, read))).toBe(toHex(changed));
    }
  });
});
