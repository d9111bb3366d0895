/** What is inside a snapshot file: the exchange's own bytes, behind the height and the roots that they must come to. */
import { equalBytes } from "@stoa/base/bytes";
import { byteString, decode, encode, record, u53 } from "@stoa/base/codec";
import { restoreSnapshot, type RestoredExchange } from "@stoa/exchange/machine/snapshot";
import { executedRoots, type ExecutedRoots } from "@stoa/protocol/finality/header";
import type { Genesis } from "@stoa/protocol/genesis";
import type { Snapshot } from "./snapshot-store.ts";

export const snapshotBody = record({ roots: executedRoots, height: u53, exchange: byteString(0xffff_ffff) });

export interface RestoredState {
  readonly state: RestoredExchange["state"];
  readonly roots: ExecutedRoots;
  readonly height: number;
}

/** The exchange of a snapshot, checked to have the roots that stand beside it; or what is wrong, in words after "the file". */
export function restoreBody(genesis: Genesis, { height, bytes }: Snapshot): RestoredState | { readonly fault: string } {
  const body = decode(snapshotBody, bytes);
  if (body === undefined || body.height !== height) return { fault: "holds what is no snapshot of its height" };
  const restored = restoreSnapshot(genesis, body.exchange);
  if ("fault" in restored) return { fault: `holds an exchange that cannot be restored: ${restored.fault}` };
  if (!rootsEqual(restored.roots, body.roots))
    return { fault: "holds an exchange whose roots are not those that it had when it was saved" };
  return { state: restored.state, roots: body.roots, height };
}

/** Whether two nodes agree on an executed height. */
export const rootsEqual = (left: ExecutedRoots, right: ExecutedRoots): boolean =>
  equalBytes(encode(executedRoots, left), encode(executedRoots, right));
