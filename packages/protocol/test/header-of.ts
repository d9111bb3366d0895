/** A header with nothing in it, for tests that fill in what they are about. */
import { zeroDigest } from "@stoa/base/hash";
import type { Height, TimeMs, View } from "@stoa/base/units";
import type { Header } from "@stoa/protocol/finality/header";
import type { ValidatorIndex } from "@stoa/protocol/primitives";

export const headerOf = (): Header => ({
  chainId: zeroDigest,
  epoch: 0,
  view: 1 as View,
  height: 1 as Height,
  parentView: 0 as View,
  parentDigest: zeroDigest,
  proposer: 0 as ValidatorIndex,
  timeMs: 1 as TimeMs,
  payload: { form: "none", size: 0, digest: zeroDigest },
  tips: [],
  ranges: [],
  executed: { height: 0 as Height, moduleRoots: [], resultsRoot: zeroDigest },
  evidence: [],
  convicted: new Uint8Array(0),
  nextEpoch: undefined,
  seal: undefined,
});
