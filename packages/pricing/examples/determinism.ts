// The bits of a price: the same on every machine and every engine. A hash of many says so in one line.
import { black76Price } from "@stoa/pricing/black76";

const bitsOf = (value: number): string =>
  new BigUint64Array(new Float64Array([value]).buffer)[0]!.toString(16).padStart(16, "0");

const price = black76Price({ type: "call", forward: 100_000, strike: 110_000, years: 0.25, volatility: 0.6 });
console.log(`price ${price}`);
console.log(`bits  ${bitsOf(price)}`);

// A thousand strikes folded into one number (FNV-1a over the bits): one bit anywhere changes it.
let fold = 0xcbf29ce484222325n;
for (let strike = 50_000; strike < 150_000; strike += 100) {
  const value = black76Price({ type: "put", forward: 100_000, strike, years: 0.25, volatility: 0.6 });
  fold = BigInt.asUintN(64, (fold ^ BigInt(`0x${bitsOf(value)}`)) * 0x100000001b3n);
}
console.log(`fold  ${fold.toString(16)}`);
