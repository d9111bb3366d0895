/**
 * Price messages of validators, and what the market makes of them: the stake-weighted median of every index, and of the
 * forward and each volatility of every live expiry. A message replaces its sender's former one. It counts for `ageMsMax`
 * after the time it states. A price moves only while messages of more than two thirds of the stake count; otherwise the last
 * agreed price is held, and after `staleMsMax` the instruments that depend on it are locked (`advance.ts`).
 *
 * The median is the smallest value at which half of the counted stake is reached, so a minority below half of the counting
 * stake cannot move it outside the values of the others.
 */
import { limits } from "@stoa/base/limits";
import { priceE8 } from "@stoa/base/units";
import { volatilityNodesCount, type PricesBody } from "@stoa/protocol/command";
import type { Event } from "@stoa/protocol/event";
import type { RefusalReason } from "@stoa/protocol/reason";
import { curveKey, type CurveState, type IndexState, type Market, type ValidatorPrices } from "./state.ts";

/** Volatilities above 5,000 % are no volatilities, and prices leave room for premiums and bands above them. */
const volatilityPpmMax = 50_000_000;
const pricePlausibleMax = limits.priceE8Max / 2;
const isPrice = (price: number): boolean => 0 < price && price <= pricePlausibleMax;

/** Takes a validator's message; `undefined` when it was taken. Unknown expiries are left out: lists roll while it travels. */
export function submitPrices(
  market: Market,
  validator: number,
  body: PricesBody,
  timeMs: number,
): RefusalReason | undefined {
  const latest = market.validators[validator];
  if (latest === undefined) return "validator-unknown";
  if (body.sequence <= latest.sequence || body.sourceMs < latest.sourceMs) return "price-message-outdated";
  if (body.sourceMs < timeMs - market.genesis.prices.ageMsMax) return "price-message-outdated";
  if (timeMs + limits.messageDelayMs + limits.clockPrecisionMs < body.sourceMs || !isSound(market, body)) {
    return "price-message-invalid";
  }
  latest.sequence = body.sequence;
  latest.sourceMs = body.sourceMs;
  latest.indexes.clear();
  latest.curves.clear();
  for (const { index, price } of body.indexes) latest.indexes.set(index, price);
  for (const { index, expiryMs, forward, volatilitiesPpm } of body.curves) {
    const key = curveKey(index, expiryMs);
    if (market.curves.has(key)) latest.curves.set(key, { forward, volatilitiesPpm });
  }
  market.messaged = true;
  market.touched.add(`validator:${validator}`);
  return undefined;
}

function isSound(market: Market, body: PricesBody): boolean {
  const indexes = new Set<number>();
  for (const { index, price } of body.indexes) {
    if (indexes.has(index) || market.indexes[index] === undefined || !isPrice(price)) return false;
    indexes.add(index);
  }
  const curves = new Set<string>();
  for (const { index, expiryMs, forward, volatilitiesPpm } of body.curves) {
    const key = curveKey(index, expiryMs);
    if (curves.has(key) || market.indexes[index] === undefined || !isPrice(forward)) return false;
    if (volatilitiesPpm.length !== volatilityNodesCount) return false;
    if (!volatilitiesPpm.every((one) => 0 < one && one <= volatilityPpmMax)) return false;
    curves.add(key);
  }
  return true;
}

/** Agrees on prices anew after messages arrived; the events are the prices that moved. */
export function agreePrices(market: Market, timeMs: number): Event[] {
  if (!market.messaged) return [];
  market.messaged = false;
  const events: Event[] = [];
  for (const index of market.indexes) {
    if (agreeIndex(market, index, timeMs)) {
      events.push({ kind: "index", index: index.index, price: priceE8(index.price) });
    }
  }
  // By index and expiry, not by insertion: a restored market has its curves in another insertion order.
  const curves = [...market.curves].sort(
    ([, left], [, right]) => left.index - right.index || left.expiryMs - right.expiryMs,
  );
  for (const [key, curve] of curves) {
    if (agreeCurve(market, key, curve, timeMs)) events.push(curveEvent(curve));
  }
  return events;
}

