/**
 * Tables of digests against a plain map: whatever is added, removed, refused for want of room or forgotten, and however badly the
 * hashes fall together, the table answers as the map does.
 */
import { describe, expect, it } from "vitest";
import { createPrng } from "@stoa/base/prng";
import { absent, createDigestTable, type DigestTable } from "../src/digest-table.ts";
import { keyedHash, type HashSecret } from "../src/keyed-hash.ts";
import { createRecentDigests } from "../src/recent-digests.ts";

/** Keys that are easy to make and to tell apart: a number in the first and last four bytes, zeros between. */
function keyOf(number: number, keySize = 32): Uint8Array {
  const key = new Uint8Array(keySize);
  const view = new DataView(key.buffer);
  view.setUint32(0, number, true);
  view.setUint32(keySize - 4, number * 7, true);
  return key;
}

/** The table as a map: the lowest number never used, or the last one given back. */
function createModel(countMax: number) {
  const numbers = new Map<number, number>();
  const free: number[] = [];
  let used = 0;
  return {
    find: (key: number) => numbers.get(key) ?? absent,
    add(key: number) {
      const before = numbers.get(key);
      if (before !== undefined) return before;
      if (numbers.size === countMax) return absent;
      const number = free.pop() ?? used++;
      numbers.set(key, number);
      return number;
    },
    remove(key: number) {
      free.push(numbers.get(key)!);
      numbers.delete(key);
    },
    keys: () => [...numbers.keys()],
  };
}

const hashes: readonly [string, ((bytes: Uint8Array, offset: number) => number) | undefined][] = [
  ["the hash of this process", undefined],
  ["a hash that is always the same", () => 5],
  ["a hash that always points at the last bucket", () => -1],
  ["a hash of two bits", (bytes, offset) => bytes[offset]! & 3],
  ["a hash that only the high bits tell apart", (bytes, offset) => bytes[offset]! << 24],
];

describe("a digest table", () => {
  for (const [name, hash] of hashes)
    for (const keySize of [32, 74])
      it(`answers as a map does, full and empty, under ${name}, with keys of ${keySize} bytes`, () => {
        const countMax = 40;
        const prng = createPrng(keySize);
        const model = createModel(countMax);
        const table = createDigestTable({ countMax, keySize, ...(hash === undefined ? {} : { hash }) });
        let fullCount = 0;
        for (let step = 0; step < 6_000; step++) {
          const key = prng.below(60);
          const bytes = keyOf(key, keySize);
          // Waves: mostly adding until the table is full, then mostly removing until it is nearly empty.
          const adds = step % 600 < 300 ? 0.8 : 0.2;
          expect(table.find(bytes)).toBe(model.find(key));
          if (prng.below(1_000) < adds * 1_000) {
            const number = model.add(key);
            if (number === absent) fullCount++;
            expect(table.add(bytes)).toBe(number);
          } else if (model.find(key) !== absent) {
            table.remove(model.find(key));
            model.remove(key);
          }
          expect(table.count()).toBe(model.keys().length);
        }
        expect(fullCount).toBeGreaterThan(50);
        for (const key of model.keys()) expect(table.find(keyOf(key, keySize))).toBe(model.find(key));
      });

  it("finds all of thousands after it has grown, and after most have left", () => {
    const countMax = 50_000;
    const table = createDigestTable({ countMax });
    for (let key = 0; key < countMax; key++) expect(table.add(keyOf(key))).toBe(key);
    expect(table.add(keyOf(countMax))).toBe(absent);
    for (let key = 0; key < countMax; key++) if (key % 7 !== 0) table.remove(key);
    for (let key = 0; key < countMax; key++) expect(table.find(keyOf(key))).toBe(key % 7 === 0 ? key : absent);
  });

  it("reads keys in place, wherever they lie, and keeps copies of its own", () => {
    const table = createDigestTable({ countMax: 4 });
    const whole = new Uint8Array(100).fill(0xee);
    whole.set(keyOf(1), 3);
    whole.set(keyOf(2), 60);
    expect(table.add(whole, 3)).toBe(0);
    expect(table.add(whole, 60)).toBe(1);
    whole.fill(0);
    expect([keyOf(1), keyOf(2), keyOf(3)].map((key) => table.find(key))).toEqual([0, 1, absent]);
    expect(table.keys.slice(32, 64)).toEqual(keyOf(2));
  });

  it("tells keys apart by every byte", () => {
    const table = createDigestTable({ countMax: 64, hash: () => 0 });
    table.add(new Uint8Array(32));
    for (let index = 0; index < 32; index++) {
      const other = new Uint8Array(32);
      other[index] = 1;
      expect(table.find(other)).toBe(absent);
    }
  });

  it("stops when a number is given back that nobody has", () => {
    const table = createDigestTable({ countMax: 4 });
    const number = table.add(keyOf(1));
    table.remove(number);
    expect(() => table.remove(number)).toThrow("only a number in use");
  });
});

