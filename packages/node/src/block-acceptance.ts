/**
 * Whether a block from outside is the next final one: a quorum made it or a descendant final, it names the last accepted
 * block as its parent, and its payload is the one that its header names. Whoever sent it is not asked.
 */
import { equalBytes } from "@stoa/base/bytes";
import { zeroDigest } from "@stoa/base/hash";
import type { FinalBlock } from "@stoa/protocol/block";
import { headerDigest } from "@stoa/protocol/finality/header";
import { payloadMatches } from "@stoa/protocol/finality/lane-payload";
import { verifyFinality, withoutUnproven } from "@stoa/protocol/finality/proof";
import { certifiersOf } from "@stoa/protocol/finality/scheme";
import type { Genesis } from "@stoa/protocol/genesis";

export interface BlockAcceptance {
  /** The height of the block that is wanted. */
  readonly next: () => number;
  /** `other`: not the height that is wanted; `wrong`: it claims to be and is not. */
  readonly offer: (block: FinalBlock) => "accepted" | "other" | "wrong";
  /** An accepted block as it may be stored and handed on: without what came along and does not hold; itself when all does. */
  readonly proven: (block: FinalBlock) => FinalBlock;
}

/** Goes on after `tip`, the last block of this chain that was accepted earlier. */
export function createBlockAcceptance(genesis: Genesis, tip: FinalBlock | undefined): BlockAcceptance {
  const { set, scheme } = certifiersOf(genesis);
  let height = tip?.header.height ?? 0;
  let digest = tip === undefined ? zeroDigest : headerDigest(tip.header);

  const isFinal = ({ header, descendants, certificates, payload }: FinalBlock): boolean => {
    if (!equalBytes(header.parentDigest, digest)) return false;
    return verifyFinality(scheme, set, { header, descendants, certificates }) && payloadMatches(header, payload);
  };

  return {
    next: () => height + 1,
    offer(block) {
      if (block.header.height !== height + 1) return "other";
      if (!isFinal(block)) return "wrong";
      height = block.header.height;
      digest = headerDigest(block.header);
      return "accepted";
    },
    proven: (block) => withoutUnproven(scheme, set, block),
  };
}
