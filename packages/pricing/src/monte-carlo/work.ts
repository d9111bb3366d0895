/**
 * What is to be simulated, as a value with bytes: the work (model, payoff, method, seed) and the unit of it that one thread or
 * machine takes (a range of paths). The digests name both, so that whoever shares work knows that they share the same.
 */
import { encode, encodePassing, record, u16, u53, u64, type Decoded } from "@stoa/base/codec";
import { taggedHash, type Digest } from "@stoa/base/hash";
import { integer, PricingRefusal } from "../refusal.ts";
import { checkedMethod, methodCodec } from "./method.ts";
import { checkedModel, modelCodec } from "./model.ts";
import { checkedPayoff, payoffCodec } from "./payoff.ts";

const workFields = { model: modelCodec, payoff: payoffCodec, method: methodCodec, seed: u64 };

export const workCodec = record(workFields);
/** The paths of a unit are `firstPath` to `firstPath + pathCount - 1`. */
export const workUnitCodec = record({ ...workFields, firstPath: u53, pathCount: u53 });

export type Work = Decoded<typeof workCodec>;
export type WorkUnit = Decoded<typeof workUnitCodec>;

/** Paths per block of inner loops; with Sobol points also the smallest split. */
export const blockSize = 256;
/** Paths per block of methods that need a whole sample: the smallest split there. */
export const sampleBlockSize = 4096;
/** Paths are 0 to this. */
export const pathIndexMax = 281_474_976_710_656; // 2^48

/** Returns the work, or throws a PricingRefusal that names what is wrong: `model.spot`, `payoff.years`, `method.control`, `seed`. */
export function checkedWork(work: Work): Work {
  checkedModel(work.model);
  checkedPayoff(work.payoff);
  checkedMethod(work.method, work.model, work.payoff);
  const seeded = typeof work.seed === "bigint" && 0n <= work.seed && work.seed < 1n << 64n;
  if (!seeded) throw new PricingRefusal("seed", "outside-range", work.seed, "must be a bigint of 0 to 2^64 - 1");
  return work;
}

/** The paths that every range begins and ends on a multiple of. */
export function smallestSplit({ method }: Pick<Work, "method">): number {
  return method.momentMatching ? sampleBlockSize : method.points === "sobol" ? blockSize : 1;
}

export type PathRange = { readonly firstPath: number; readonly pathCount: number };

/** Returns the range, or throws a PricingRefusal for `firstPath` or `pathCount`. */
export function checkedRange(work: Pick<Work, "method">, { firstPath, pathCount }: PathRange): PathRange {
  integer("firstPath", firstPath, 0, pathIndexMax - 1);
  integer("pathCount", pathCount, 1, pathIndexMax - firstPath);
  const split = smallestSplit(work);
  if (firstPath % split !== 0) throw misplaced("firstPath", firstPath, split);
  if (pathCount % split !== 0) throw misplaced("pathCount", pathCount, split);
  return { firstPath, pathCount };
}

function misplaced(argument: string, value: number, split: number): PricingRefusal {
  return new PricingRefusal(argument, "outside-range", value, `must be a multiple of ${split} with this method`);
}

/**
 * Raised when the same work gives other bits than before, so that partials of two versions are never added up or compared. 2: the step
 * of Heston.
 */
export const algorithmVersion = 2;
const namedWorkCodec = record({ algorithmVersion: u16, ...workFields });
const namedUnitCodec = record({ algorithmVersion: u16, ...workFields, firstPath: u53, pathCount: u53 });

/** Names model, payoff, method, seed and {@link algorithmVersion}: partials add up when this is the same. */
export function workDigest(work: Work): Digest {
  const { model, payoff, method, seed } = work;
  return taggedHash(
    "STOA1/monte-carlo-work",
    encodePassing(namedWorkCodec, { algorithmVersion, model, payoff, method, seed }),
  );
}

/** Names the work and the range of one unit. */
export function workUnitDigest(unit: WorkUnit): Digest {
  return taggedHash("STOA1/monte-carlo-unit", encode(namedUnitCodec, { algorithmVersion, ...unit }));
}
