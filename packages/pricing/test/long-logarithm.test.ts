import { expect, test } from "vitest";
import { createPrng } from "@stoa/base/prng";
import { longLogarithm } from "@stoa/pricing/long-logarithm";
import { addPairs, dividePairs, lowPart, multiplyPairs } from "@stoa/pricing/pair";

test("logarithms of factors add up to that of their exact product, to 2^-99", () => {
  const prng = createPrng("long logarithm");
  const units = 2 ** 25;
  let worst = 0;
  for (let index = 0; index < 20_000; index++) {
    // Factors of at most 26 bits: their product is a double. A part of them lies beside 1, where the series alone answers.
    const spread = index % 2 === 0 ? 1 : 2 ** -9;
    const a = Math.round((1 + spread * (prng.nextFloat() - 0.3)) * units) / units;
    const b = Math.round((1 + spread * (prng.nextFloat() - 0.3)) * units) / units;
    const first = longLogarithm(a, 0);
    const firstLow = lowPart();
    const second = longLogarithm(b, 0);
    const sum = addPairs(first, firstLow, second, lowPart());
    const sumLow = lowPart();
    const whole = longLogarithm(a * b, 0);
    worst = Math.max(worst, Math.abs(whole - sum + (lowPart() - sumLow)));
    expect(Math.abs(whole - Math.log(a * b))).toBeLessThan(1e-15);
  }
  expect(worst).toBeLessThan(2 ** -99);
});

test("a product of pairs divided by one of them is the other, to 2^-100", () => {
  const prng = createPrng("pairs");
  for (let index = 0; index < 20_000; index++) {
    const [a, b] = [prng.nextFloat() + 0.5, prng.nextFloat() + 0.5];
    const [aLow, bLow] = [prng.nextFloat() * 2 ** -55, prng.nextFloat() * 2 ** -55];
    const product = multiplyPairs(a, aLow, b, bLow);
    const quotient = dividePairs(product, lowPart(), b, bLow);
    expect(Math.abs(quotient - a + (lowPart() - aLow))).toBeLessThan(2 ** -100);
  }
});
