/** Something done at every multiple of a step since 1970 UTC, before any event of that time or later: the grid of a time clock. */
import type { Context } from "../graph/operator.ts";
import { gridAfter, phaseOfGrid } from "../grid.ts";

export interface TimeGrid {
  /** To be called with every event: the grid begins at its first multiple after the first of them. */
  begin(timeNs: number): void;
}

/** `ring` is called at each point of the grid, also while nothing happens in the market. */
export function timeGrid(context: Context, stepNs: number, ring: (timeNs: number) => void): TimeGrid {
  const phaseNs = phaseOfGrid(context.originNs, stepNs);
  const state = context.keep({ begun: false as boolean });
  const alarm = context.alarm((timeNs) => {
    alarm.set(timeNs + stepNs);
    ring(timeNs);
  });
  return {
    begin(timeNs) {
      if (state.begun) return;
      state.begun = true;
      alarm.set(gridAfter(timeNs, stepNs, phaseNs));
    },
  };
}
