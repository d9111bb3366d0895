/**
 * What a client starts from: the genesis of a chain, which names its validators. Everything else that a node says is checked
 * against it. Whoever has the chain's id from a source he trusts can take genesis from anybody.
 */
import { equalBytes } from "@stoa/base/bytes";
import type { Digest } from "@stoa/base/hash";
import type { Scheme, ValidatorSet } from "@stoa/protocol/finality/certificate";
import { certifiersOf } from "@stoa/protocol/finality/scheme";
import { chainIdOf, decodeGenesis, type Genesis } from "@stoa/protocol/genesis";
import { genesisFault } from "@stoa/protocol/genesis-fault";
import { ClientError } from "./failure.ts";

export interface TrustedChain {
  readonly genesis: Genesis;
  readonly chainId: Digest;
  readonly set: ValidatorSet;
  readonly scheme: Scheme;
}

/** Throws {@link ClientError} when the bytes are no genesis, or not the one of `expectedChainId`. */
export function trustGenesis(encoded: Uint8Array, expectedChainId: Uint8Array): TrustedChain {
  const genesis = decodeGenesis(encoded);
  if (genesis === undefined) throw new ClientError("dishonest", "the bytes are no canonical genesis");
  const fault = genesisFault(genesis);
  if (fault !== undefined) throw new ClientError("dishonest", `genesis cannot be a chain: ${fault}`);
  const chainId = chainIdOf(genesis);
  if (!equalBytes(chainId, expectedChainId)) throw new ClientError("dishonest", "genesis of another chain");
  return { genesis, chainId, ...certifiersOf(genesis) };
}
