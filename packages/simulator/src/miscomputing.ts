/**
 * Nodes whose exchange computes something else from some height on: a rounding that goes the other way. They are honest in all
 * that they sign, so everything that holds of honest nodes holds of them, but for the state; what they and others say of it is
 * kept for the report instead of counting as a failure.
 */
import { taggedHash } from "@stoa/base/hash";
import type { Divergence } from "@stoa/consensus/effect";
import type { ExecutedRoots } from "@stoa/protocol/finality/header";
import type { Exchange } from "./application.ts";

export interface Miscomputing {
  readonly node: number;
  /** The first height with other roots. */
  readonly fromHeight: number;
}

export interface SaidDivergence {
  readonly node: number;
  /** The last height that the node had final when it said so. */
  readonly finalHeight: number;
  readonly divergence: Divergence;
}

export interface Miscomputers {
  readonly planned: readonly Miscomputing[];
  readonly said: SaidDivergence[];
}

const isWrong = ({ planned }: Miscomputers, node: number, height: number): boolean =>
  planned.some((one) => one.node === node && one.fromHeight <= height);

/** The node's exchange, as wrong as it is to be: again the same after a restart. */
export function miscomputed(miscomputers: Miscomputers, node: number, exchange: Exchange): Exchange {
  if (!isWrong(miscomputers, node, Infinity)) return exchange;
  const execute = (block: Parameters<Exchange["execute"]>[0]): ExecutedRoots => {
    const roots = exchange.execute(block);
    if (!isWrong(miscomputers, node, roots.height)) return roots;
    const last = roots.moduleRoots.length - 1;
    const wrong = taggedHash("miscomputed", roots.moduleRoots[last]!);
    return { ...roots, moduleRoots: roots.moduleRoots.with(last, wrong) };
  };
  return { ...exchange, execute };
}

/** Whether the state of a node at a height is not to be held against others. */
export const isMiscomputed = isWrong;

/** Whether a node may accuse another for its roots: one of the two computes something else, and it cannot know which. */
export const isAboutRoots = ({ planned }: Miscomputers, fact: string): boolean =>
  0 < planned.length && fact.includes("its roots of height");
