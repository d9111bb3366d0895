/**
 * The bytes of commands, by number. Nearly all commands are small, so they lie side by side in pages, each in a place of its own
 * size; a larger one has a buffer to itself. What leaves gives its place to the next, and nothing is left to collect.
 *
 * PERF: a buffer for each command costs 0.4 us to make, and its collection more.
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

/** Pages are made as numbers that lie in them are used; the lowest numbers are used first. */
export function createCommandStore(): CommandStore {
  const pages: Uint8Array[] = [];
  /** By number; for a small command a view of its place. */
  const commands: (Uint8Array | undefined)[] = [];

  const placeOf = (number: number, size: number): Uint8Array => {
    const page = Math.floor(number / placesPerPage);
    while (pages.length <= page) pages.push(new Uint8Array(placesPerPage * placeSize));
    const start = (number % placesPerPage) * placeSize;
    return pages[page]!.subarray(start, start + size);
  };

  return {
    put(number, encoded) {
      const kept = encoded.length <= placeSize ? placeOf(number, encoded.length) : new Uint8Array(encoded.length);
      kept.set(encoded);
      commands[number] = kept;
    },
    get: (number) => present(commands[number], "a command that was put here"),
    sizeOf: (number) => commands[number]!.length,
    drop: (number) => void (commands[number] = undefined),
  };
}
