// An option that is paid in coin: its price in coin and in dollars, and the two deltas that traders mean.
import { black76 } from "@stoa/pricing/black76";
import { inverse } from "@stoa/pricing/inverse";

const option = { type: "call", forward: 100_000, strike: 110_000, years: 30 / 365, volatility: 0.6 } as const;
const dollars = black76(option);
const coin = inverse(option);

console.log(`price            ${coin.price.toFixed(6)} BTC = ${dollars.price.toFixed(2)} USD`);
console.log(`venue's delta    ${dollars.delta.toFixed(4)} (N(d1): the option alone)`);
console.log(`net delta        ${(dollars.delta - coin.price).toFixed(4)} (the premium is a coin position too)`);

// In coin a call can pay at most one coin, however high the price: 1 - K / S.
for (const price of [100_000, 120_000, 200_000, 1_000_000])
  console.log(
    `pays at ${price.toLocaleString("en-US").padStart(9)}  ${Math.max(0, 1 - 110_000 / price).toFixed(4)} BTC`,
  );