describe("recent digests", () => {
  /** The last `countMax` keys in the order in which they came first. */
  function createRecentModel(countMax: number) {
    const values = new Map<number, number>();
    return {
      get: (key: number) => values.get(key),
      set(key: number, value: number) {
        if (!values.has(key) && values.size === countMax) values.delete(values.keys().next().value!);
        values.set(key, value);
      },
    };
  }

  for (const [name, hash] of hashes)
    it(`are the last ones exactly, under ${name}`, () => {
      const countMax = 33;
      const prng = createPrng(7);
      const model = createRecentModel(countMax);
      const table = createDigestTable({ countMax: countMax + 1, ...(hash === undefined ? {} : { hash }) });
      const recent = createRecentDigests(countMax, table);
      for (let step = 0; step < 5_000; step++) {
        const asked = prng.below(80);
        expect(recent.get(keyOf(asked))).toBe(model.get(asked));
        const key = prng.below(80);
        const value = step % 3 === 0 ? Number.MAX_SAFE_INTEGER - step : step;
        recent.set(keyOf(key), value);
        model.set(key, value);
        expect(recent.get(keyOf(key))).toBe(value);
      }
      for (let key = 0; key < 80; key++) expect(recent.get(keyOf(key))).toBe(model.get(key));
    });

  it("take no more room however many come", () => {
    const countMax = 100;
    const table: DigestTable = createDigestTable({ countMax: countMax + 1 });
    const recent = createRecentDigests(countMax, table);
    for (let key = 0; key < 10_000; key++) recent.set(keyOf(key), key);
    expect(table.count()).toBe(countMax);
    expect(recent.get(keyOf(9_899))).toBeUndefined();
    expect(recent.get(keyOf(9_900))).toBe(9_900);
  });
});

describe("the keyed hash", () => {
  const bytes = Uint8Array.from({ length: 64 }, (_, index) => index);

  it("is HalfSipHash-1-3: the values that Linux tests its own with", () => {
    const values = Array.from(
      { length: 12 },
      (_, size) => keyedHash({ left: 0x03020100, right: 0x07060504 }, bytes, 0, size) >>> 0,
    );
    expect(values.map((value) => value.toString(16).padStart(8, "0"))).toEqual([
      ...["5814c896", "e7e864ca", "bc4b0e30", "01539939", "7e059ea6", "88e3d89b"],
      ...["a0080b65", "9d38d9d6", "577999b1", "c839caed", "e4fa32cf", "959246ee"],
    ]);
  });

  it("puts keys that a stranger chose together elsewhere under another secret", () => {
    const bucketsCount = 256;
    const bucketUnder = (secret: HashSecret, key: number) => keyedHash(secret, keyOf(key), 0, 32) & (bucketsCount - 1);
    const chosen = Array.from({ length: 20_000 }, (_, key) => key).filter(
      (key) => bucketUnder({ left: 1, right: 2 }, key) === 0,
    );
    expect(chosen.length).toBeGreaterThan(50);
    const together = chosen.filter((key) => bucketUnder({ left: 3, right: 4 }, key) === 0);
    expect(together.length).toBeLessThan(chosen.length / 10);
  });
});
