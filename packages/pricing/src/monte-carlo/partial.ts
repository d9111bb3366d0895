/**
 * What is known of the paths of one or more ranges: counts and exact sums. Partials of disjoint ranges of the same work merge to that
 * of both, in any order and grouping, to the bit; and they have canonical bytes, so whoever computes a range again compares bytes. It
 * relies on sums being integers (`exact-sum.ts`) and knows nothing of what they are sums of.
 */
import { refined, fixedBytes, list, record, u53, type Codec, type Decoded } from "@stoa/base/codec";
import { equalBytes } from "@stoa/base/bytes";
import { digestSize, type Digest } from "@stoa/base/hash";
import { PricingRefusal } from "../refusal.ts";
import { replicatesCountMax } from "./method.ts";
import { assetsCountMax } from "./model.ts";
import { exactSumCodec } from "./exact-sum.ts";
import type { PathRange } from "./work.ts";

/** As many gaps as a partial may have between its ranges. */
export const rangesCountMax = 65_536;
/** Three sums of each column with a control (see `sumCount`): the value, and delta and vega of as many assets as there may be. */
const sumsCountMax = 3 * (1 + 2 * assetsCountMax) + 2;

const rangeCodec = record({ firstPath: u53, pathCount: u53 });
/** Samples of one replicate (of all, with Philox), and their sums as integer counts of 2^-1074. */
const groupCodec = record({ sampleCount: u53, sums: list(exactSumCodec, sumsCountMax) });

const fields = record({
  work: fixedBytes(digestSize),
  /** Disjoint, ascending, with gaps between them. */
  ranges: list(rangeCodec, rangesCountMax),
  groups: list(groupCodec, replicatesCountMax),
});

export type Partial = {
  readonly work: Digest;
  readonly ranges: readonly PathRange[];
  readonly groups: readonly Group[];
};
export type Group = Decoded<typeof groupCodec>;

/** Canonical: ranges that touch or are out of order are refused when read. */
export const partialCodec = refined(
  fields,
  asPartial,
  "ranges ascend with gaps and groups have equal widths",
) as Codec<Partial>;

function asPartial(value: Decoded<typeof fields>): (Decoded<typeof fields> & Partial) | undefined {
  const { ranges, groups } = value;
  for (const [index, { firstPath, pathCount }] of ranges.entries()) {
    if (pathCount < 1 || !Number.isSafeInteger(firstPath + pathCount)) return undefined;
    const next = ranges[index + 1];
    if (next !== undefined && next.firstPath <= firstPath + pathCount) return undefined;
  }
  if (groups.some(({ sums }) => sums.length !== groups[0]!.sums.length)) return undefined;
  return value as Decoded<typeof fields> & Partial;
}

/** The partial of the ranges of both; refused when they are of different work or share a path, or one of them is none. */
export function mergePartials(left: Partial, right: Partial): Partial {
  if (!equalBytes(left.work, right.work)) {
    throw new PricingRefusal("partial.work", "outside-range", right.work, "must be of the same work as the other, not");
  }
  const widthOf = ({ groups }: Partial): string => groups.map(({ sums }) => sums.length).join();
  if (widthOf(left) !== widthOf(right)) {
    throw new PricingRefusal(
      "partial.groups",
      "lengths-differ",
      widthOf(right),
      "must have as many sums as the other, not",
    );
  }
  return {
    work: left.work,
    ranges: mergeRanges(left.ranges, right.ranges),
    groups: left.groups.map((group, index) => mergeGroups(group, right.groups[index]!)),
  };
}

function mergeGroups(left: Group, right: Group): Group {
  return {
    sampleCount: left.sampleCount + right.sampleCount,
    sums: left.sums.map((sum, index) => sum + right.sums[index]!),
  };
}

function mergeRanges(left: readonly PathRange[], right: readonly PathRange[]): readonly PathRange[] {
  const merged: PathRange[] = [];
  for (const range of [...left, ...right].sort((one, other) => one.firstPath - other.firstPath)) {
    const before = merged.at(-1);
    const end = before === undefined ? -1 : before.firstPath + before.pathCount;
    if (range.firstPath < end) {
      throw new PricingRefusal(
        "partial.ranges",
        "outside-range",
        range.firstPath,
        "must share no path with the other, but both hold",
      );
    }
    if (before === undefined || end < range.firstPath) merged.push(range);
    else merged[merged.length - 1] = { firstPath: before.firstPath, pathCount: before.pathCount + range.pathCount };
  }
  if (rangesCountMax < merged.length) {
    throw new PricingRefusal(
      "partial.ranges",
      "outside-range",
      merged.length,
      `must be at most ${rangesCountMax} apart, not`,
    );
  }
  return merged;
}

/** How many paths the partial covers. */
export function pathCountOf({ ranges }: Pick<Partial, "ranges">): number {
  return ranges.reduce((total, { pathCount }) => total + pathCount, 0);
}
