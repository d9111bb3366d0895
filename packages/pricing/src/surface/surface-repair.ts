/**
 * Makes a sequence of SVI slices free of static arbitrage, with proof: every slice passes `sviRefusal` and every neighbouring
 * pair `calendarGap`. A pair that crosses by little is parted by lifting the later slice; else, and where a slice admits a butterfly,
 * the slices concerned are blended step by step with the slices of an arbitrage-free reference surface. At the last step they
 * are that surface, so the repair ends after a bounded number of steps.
 */
import { sviVariance, type SviSlice } from "../svi.ts";
import { sviRefusal } from "./butterfly-check.ts";
import { calendarGap } from "./calendar-check.ts";

export type Repair = {
  /** How much of the slice is that of the reference surface: 0 nothing, 1 all. */
  readonly blend: number;
  /** Total variance by which the slice was lifted over the one before. */
  readonly lift: number;
};

const stepsCount = 16;
/** The largest lift, as a part of the slice's least total variance. */
const liftMax = 0.02;

/**
 * The positions of slices that admit a butterfly or cross a neighbour, ascending, each with the log-moneynesses at which it does
 * as far as they are finite.
 */
export function violatorsOf(slices: readonly SviSlice[]): Map<number, number[]> {
  const found = slices.map((slice): number[] | undefined => (sviRefusal(slice) === undefined ? undefined : []));
  for (let index = 1; index < slices.length; index++) {
    const { gap, k } = calendarGap(slices[index - 1] as SviSlice, slices[index] as SviSlice);
    if (0 < gap) continue;
    const crossings = gap === -Infinity ? [] : [k];
    found[index - 1] = [...(found[index - 1] ?? []), ...crossings];
    found[index] = [...(found[index] ?? []), ...crossings];
  }
  return new Map(found.flatMap((crossings, index) => (crossings === undefined ? [] : [[index, crossings] as const])));
}

/** `references` are free of arbitrage themselves; both sequences ascend in time. */
export function repairSurface(
  slices: readonly SviSlice[],
  references: readonly SviSlice[],
): { readonly slices: SviSlice[]; readonly repairs: Repair[] } {
  const steps = slices.map(() => 0);
  const lifts = slices.map(() => 0);
  const repaired = slices.map((slice) => slice);
  const blendAt = (index: number): void => {
    repaired[index] = blended(
      slices[index] as SviSlice,
      references[index] as SviSlice,
      (steps[index] as number) / stepsCount,
    );
    lifts[index] = 0;
    while (sviRefusal(repaired[index] as SviSlice) !== undefined && raise(index));
  };
  const raise = (index: number): boolean => {
    if (steps[index] === stepsCount) return false;
    steps[index] = (steps[index] as number) + 1;
    const part = (steps[index] as number) / stepsCount;
    repaired[index] = blended(slices[index] as SviSlice, references[index] as SviSlice, part);
    return true;
  };
  for (let index = 0; index < slices.length; index++) blendAt(index);
  // Each failure raises a step of at least one slice, and there are finitely many.
  for (let index = 1; index < slices.length; ) {
    const early = repaired[index - 1] as SviSlice;
    const parted = partedFrom(early, repaired[index] as SviSlice);
    if (parted !== undefined) {
      repaired[index] = parted.slice;
      lifts[index] = parted.lift;
      index++;
      continue;
    }
    const raisedEarly = raise(index - 1);
    const raisedLate = raise(index);
    // Both are the reference, which lies apart by construction: only the lift of the earlier can be in the way.
    if (!raisedEarly && !raisedLate) return onlyReferences(references);
    blendAt(index - 1);
    blendAt(index);
    index = Math.max(1, index - 1);
  }
  return {
    slices: repaired,
    repairs: slices.map((_, index) => ({ blend: (steps[index] as number) / stepsCount, lift: lifts[index] as number })),
  };
}

function onlyReferences(references: readonly SviSlice[]): { readonly slices: SviSlice[]; readonly repairs: Repair[] } {
  return { slices: [...references], repairs: references.map(() => ({ blend: 1, lift: 0 })) };
}

/** `late` itself where it lies above `early`, or lifted a little; undefined where that is not enough. */
function partedFrom(early: SviSlice, late: SviSlice): { readonly slice: SviSlice; readonly lift: number } | undefined {
  const { gap } = calendarGap(early, late);
  if (0 < gap) return { slice: late, lift: 0 };
  const least = late.a + late.b * late.s * Math.sqrt((1 - late.rho) * (1 + late.rho));
  const lift = -gap + 1e-6 * least;
  if (!(lift <= liftMax * least)) return undefined;
  const slice = { ...late, a: late.a + lift };
  return 0 < calendarGap(early, slice).gap && sviRefusal(slice) === undefined ? { slice, lift } : undefined;
}

/** Level, wings, shift and width each that much of the way from one slice to the other. */
function blended(slice: SviSlice, reference: SviSlice, part: number): SviSlice {
  if (part === 0) return slice;
  if (part === 1) return reference;
  const between = (one: number, other: number): number => one + part * (other - one);
  const right = between(slice.b * (1 + slice.rho), reference.b * (1 + reference.rho));
  const left = between(slice.b * (1 - slice.rho), reference.b * (1 - reference.rho));
  const level = between(sviVariance(slice, 0).variance, sviVariance(reference, 0).variance);
  const b = 0.5 * (right + left);
  const rho = b === 0 ? 0 : (right - left) / (right + left);
  const m = between(slice.m, reference.m);
  const s = between(slice.s, reference.s);
  return { a: level - b * (Math.sqrt(m * m + s * s) - rho * m), b, rho, m, s };
}
