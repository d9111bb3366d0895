/** All checks of recorded markets: of what FOLDER holds of them. Each replays through the readers of `@stoa/features` and compares with what is known. */
import type { Agreement } from "./agreement.ts";
import { checkBitstamp } from "./bitstamp-depth.ts";
import { checkCaptures } from "./captures.ts";
import { checkEsHour } from "./es-hour.ts";
import { checkLobster } from "./lobster-rows.ts";

export async function checkMarkets(folder: string): Promise<Agreement[]> {
  const agreements: Agreement[] = [];
  for (const check of [checkEsHour, checkLobster, checkBitstamp, checkCaptures])
    agreements.push(...(await check(folder)));
  return agreements;
}
