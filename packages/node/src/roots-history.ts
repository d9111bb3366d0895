/**
 * The roots of the last executed heights, ascending and without gaps. Kept as bytes: as values, a thousand small arrays of
 * them would weigh several times as much, in every node, and almost none is ever asked for.
 */
import { assert } from "@stoa/base/assert";
import { decode, encode } from "@stoa/base/codec";
import { executedRoots, type ExecutedRoots } from "@stoa/protocol/finality/header";

export interface RootsHistory {
  readonly newest: () => ExecutedRoots;
  /** `undefined` for a height that is not remembered. */
  readonly at: (height: number) => ExecutedRoots | undefined;
  readonly all: () => readonly ExecutedRoots[];
  /** Those of the next height. */
  readonly push: (roots: ExecutedRoots) => void;
}

export function createRootsHistory(first: ExecutedRoots, countMax: number): RootsHistory {
  let newest = first;
  const encoded = [encode(executedRoots, first)];
  const decoded = (bytes: Uint8Array): ExecutedRoots => {
    const roots = decode(executedRoots, bytes);
    assert(roots !== undefined, "what was encoded here can be decoded");
    return roots;
  };
  return {
    newest: () => newest,
    at(height) {
      const bytes = encoded[encoded.length - 1 - (newest.height - height)];
      return bytes === undefined ? undefined : decoded(bytes);
    },
    all: () => encoded.map(decoded),
    push(roots) {
      assert(roots.height === newest.height + 1, "roots are remembered height by height");
      newest = roots;
      encoded.push(encode(executedRoots, roots));
      if (countMax < encoded.length) encoded.shift();
    },
  };
}
