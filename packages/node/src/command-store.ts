/**
 * The bytes of commands, by number. Nearly all commands are small, so they lie side by side in pages, each in a place of its own
 * size; a larger one has a buffer to itself. What leaves gives its place to the next, and nothing is left to collect.
 *
 * PERF: a buffer for each command costs 0.4 us to make and as much again to be rid of, most of it on V8's helper threads.
 */
import { present } from "@stoa/base/assert";

export interface CommandStore {
  /** Keeps a copy under a number that holds nothing. */
  readonly put: (number: number, encoded: Uint8Array) => void;
  /** The bytes under the number: a view, good until they are dropped. */
  readonly get: (number: number) => Uint8Array;
  readonly sizeOf: (number: number) => number;
  readonly drop: (number: number) => void;
}

/** Room for an order with a label of usual length. */
const placeSize = 256;
const placesPerPage = 1_024;

/** Numbers are below `countMax`; pages are made when their first number is used. */
export function createCommandStore(countMax: number): CommandStore {
  const sizes = new Int32Array(countMax);
  const pages: (Uint8Array | undefined)[] = [];
  const large = new Map<number, Uint8Array>();
  const startOf = (number: number): number => (number % placesPerPage) * placeSize;

  const pageOf = (number: number): Uint8Array => {
    const index = Math.floor(number / placesPerPage);
    return (pages[index] ??= new Uint8Array(placesPerPage * placeSize));
  };

  return {
    put(number, encoded) {
      sizes[number] = encoded.length;
      if (encoded.length <= placeSize) pageOf(number).set(encoded, startOf(number));
      else large.set(number, Uint8Array.from(encoded));
    },
    get(number) {
      const size = sizes[number]!;
      if (placeSize < size) return present(large.get(number), "a command that was put here");
      const start = startOf(number);
      return pageOf(number).subarray(start, start + size);
    },
    sizeOf: (number) => sizes[number]!,
    drop(number) {
      if (placeSize < sizes[number]!) large.delete(number);
      sizes[number] = 0;
    },
  };
}
