/** The roots of an executed height as operators see them: names for the modules, and one short word to compare. */
import { toHex } from "@stoa/base/bytes";
import { stateRootOf, type ExecutedRoots } from "@stoa/protocol/finality/header";

/** The modules of the exchange, in the order of their roots. */
export const moduleNames = ["ledger", "accounts", "orders", "positions", "market"] as const;

/** The first 16 digits of the root over all module roots. */
export const shortRoot = (roots: ExecutedRoots): string => toHex(stateRootOf(roots)).slice(0, 16);
