/**
 * What must hold of everything that is certified at one time, in the words of consensus.md 3.7: one notarized block per view,
 * no view both nullified and final, all final blocks on one chain, and every block that is notarized later on that chain.
 */
import { subjectText, type SmallWorld, type Subject } from "./candidates.ts";

export interface CertifiedFacts {
  /** The invariant that is broken, if one is. */
  readonly fault: string | undefined;
  readonly highestView: number;
  readonly final: boolean;
  readonly finalAfterSkip: boolean;
}

export function certifiedFacts(world: SmallWorld, certified: number): CertifiedFacts {
  const held = world.subjects.filter((_, bit) => (certified & (1 << bit)) !== 0);
  const finals = held.filter(({ kind }) => kind === "finalize");
  const skips = finals.some(({ block, view }) => {
    const { parent } = world.blocks[block]!;
    return view - (world.blocks[parent]?.view ?? 0) > 1;
  });
  return {
    fault: firstFault(world, held),
    highestView: Math.max(0, ...held.map(({ view }) => view)),
    final: 0 < finals.length,
    finalAfterSkip: skips,
  };
}

function firstFault(world: SmallWorld, held: readonly Subject[]): string | undefined {
  for (const one of held) {
    for (const other of held) {
      const broken = one === other ? undefined : faultBetween(world, one, other);
      if (broken !== undefined) return `${broken}: ${subjectText(world, one)}; ${subjectText(world, other)}`;
    }
  }
  return undefined;
}

function faultBetween({ blocks }: SmallWorld, one: Subject, other: Subject): string | undefined {
  const sameView = one.view === other.view;
  if (one.kind === "notarize" && other.kind === "notarize" && sameView) return "unique notarization";
  if (one.kind !== "finalize") return undefined;
  if (other.kind === "nullify") return sameView ? "a final view is not nullified" : undefined;
  const [lower, upper] = [blocks[one.block]!, blocks[other.block]!];
  if (other.kind === "finalize") {
    const oneChain = (lower.chain & upper.chain) === lower.chain || (lower.chain & upper.chain) === upper.chain;
    return oneChain ? undefined : "agreement";
  }
  if (sameView) return one.block === other.block ? undefined : "a final block is the notarized one";
  return one.view < other.view && (upper.chain & (1 << one.block)) === 0 ? "every later block extends it" : undefined;
}
