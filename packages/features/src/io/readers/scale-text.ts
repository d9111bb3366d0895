/** Steps as venues write them in lists: `0.00100000` or 1e-8. Relies on `parseScale`; `undefined` for what is no step. */
import { parseScale, type Scale } from "../../instrument.ts";
import { StepFinder } from "./terms.ts";

export function stepFrom(value: string | number | undefined): Scale | undefined {
  if (value === undefined || !(Number(value) > 0)) return undefined;
  if (typeof value === "string" && /^\d+(\.\d+)?$/.test(value))
    return parseScale(value.replace(/(\.\d*?)0+$/, "$1").replace(/\.$/, ""));
  const finder = new StepFinder();
  finder.show(Number(value));
  return finder.step;
}
