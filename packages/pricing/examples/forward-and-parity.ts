// The forward that the options themselves imply: calls less puts are a straight line in the strike.
import { impliedForward } from "@stoa/pricing/surface/put-call-parity";

// Strike, call bid and ask, put bid and ask, in USD.
const rows = [
  [90, 11.9, 12.1, 1.9, 2.1],
  [95, 8.1, 8.3, 3.0, 3.2],
  [100, 5.0, 5.2, 4.9, 5.1],
  [105, 2.9, 3.1, 7.7, 7.9],
  [110, 1.5, 1.7, 11.3, 11.5],
] as const;
const quotes = rows.flatMap(([strike, callBid, callAsk, putBid, putAsk]) => [
  { type: "call" as const, strike, bid: callBid, ask: callAsk },
  { type: "put" as const, strike, bid: putBid, ask: putAsk },
]);

const implied = impliedForward(quotes, {
  unit: "currency",
  crossed: "exclude",
  staleAfterSeconds: Infinity,
  discountErrorMax: 0.002,
});
if (typeof implied === "string") throw new Error(implied);
console.log(`forward ${implied.forward.toFixed(3)}, uncertain by ${implied.forwardError.toFixed(3)}`);
console.log(`it can be sold at ${implied.forwardBid.toFixed(2)} and bought at ${implied.forwardAsk.toFixed(2)}`);
console.log(`from ${implied.usedCount} strikes of ${implied.pairCount}`);
