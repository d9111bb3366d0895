/** The modules of the state and a Merkle tree for each. What goes into the trees, and when, is told in `roots.ts`. */
import { MerkleMap } from "@stoa/base/merkle-map";

/** The modules in the order in which headers carry their roots. */
export const modules = ["ledger", "accounts", "orders", "positions", "market"] as const;
export type Module = (typeof modules)[number];

export type Trees = Readonly<Record<Module, MerkleMap>>;

export const createTrees = (): Trees => ({
  ledger: new MerkleMap(),
  accounts: new MerkleMap(),
  orders: new MerkleMap(),
  positions: new MerkleMap(),
  market: new MerkleMap(),
});
