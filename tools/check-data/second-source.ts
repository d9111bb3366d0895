/**
 * Compares a fitted surface with numbers that another program computed from the same snapshot: per expiry the volatility at the money, the
 * risk reversal and the butterfly at a delta of 0.25, from marks by linear interpolation in delta. They stand in
 * `golden_reference.json` beside the data, where there is one. The two differ by what marks differ from bids and asks and by the
 * interpolation, so this tells mistakes, not digits.
 */
import { existsSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { atTheMoney, butterfly, riskReversal } from "@stoa/pricing/surface/delta";
import type { Measured } from "./measure.ts";

/** Sizes of differences in volatility, one per expiry. */
export interface SecondSource {
  readonly atTheMoney: number[];
  readonly riskReversal: number[];
  readonly butterfly: number[];
}

interface Numbers {
  readonly atm_iv: number;
  readonly rr25: number;
  readonly bf25: number;
}
type Reference = Readonly<Record<string, Readonly<Record<string, Readonly<Record<string, Numbers>>>>>>;

/** Undefined when the folder has no such file; of its entries only those of a snapshot that was measured count. */
export function compareSecondSource(folder: string, all: readonly Measured[]): SecondSource | undefined {
  const file = join(folder, "golden_reference.json");
  if (!existsSync(file)) return undefined;
  const reference = JSON.parse(readFileSync(file, "utf8")) as Reference;
  const differences: SecondSource = { atTheMoney: [], riskReversal: [], butterfly: [] };
  for (const { chain, surface } of all) {
    const time = basename(chain.file, ".csv.gz").slice("deribit_options_snapshot_".length);
    const numbers = reference[`deribit_${time}`]?.[chain.currency];
    if (numbers === undefined || surface === undefined) continue;
    for (const { expiry, years } of chain.expiries) {
      const theirs = numbers[expiry];
      const reversal = riskReversal(surface, { delta: 0.25, years });
      const wings = butterfly(surface, { delta: 0.25, years });
      if (theirs === undefined || typeof reversal === "string" || typeof wings === "string") continue;
      const middle = atTheMoney(surface, years, "delta-neutral").volatility;
      differences.atTheMoney.push(Math.abs(middle - theirs.atm_iv));
      differences.riskReversal.push(Math.abs(reversal - theirs.rr25));
      differences.butterfly.push(Math.abs(wings - theirs.bf25));
    }
  }
  return differences.atTheMoney.length === 0 ? undefined : differences;
}
