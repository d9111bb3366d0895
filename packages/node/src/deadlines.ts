/**
 * Deadlines that are moved more often than they pass: each view sets all its timers anew, and nearly none of them ever fires. So
 * a deadline that is moved back leaves the timer that is running as it is; when that fires too early, it is set again for the
 * rest. One that is moved forward is set at once.
 */

export interface Deadlines<K, T> {
  /** In so many milliseconds from now `value` is due, instead of what was due before under this key. */
  readonly set: (key: K, delayMs: number, value: T) => void;
  readonly clear: () => void;
}

interface Deadline<T> {
  dueMs: number;
  value: T;
  /** Set while a timer is running, which fires at `firesMs`. */
  timer: NodeJS.Timeout | undefined;
  firesMs: number;
}

/** Timers of Node count whole milliseconds and may be one early. */
const precisionMs = 1;

export function createDeadlines<K, T>(passed: (value: T) => void): Deadlines<K, T> {
  const deadlines = new Map<K, Deadline<T>>();

  const start = (deadline: Deadline<T>, delayMs: number): void => {
    deadline.firesMs = performance.now() + delayMs;
    deadline.timer = setTimeout(() => fired(deadline), delayMs);
  };

  const fired = (deadline: Deadline<T>): void => {
    deadline.timer = undefined;
    const restMs = deadline.dueMs - performance.now();
    if (precisionMs <= restMs) start(deadline, restMs);
    else passed(deadline.value);
  };

  return {
    set(key, delayMs, value) {
      const dueMs = performance.now() + delayMs;
      const known = deadlines.get(key);
      if (known === undefined) {
        const deadline: Deadline<T> = { dueMs, value, timer: undefined, firesMs: 0 };
        deadlines.set(key, deadline);
        return start(deadline, delayMs);
      }
      known.dueMs = dueMs;
      known.value = value;
      if (known.timer !== undefined && known.firesMs <= dueMs) return;
      clearTimeout(known.timer);
      start(known, delayMs);
    },
    clear() {
      for (const { timer } of deadlines.values()) clearTimeout(timer);
      deadlines.clear();
    },
  };
}
