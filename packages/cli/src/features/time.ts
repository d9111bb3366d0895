/** Times as `stoa features` reads them: to the nanosecond, UTC where a text does not say. */
import { Failure } from "../failure.ts";

/** Nanoseconds since 1970 of 2026-01-02T09:30:00.5Z, UTC where it does not say, or of the nanoseconds themselves. */
export function parseTimeNs(text: string, flag: string): bigint {
  if (/^\d{16,19}$/.test(text)) return BigInt(text);
  const [, base, fraction = "", zone = "Z"] =
    /^(\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2})?)?)(?:\.(\d{1,9}))?(Z|[+-]\d{2}:\d{2})?$/.exec(text) ?? [];
  const day = base?.length === 10 ? `${base}T00:00` : base?.replace(" ", "T");
  const ms = Date.parse(`${day}${zone}`);
  if (base === undefined || Number.isNaN(ms))
    throw new Failure(`${flag} ${text}: a time is wanted, such as 2026-01-02T09:30Z or nanoseconds since 1970`);
  return BigInt(ms) * 1_000_000n + BigInt(fraction.padEnd(9, "0"));
}
