/**
 * Continuous funding of perpetuals (exchange.md 2.8): longs pay shorts while the mark stands above the index.
 *
 *   premium  = (mark − index) / index
 *   rate     = clamp(max(damper, premium) + min(−damper, premium), ± cap)        per eight hours, damper 0.025 %
 *   payment  = rate · notional at mark · interval / 8 h
 *
 * Over each interval the rate holds that was set at its beginning, at the mark of its end. What one long lot has paid is accrued as
 * an index in 1e-12 of the smallest unit, rounded down; positions are charged the difference of two readings, each rounded
 * down for the holder. Both sides are charged from one index and sizes net to zero, so what is taken is never less than what
 * is given: the dust goes to the insurance fund at the daily settlement. While an instrument is locked nothing accrues.
 */
import { floorDivide, notionalFraction, type FundingState, type InstrumentTerms } from "../terms.ts";

export const fundingPeriodMs = 28_800_000;
/** 0.025 % in 1e-12. */
export const fundingDamperE12 = 250_000_000n;
/** The eight-hour mean is kept at readings this far apart. */
const readingIntervalMs = 480_000;

/** The 8-hour funding rate in 1e-12, rounded towards zero. Prices in 1e-8; the cap in ppm. */
export function fundingRateE12(markPrice: number, indexPrice: number, capPpm: number): number {
  const premium = ((BigInt(markPrice) - BigInt(indexPrice)) * 1_000_000_000_000n) / BigInt(indexPrice);
  const above = premium < fundingDamperE12 ? fundingDamperE12 : premium;
  const below = premium < -fundingDamperE12 ? premium : -fundingDamperE12;
  const rate = above + below;
  const cap = BigInt(capPpm) * 1_000_000n;
  return Number(rate < -cap ? -cap : cap < rate ? cap : rate);
}

/** Accrues an interval that ends at `timeMs` at the rate and the mark that held over it. */
export function accrueFunding(
  funding: FundingState,
  terms: InstrumentTerms,
  interval: { readonly markPrice: number; readonly timeMs: number; readonly durationMs: number },
): void {
  const { markPrice, timeMs, durationMs } = interval;
  const rateSum = BigInt(funding.rateE12) * BigInt(durationMs);
  const { numerator, denominator } = notionalFraction(terms, 1, markPrice);
  funding.accruedE12 += floorDivide(rateSum * numerator, denominator * BigInt(fundingPeriodMs));
  const before = { timeMs: timeMs - durationMs, rateSum: funding.rateSum };
  funding.rateSum += rateSum;
  const newest = funding.readings[funding.readings.length - 1];
  if (newest !== undefined && before.timeMs - newest.timeMs < readingIntervalMs) return;
  const kept = funding.readings.filter((_, index) => !isBeyond(funding.readings[index + 1], timeMs));
  funding.readings = [...kept, before];
}

/** A reading is of no more use once the one after it is eight hours old. */
function isBeyond(next: { readonly timeMs: number } | undefined, timeMs: number): boolean {
  return next !== undefined && next.timeMs <= timeMs - fundingPeriodMs;
}

/** The sum of funding over the eight hours before a time as a rate in 1e-12, to the reading before (eight minutes). */
export function fundingOfEightHoursE12(funding: FundingState, timeMs: number): number {
  return Number((funding.rateSum - rateSumAt(funding, timeMs - fundingPeriodMs)) / BigInt(fundingPeriodMs));
}

/** Readings are taken before what accrues: where the next one is far from one, nothing accrued for most of the time between. */
function rateSumAt({ readings, rateSum }: FundingState, timeMs: number): bigint {
  const index = readings.findLastIndex((reading) => reading.timeMs <= timeMs);
  const reading = readings[Math.max(0, index)];
  if (reading === undefined) return rateSum;
  if (timeMs - reading.timeMs < readingIntervalMs) return reading.rateSum;
  return readings[index + 1]?.rateSum ?? rateSum;
}
