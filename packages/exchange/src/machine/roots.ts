/**
 * One Merkle root per module, over that module's records. Only what a block touched is encoded and hashed again.
 */
import type { Digest } from "@stoa/base/hash";
import { height } from "@stoa/base/units";
import type { ExecutedRoots } from "@stoa/protocol/finality/header";
import { modules } from "@stoa/protocol/state-record";
import { takeChanges } from "./records.ts";
import type { ChangeListener, ExchangeState } from "./state.ts";

/** Has a listener told of every record that a block changes, from the next block on. */
export function observeChanges(state: ExchangeState, listener: ChangeListener): void {
  state.onChange = listener;
}

/** What headers say of the last block. */
export function executedRootsOf(state: ExchangeState): ExecutedRoots {
  return { height: height(state.height), moduleRoots: computeRoots(state), resultsRoot: state.resultsRoot };
}

/** Brings the trees up to date and returns their roots in the order of `modules`. */
function computeRoots(state: ExchangeState): readonly Digest[] {
  return modules.map((module) => {
    const tree = state.trees[module];
    takeChanges(state, module, ({ key, content }) => {
      if (content === undefined) tree.delete(key);
      else tree.set(key, content);
      state.onChange?.(module, key, content);
    });
    return tree.root();
  });
}
