// An option on a forward: what it is worth, and what moves it. docs/pricing/for-traders/options-and-greeks.md explains every number.
import { black76 } from "@stoa/pricing/black76";

const option = { type: "call", forward: 100_000, strike: 110_000, years: 30 / 365, volatility: 0.6 } as const;
const value = black76(option);

console.log(`price        ${value.price.toFixed(2)} USD`);
console.log(`delta        ${value.delta.toFixed(4)}`);
console.log(`gamma        ${(value.gamma * 1_000).toFixed(4)} of delta per 1,000 USD`);
console.log(`vega         ${(value.vega / 100).toFixed(2)} USD per 1 % of volatility`);
console.log(`theta        ${(value.theta / 365).toFixed(2)} USD per day`);

// The forward rises by 1,000 USD: delta and gamma say what to expect, the formula says what happens.
const expected = value.delta * 1_000 + 0.5 * value.gamma * 1_000 * 1_000;
const moved = black76({ ...option, forward: 101_000 });
console.log(`+1,000 USD   expected ${expected.toFixed(2)}, is ${(moved.price - value.price).toFixed(2)}`);
