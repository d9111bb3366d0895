/**
 * One Merkle root per module, over that module's records. Only what a block touched is encoded and hashed again.
 */
import { MerkleMap } from "@stoa/base/merkle-map";
import type { Digest } from "@stoa/base/hash";
import { height } from "@stoa/base/units";
import type { ExecutedRoots } from "@stoa/protocol/finality/header";
import { modules, takeChanges, type Module, type StateRecord } from "./records.ts";
import type { ExchangeState } from "./state.ts";

export type Roots = Readonly<Record<Module, MerkleMap>>;

export const createRoots = (): Roots => ({
  ledger: new MerkleMap(),
  accounts: new MerkleMap(),
  orders: new MerkleMap(),
  positions: new MerkleMap(),
  market: new MerkleMap(),
});

/** What headers say of the last block. */
export function executedRootsOf(state: ExchangeState): ExecutedRoots {
  return { height: height(state.height), moduleRoots: computeRoots(state), resultsRoot: state.resultsRoot };
}

/** Brings the trees up to date and returns their roots in the order of `modules`. */
function computeRoots(state: ExchangeState): readonly Digest[] {
  return modules.map((module) => {
    const tree = state.roots[module];
    applyChanges(tree, takeChanges(state, module));
    return tree.root();
  });
}

function applyChanges(tree: MerkleMap, changes: readonly StateRecord[]): void {
  for (const { key, content } of changes) {
    if (content === undefined) tree.delete(key);
    else tree.set(key, content);
  }
}
