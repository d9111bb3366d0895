/**
 * How large this validator makes the blocks that it proposes. A block that cannot cross the leader's links within a view costs
 * everybody that view, and the next leader tries the same; so whoever loses a block makes the next ones smaller, and larger again
 * step by step while they become final. One that loses two within a minute takes its links for short, and then lanes are used
 * earlier. Knows nothing of why a block was lost: a crashed peer costs some small blocks, too.
 */
import { limits } from "@stoa/base/limits";
import type { View } from "@stoa/base/units";

export interface BlockSize {
  /** Bytes of commands that the next block may hold. */
  readonly max: () => number;
  /** This validator proposes so many bytes in a view. */
  readonly proposed: (view: View, size: number) => void;
  /** The block of a view has become final, its own or another. */
  readonly final: (view: View, nowMs: number) => void;
  /** Two of its blocks were lost not long ago. */
  readonly isLinkShort: (nowMs: number) => boolean;
}

/** The largest command has room in it; a smaller block is lost for other reasons. */
const sizeMin = 2 * limits.commandSizeMax;
/** Six blocks make up for a lost one: then about one in seven is lost where the link is what limits. */
const growth = 1.125;
/** After so long blocks carry commands again: links may have become wider, or the blocks were lost for another reason. */
const shortMs = 60_000;

export function createBlockSize(sizeMax: number): BlockSize {
  let max = sizeMax;
  /** When the last two were lost. */
  let lostMs: readonly [number, number] = [-Infinity, -Infinity];
  /** Own blocks that are neither final nor passed over. */
  let open: { readonly view: View; readonly size: number }[] = [];

  return {
    max: () => max,
    proposed(view, size) {
      open.push({ view, size });
    },
    final(view, nowMs) {
      for (const one of open) {
        // A view that is final after it without it being so: nobody will ever build on that block.
        if (one.view < view && sizeMin < one.size) {
          max = Math.max(sizeMin, Math.min(max, one.size / 2));
          lostMs = [lostMs[1], nowMs];
        }
        // Small blocks say nothing about large ones.
        else if (one.view === view && max / 2 <= one.size) max = Math.min(sizeMax, growth * max);
      }
      open = open.filter((one) => view < one.view);
    },
    isLinkShort: (nowMs) => nowMs < lostMs[0] + shortMs,
  };
}
