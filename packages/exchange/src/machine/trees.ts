/** A Merkle tree for each module of the state. What goes into the trees, and when, is told in `roots.ts`. */
import { MerkleMap } from "@stoa/base/merkle-map";
import type { Module } from "@stoa/protocol/state-record";

export type Trees = Readonly<Record<Module, MerkleMap>>;

export const createTrees = (): Trees => ({
  ledger: new MerkleMap(),
  accounts: new MerkleMap(),
  orders: new MerkleMap(),
  positions: new MerkleMap(),
  market: new MerkleMap(),
});
