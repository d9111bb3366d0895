/**
 * The calendar: settlement instants, the civil dates that instrument names carry, and which expiries are listed on a day.
 * A devnet may shorten the day; its names then run ahead of the wall calendar, one civil day per calendar day from the day of
 * genesis, so that they stay unique. Knows only numbers: no clock, no time zones.
 */
import type { Genesis } from "@stoa/protocol/genesis";

const civilDayMs = 86_400_000;

export interface Calendar {
  readonly dayMs: number;
  readonly settlementOffsetMs: number;
  readonly averagingMs: number;
  /** Civil day (days since 1970-01-01) of the calendar day with number 0. */
  readonly civilDayOfDayZero: number;
}

export function createCalendar(genesis: Genesis): Calendar {
  const { dayMs, settlementOffsetMs, averagingMs } = genesis.calendar;
  const genesisDay = Math.floor(genesis.timeMs / dayMs);
  const genesisCivilDay = Math.floor(genesis.timeMs / civilDayMs);
  return { dayMs, settlementOffsetMs, averagingMs, civilDayOfDayZero: genesisCivilDay - genesisDay };
}

/** The settlement instant of a calendar day. */
export function settlementOfDay(calendar: Calendar, day: number): number {
  return day * calendar.dayMs + calendar.settlementOffsetMs;
}

/** The last day whose settlement instant is not after `timeMs`. */
export function dayAt(calendar: Calendar, timeMs: number): number {
  return Math.floor((timeMs - calendar.settlementOffsetMs) / calendar.dayMs);
}

export const civilDayOf = (calendar: Calendar, day: number): number => day + calendar.civilDayOfDayZero;

export interface CivilDate {
  readonly year: number;
  /** 1 to 12 */
  readonly month: number;
  readonly day: number;
}

/** Date in the Gregorian calendar of a count of days since 1970-01-01. */
export function civilDate(days: number): CivilDate {
  // Years begin in March here, so that the leap day comes last; eras are the 400 years after which all repeats.
  const shifted = days + 719_468;
  const era = Math.floor(shifted / 146_097);
  const dayOfEra = shifted - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1_460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const monthFromMarch = Math.floor((5 * dayOfYear + 2) / 153);
  const month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9;
  return {
    year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0),
    month,
    day: dayOfYear - Math.floor((153 * monthFromMarch + 2) / 5) + 1,
  };
}

/**
 * The days whose expiries are listed when `today` is the last settled day: one per entry of `horizons` (days ahead,
 * ascending), each later than the one before. Below 7 any day will do, from 7 a Friday, from 28 the last Friday of a month,
 * from 84 the last Friday of a quarter. As days pass, what is listed stays listed until it expires, and exactly one expiry
 * follows each one that goes.
 */
export function listedDays(calendar: Calendar, today: number, horizons: readonly number[]): readonly number[] {
  const days: number[] = [];
  let previous = today;
  for (const horizon of horizons) {
    let day = previous + 1;
    while (!suits(civilDayOf(calendar, day), horizon)) day += 1;
    days.push(day);
    previous = day;
  }
  return days;
}

function suits(civilDay: number, horizon: number): boolean {
  if (horizon < 7) return true;
  // 1970-01-01 was a Thursday.
  if ((civilDay + 4) % 7 !== 5) return false;
  if (horizon < 28) return true;
  const { month } = civilDate(civilDay);
  if (civilDate(civilDay + 7).month === month) return false;
  return horizon < 84 || month % 3 === 0;
}
