/** Tables on a terminal: the first column to the left, numbers to the right, two spaces between. */

export function textTable(head: readonly string[], rows: readonly (readonly string[])[], leftCount = 1): string {
  const widths = head.map((name, column) => Math.max(name.length, ...rows.map((row) => (row[column] ?? "").length)));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) => (column < leftCount ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!)))
      .join("  ")
      .trimEnd();
  return [line(head), ...rows.map(line)].join("\n");
}

/** Up to `digits` significant digits, thousands apart; nothing for a missing number. */
export function shown(value: number | null | undefined, digits = 6): string {
  if (value === undefined || value === null) return "";
  if (value !== 0 && (Math.abs(value) < 1e-6 || 1e15 <= Math.abs(value))) return value.toExponential(digits - 1);
  return value.toLocaleString("en-US", { maximumSignificantDigits: digits });
}

export const percent = (value: number | null | undefined, decimals = 2): string =>
  value === undefined || value === null ? "" : `${(100 * value).toFixed(decimals)} %`;
