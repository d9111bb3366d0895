/** Times as `stoa price` reads and writes them: the venue's dates (25DEC26, at 08:00 UTC) and ISO 8601. */
import { Failure } from "../failure.ts";

const months = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const expiryHour = 8;

export const yearMs = 365 * 24 * 3_600_000;

/** Milliseconds since 1970 of 25DEC26 or 2026-12-25T08:00Z; `where` is a flag, or a row and column. */
export function parseTime(text: string, where: string): number {
  const found = venueDate(text) ?? isoTime(text);
  if (found !== undefined) return found;
  throw new Failure(`${where}: "${text}" is no time: 25DEC26 or 2026-12-25T08:00Z is wanted`);
}

/** The expiry in a name such as 25DEC26, as the venue writes dates; undefined when it is none. */
export function venueDate(text: string): number | undefined {
  const [, day, month, year] = /^(\d{1,2})([A-Z]{3})(\d{2})$/.exec(text.toUpperCase()) ?? [];
  const index = months.indexOf(month ?? "");
  if (index < 0) return undefined;
  const time = Date.UTC(2000 + Number(year), index, Number(day), expiryHour);
  return new Date(time).getUTCDate() === Number(day) ? time : undefined;
}

/** With a time zone, or without one in UTC; whole days are at midnight. */
function isoTime(text: string): number | undefined {
  if (!/^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?)?$/.test(text)) return undefined;
  const zoned = /(Z|[+-]\d{2}:?\d{2})$/.test(text.slice(10)) || text.length === 10 ? text : `${text}Z`;
  const time = Date.parse(zoned.replace(" ", "T"));
  return Number.isNaN(time) ? undefined : time;
}

/** 25 Dec 26. */
export function shortDate(ms: number): string {
  const date = new Date(ms);
  const month = months[date.getUTCMonth()]!;
  return `${date.getUTCDate()} ${month[0]}${month.slice(1).toLowerCase()} ${String(date.getUTCFullYear()).slice(2)}`;
}

export const minuteOf = (ms: number): string => `${new Date(ms).toISOString().slice(0, 16).replace("T", " ")} UTC`;
