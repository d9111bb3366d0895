/** Blocks without commands and without proof, for tests of what is stored. */
import { zeroDigest } from "@stoa/base/hash";
import type { Height, TimeMs, View } from "@stoa/base/units";
import type { FinalBlock } from "@stoa/protocol/block";
import { chainIdOf, type Genesis } from "@stoa/protocol/genesis";
import type { ValidatorIndex } from "@stoa/protocol/primitives";

/** An empty block: all that follows from it follows from its time. */
export function emptyBlock(genesis: Genesis, height: number): FinalBlock {
  return {
    header: {
      chainId: chainIdOf(genesis),
      epoch: 0,
      view: height as View,
      height: height as Height,
      parentView: (height - 1) as View,
      parentDigest: zeroDigest,
      proposer: 0 as ValidatorIndex,
      timeMs: (genesis.timeMs + 1_000 * height) as TimeMs,
      payload: { form: "none", size: 0, digest: zeroDigest },
      tips: [],
      ranges: [],
      executed: { height: 0 as Height, moduleRoots: [], resultsRoot: zeroDigest },
      evidence: [],
      convicted: new Uint8Array(0),
      nextEpoch: undefined,
      seal: undefined,
    },
    descendants: [],
    certificates: [],
    payload: new Uint8Array(0),
  };
}
