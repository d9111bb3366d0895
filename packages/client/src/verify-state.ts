/**
 * Parts of the exchange's state: a record, or that there is none, under a module root that the validators agreed on in a final
 * header. Pure: the same bytes get the same verdict anywhere.
 */
import { equalBytes } from "@stoa/base/bytes";
import { verifyMerkleProof } from "@stoa/base/merkle-map";
import type { Header } from "@stoa/protocol/finality/header";
import type { StateProof } from "@stoa/protocol/state-proof";
import { modules, type Module } from "@stoa/protocol/state-record";
import type { TrustedChain } from "./trust.ts";
import { disbelief, type Disbelief } from "./verify.ts";
import { finalityFault } from "./verify-headers.ts";

export interface VerifiedState {
  /** `undefined`: proved to be absent. */
  readonly record: Uint8Array | undefined;
  /** The final header that proves it; the state is that of `header.executed.height`. */
  readonly header: Header;
}

/** What the module holds under the key, if the proof is of that and holds. */
export function verifyState(
  chain: TrustedChain,
  proof: StateProof,
  wanted: { readonly module: Module; readonly key: Uint8Array },
): VerifiedState | Disbelief {
  const { module, key, record, path, executed } = proof;
  if (module !== wanted.module || !equalBytes(key, wanted.key))
    return disbelief("the proof is of another part of the state");
  const fault = finalityFault(chain, executed);
  if (fault !== undefined) return disbelief(fault);
  const root = executed.header.executed.moduleRoots[modules.indexOf(module)];
  if (root === undefined) return disbelief(`header ${executed.header.height} carries no root of ${module}`);
  if (!verifyMerkleProof(root, key, record, path))
    return disbelief(`the record does not stand under the root of ${module} in header ${executed.header.height}`);
  return { record, header: executed.header };
}