function curveEvent(curve: CurveState): Event {
  const { index, expiryMs, forward, volatilitiesPpm } = curve;
  return { kind: "curve", index, expiryMs: expiryMs as never, forward: priceE8(forward), volatilitiesPpm };
}

/** Whether the price moved. */
function agreeIndex(market: Market, index: IndexState, timeMs: number): boolean {
  const counting = countingVoices(market, timeMs, (message) => message.indexes.get(index.index));
  if (counting === undefined) return false;
  market.touched.add(`index:${index.index}`);
  index.freshMs = Math.max(index.freshMs, counting.freshMs);
  const price = medianOf(counting.voices, (said) => said);
  if (price === index.price) return false;
  index.price = price;
  return true;
}

function agreeCurve(market: Market, key: string, curve: CurveState, timeMs: number): boolean {
  const counting = countingVoices(market, timeMs, (message) => message.curves.get(key));
  if (counting === undefined) return false;
  market.touched.add(`curve:${key}`);
  curve.freshMs = Math.max(curve.freshMs, counting.freshMs);
  const forward = medianOf(counting.voices, (said) => said.forward);
  const volatilitiesPpm: number[] = [];
  for (let node = 0; node < volatilityNodesCount; node++) {
    volatilitiesPpm.push(medianOf(counting.voices, (said) => said.volatilitiesPpm[node]!));
  }
  const isSame = volatilitiesPpm.every((one, node) => one === curve.volatilitiesPpm[node]);
  if (forward === curve.forward && isSame) return false;
  curve.forward = forward;
  curve.volatilitiesPpm = volatilitiesPpm;
  curve.moved = true;
  return true;
}

interface Vote {
  readonly value: number;
  readonly stake: number;
}

/** What one validator says of an index or a curve, in a message that counts. */
interface Voice<T> {
  readonly said: T;
  readonly stake: number;
  readonly sourceMs: number;
}

/**
 * Whose messages count, and the time at which more than two thirds of the stake had spoken; `undefined` without a quorum. PERF:
 * once for a curve, and not for each of its numbers: whoever says one of them says all.
 */
function countingVoices<T>(
  market: Market,
  timeMs: number,
  read: (message: ValidatorPrices) => T | undefined,
): { readonly voices: readonly Voice<T>[]; readonly freshMs: number } | undefined {
  const voices: Voice<T>[] = [];
  let stakeTotal = 0;
  for (const [validator, { stake }] of market.genesis.validators.entries()) {
    stakeTotal += stake;
    const message = market.validators[validator]!;
    const said = read(message);
    if (said === undefined || message.sourceMs < timeMs - market.genesis.prices.ageMsMax) continue;
    voices.push({ said, stake, sourceMs: message.sourceMs });
  }
  const newestFirst = [...voices].sort((left, right) => right.sourceMs - left.sourceMs);
  let stakeFresh = 0;
  for (const { stake, sourceMs } of newestFirst) {
    stakeFresh += stake;
    if (2 * stakeTotal < 3 * stakeFresh) return { voices, freshMs: sourceMs };
  }
  return undefined;
}

const medianOf = <T>(voices: readonly Voice<T>[], read: (said: T) => number): number =>
  weightedMedian(voices.map(({ said, stake }) => ({ value: read(said), stake })));

/** The smallest value at which half of the stake is reached. */
export function weightedMedian(votes: readonly Vote[]): number {
  const ascending = [...votes].sort((left, right) => left.value - right.value);
  let stakeTotal = 0;
  for (const vote of ascending) stakeTotal += vote.stake;
  let stakeBelow = 0;
  for (const vote of ascending) {
    stakeBelow += vote.stake;
    if (stakeTotal <= 2 * stakeBelow) return vote.value;
  }
  return 0;
}
