/** Sums that forget without a trace, against sums over bigints. */
import { expect, test } from "vitest";
import { ExactSum } from "../src/exact-sum.ts";
import { StateReader, StateWriter } from "../src/state.ts";
import { makeRandom } from "./support/random-market.ts";

/** Integer of 2^-96 nearest to zero from the value, by way of its bits. */
function toFixed(value: number): bigint {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, Math.abs(value));
  const bits = view.getBigUint64(0);
  const exponent = Number(bits >> 52n);
  const fraction = (bits & ((1n << 52n) - 1n)) | (exponent === 0 ? 0n : 1n << 52n);
  const shift = BigInt(Math.max(exponent, 1) - 1075 + 96);
  const magnitude = shift >= 0n ? fraction << shift : fraction >> -shift;
  return value < 0 ? -magnitude : magnitude;
}

const draw = (random: () => number): number =>
  (random() < 0.5 ? -1 : 1) * random() * 2 ** Math.floor(random() * 60 - 50);

test("the total is the sum of what is in it, whatever came and left (FEAT-023)", () => {
  const random = makeRandom(3);
  const sum = new ExactSum();
  const inside: number[] = [];
  for (let step = 0; step < 20_000; step++) {
    const value = draw(random);
    if (random() < 0.52 || inside.length === 0) {
      inside.push(value);
      sum.add(value);
    } else sum.remove(inside.splice(Math.floor(random() * inside.length), 1)[0]!);
    if (step % 50 !== 0) continue;
    const exact = inside.reduce((total, one) => total + toFixed(one), 0n);
    const wanted = Number(exact) / 2 ** 96;
    expect(Math.abs(sum.total - wanted)).toBeLessThanOrEqual(Math.abs(wanted) * 2 ** -51);
  }
  for (const value of inside) sum.remove(value);
  expect(sum.total).toBe(0);
});

test("the total does not depend on the order, and not on what has left", () => {
  const random = makeRandom(4);
  const values = Array.from({ length: 500 }, () => draw(random));
  const [forwards, backwards] = [new ExactSum(), new ExactSum()];
  for (const value of values) forwards.add(value);
  backwards.add(1e15);
  for (const value of values.toReversed()) backwards.add(value);
  backwards.remove(1e15);
  expect(backwards.total).toBe(forwards.total);
});

test("a sum of very small negative numbers keeps its digits, and comes back from a checkpoint", () => {
  const sum = new ExactSum();
  sum.add(-3e-20);
  expect(Math.abs(sum.total / -3e-20 - 1)).toBeLessThan(1e-8);
  const writer = new StateWriter();
  sum.save(writer);
  const other = new ExactSum();
  other.load(new StateReader(writer.finish()));
  expect(other.total).toBe(sum.total);
});
