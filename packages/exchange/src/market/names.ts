/** Names of instruments: `BTC-PERPETUAL`, `BTC-5AUG26`, `BTC_USDC-25DEC26`, `BTC-25DEC26-100000-C`, `XRP_USDC-30JUN23-0d625-C`. */
import type { OptionType } from "@stoa/protocol/instrument";
import type { CivilDate } from "./calendar.ts";

const months = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"] as const;

export const perpetualName = (prefix: string): string => `${prefix}-PERPETUAL`;

export const futureName = (prefix: string, date: CivilDate): string => `${prefix}-${dateName(date)}`;

export function optionName(prefix: string, date: CivilDate, strike: number, type: OptionType): string {
  return `${prefix}-${dateName(date)}-${strikeName(strike)}-${type === "call" ? "C" : "P"}`;
}

function dateName({ year, month, day }: CivilDate): string {
  return `${day}${months[month - 1]}${String(year % 100).padStart(2, "0")}`;
}

/** A strike in 1e-8; a decimal point is written `d`. */
function strikeName(strike: number): string {
  const whole = Math.floor(strike / 1e8);
  const fraction = strike - whole * 1e8;
  if (fraction === 0) return String(whole);
  return `${whole}d${String(fraction).padStart(8, "0").replace(/0+$/, "")}`;
}
