/** The drawings of the protocol show what the shipped code does under their seeds, to the letter, and fit a page. */
import { expect, test } from "vitest";
import { documentPath, draw, scenes, withDrawings } from "./draw-consensus.ts";
import { readText } from "./sources.ts";

const text = readText(documentPath);
const names = Object.keys(scenes);

test("the document has every drawing, in its place", () => {
  const placed = [...text.matchAll(/<!-- drawing: ([^>]+) -->/g)].map(([, name]) => name);
  expect(placed).toEqual(names);
  expect(text.match(/<!-- end of drawing -->/g)).toHaveLength(names.length);
});

test.each(names)("%s: the drawing is what happens when it is run (npm run draw makes it anew)", (name) => {
  expect(text).toContain(`<!-- drawing: ${name} -->\n\n\`\`\`text\n${draw(name)}\n\`\`\`\n`);
});

test.each(names)(
  "%s: the drawing fits a page and ends with every validator that runs having the block final",
  (name) => {
    const lines = draw(name).split("\n");
    expect(lines.length).toBeLessThanOrEqual(34);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(110);
    const finals = draw(name).match(/FINAL \w, height 1/g) ?? [];
    expect(finals).toHaveLength(name === "silent leader" ? 3 : 4);
    expect(new Set(finals).size).toBe(1);
  },
);

test("writing them again changes nothing", () => {
  expect(withDrawings(text)).toBe(text);
});
