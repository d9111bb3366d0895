/**
 * Text that fits a terminal of any size: words flow onto the next line or are cut, and of blocks that come in several sizes as much
 * is shown as there are rows. Knows nothing of what the text says.
 */

/** Cuts a line at the right edge; a mark says that there was more. */
export const cut = (line: string, columns: number): string =>
  line.length <= columns ? line : `${line.slice(0, Math.max(0, columns - 1))}…`;

/** Puts parts beside each other, and on the next line where they are too wide. Only a part that is wider than a line is cut. */
export function flow(parts: readonly string[], columns: number, indent = ""): readonly string[] {
  const lines: string[] = [];
  for (const part of parts) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + gap.length + part.length <= columns)
      lines[lines.length - 1] = last + gap + part;
    else lines.push(cut(indent + part, columns));
  }
  return lines;
}
const gap = "   ";

/** Breaks a text between words; what `mark` says stands at the end of each line that goes on. Words that are too long are broken. */
export function wrap(text: string, columns: number, indent: string, mark = ""): readonly string[] {
  const width = Math.max(1, columns - indent.length - mark.length);
  const pieces = text.split(" ").flatMap((word) => word.match(new RegExp(`.{1,${width}}`, "gu")) ?? []);
  const lines: string[] = [];
  for (const piece of pieces) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + piece.length <= width) lines[lines.length - 1] = `${last} ${piece}`;
    else lines.push(piece);
  }
  return lines.map((line, index) => indent + line + (index < lines.length - 1 ? mark : ""));
}

/** A part of the screen in several forms, from the one that is always shown to the largest. */
export type Forms = readonly (readonly string[])[];

/**
 * Shows each block in its first form and then, in the order of `wishes`, the next form of a block wherever the rows suffice.
 * What does not fit even so is left out at the bottom. Rows that are left over set the blocks apart, from the top down.
 */
export function fill<Name extends string>(
  blocks: Readonly<Record<Name, Forms>>,
  wishes: readonly Name[],
  rows: number,
): readonly string[] {
  const names = Object.keys(blocks) as Name[];
  const chosen = Object.fromEntries(names.map((name) => [name, 0])) as Record<Name, number>;
  const shown = (): readonly (readonly string[])[] =>
    names.map((name) => blocks[name][chosen[name]] ?? []).filter((lines) => lines.length > 0);
  const sizeOf = (parts: readonly (readonly string[])[]): number => parts.reduce((sum, { length }) => sum + length, 0);
  for (const name of wishes) {
    if (blocks[name].length <= chosen[name] + 1) continue;
    chosen[name] += 1;
    if (rows < sizeOf(shown())) chosen[name] -= 1;
  }
  const parts = shown();
  let spare = rows - sizeOf(parts);
  return parts.flatMap((lines, index) => (0 < index && 0 < spare-- ? ["", ...lines] : lines)).slice(0, rows);
}
