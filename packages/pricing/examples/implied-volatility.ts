// The volatility that explains a price, and what is said of prices that none explains.
import { black76 } from "@stoa/pricing/black76";
import { impliedVolatility } from "@stoa/pricing/implied-volatility";

const option = { type: "put", forward: 4_000, strike: 3_500, years: 0.1 } as const;

const found = impliedVolatility({ ...option, price: 60 });
if (typeof found !== "number") throw new Error(found);
console.log(`60 USD is a volatility of ${(100 * found).toFixed(4)} %`);
console.log(`and that volatility is ${black76({ ...option, volatility: found }).price.toFixed(10)} USD`);

console.log(`3,600 USD: ${impliedVolatility({ ...option, price: 3_600 })}`);
console.log(`a put 4,500 for 400 USD: ${impliedVolatility({ ...option, strike: 4_500, price: 400 })}`);
