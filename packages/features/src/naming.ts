/** How the parameters of features appear in the names of columns. */

/** A window in the largest unit that divides it: 10000000000 is `10s`, 1500000000 is `1500ms`. */
export function nameOfWindow(ns: number): string {
  for (const [unit, size] of [
    ["h", 3_600e9],
    ["m", 60e9],
    ["s", 1e9],
    ["ms", 1e6],
    ["us", 1e3],
  ] as const) {
    if (ns % size === 0) return `${ns / size}${unit}`;
  }
  return `${ns}ns`;
}
