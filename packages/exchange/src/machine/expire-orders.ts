/** Good-til-time orders leave the book in the first block at or after their time. */
import { cancelResting } from "./resting.ts";
import type { Run } from "./run.ts";

export function expireOrders(run: Run): void {
  const { deadlines, timeMs } = run.state;
  for (let first = deadlines.first(); first !== undefined && first.goodTilMs! <= timeMs; first = deadlines.first()) {
    cancelResting(run, first, "good-til-time");
  }
}
