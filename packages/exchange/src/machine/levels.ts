/**
 * What a block did to the levels of its books, said once at its end: a follower that applies these holds the book. A level
 * that is what it was before the block is not said, so nobody is told of the end of a level that they never saw.
 */
import type { Lots, Ticks } from "@stoa/base/units";
import { sides } from "@stoa/protocol/command";
import type { Run } from "./run.ts";
import { bookSideOf } from "./state.ts";

/** Says the levels of all books that the block touched: by instrument, buys before sells, best prices first. */
export function sayAllLevels(run: Run): void {
  const instruments = [...run.state.touched.levels].sort((left, right) => left - right);
  for (const instrument of instruments) sayLevels(run, instrument);
}

export function sayLevels(run: Run, instrument: number): void {
  const { books, touched } = run.state;
  touched.levels.delete(instrument);
  const entry = books.get(instrument);
  if (entry === undefined) return;
  for (const side of sides) {
    const index = bookSideOf(side);
    const before = entry.levelsTouched[index];
    const bestFirst = [...before.keys()].sort((left, right) => (side === "buy" ? right - left : left - right));
    for (const price of bestFirst) {
      const lots = entry.book.levelLots(index, price);
      if (lots === before.get(price)) continue;
      run.events.push({ kind: "level", instrument, side, priceTicks: price as Ticks, sizeLots: lots as Lots });
    }
    before.clear();
  }
}
