/**
 * What is to be looked at again a fixed time after it happened: a queue with one alarm. Each entry has up to three numbers more than
 * its time; they are handed back, oldest first, before any event of the time when it is due.
 */
import type { Context } from "../graph/operator.ts";
import { Ring } from "../window.ts";

export interface Pending {
  push(timeNs: number, one?: number, two?: number, three?: number): void;
  clear(): void;
}

/** `due` is told of each entry `horizon` nanoseconds after its time: the time of the entry, its numbers, and what time it is now. */
export function pending(
  context: Context,
  horizon: number,
  due: (timeNs: number, one: number, two: number, three: number, nowNs: number) => void,
): Pending {
  const { queue } = context.keep({ queue: new Ring(4) });
  const alarm = context.alarm((nowNs) => {
    while (queue.count > 0 && queue.at(0) + horizon <= nowNs) {
      due(queue.at(0), queue.at(0, 1), queue.at(0, 2), queue.at(0, 3), nowNs);
      queue.shift();
    }
    if (queue.count > 0) alarm.set(queue.at(0) + horizon);
  });
  return {
    push(timeNs, one = 0, two = 0, three = 0) {
      if (queue.count === 0) alarm.set(timeNs + horizon);
      queue.push(timeNs, one, two, three);
    },
    clear() {
      queue.clear();
      alarm.set(Infinity);
    },
  };
}
