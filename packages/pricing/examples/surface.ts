// A volatility surface from quotes: fit it, read it between strikes and expiries, and check it for arbitrage.
import { black76Price } from "@stoa/pricing/black76";
import { sviRefusal } from "@stoa/pricing/surface/butterfly-check";
import { calendarGap } from "@stoa/pricing/surface/calendar-check";
import { riskReversal } from "@stoa/pricing/surface/delta";
import { fitSurface } from "@stoa/pricing/surface/fit-surface";
import { surfaceVolatility } from "@stoa/pricing/surface/surface";

// Two expiries of made-up quotes: a smile in volatility, half a percent either way.
const chain = [30, 90].map((days) => {
  const [years, forward] = [days / 365, 100_000];
  const quotes = [70, 80, 90, 95, 100, 105, 110, 120, 140].map((thousands) => {
    const strike = 1_000 * thousands;
    const k = (strike - forward) / forward;
    const volatility = 0.5 - 0.1 * k + 0.3 * k * k;
    const type = strike < forward ? ("put" as const) : ("call" as const);
    const at = (shift: number): number =>
      black76Price({ type, forward, strike, years, volatility: volatility + shift });
    return { type, strike, bid: at(-0.005), ask: at(0.005) };
  });
  return { years, forward, quotes };
});

const fit = fitSurface(chain);
if ("refusal" in fit) throw new Error(fit.refusal);
const { surface } = fit;
const show = (volatility: number): string => `${(100 * volatility).toFixed(2)} %`;

console.log(`at the money, 30 days     ${show(surfaceVolatility(surface, 100_000, 30 / 365))}`);
console.log(`a put 85,000, 30 days     ${show(surfaceVolatility(surface, 85_000, 30 / 365))}`);
console.log(`the same, 60 days         ${show(surfaceVolatility(surface, 85_000, 60 / 365))}`);
const reversal = riskReversal(surface, { delta: 0.25, years: 30 / 365 });
console.log(`25 delta risk reversal    ${typeof reversal === "string" ? reversal : show(reversal)}`);

const [early, late] = surface.slices;
console.log(`butterflies               ${surface.slices.map(({ svi }) => sviRefusal(svi) ?? "none").join(", ")}`);
console.log(`calendar spreads          ${0 <= calendarGap(early!.svi, late!.svi).gap ? "none" : "one"}`);
