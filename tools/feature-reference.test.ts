/** Whether docs/features/reference.md is what the catalogue says. Made anew by `npm run features:reference`. */
import { expect, test } from "vitest";
import { catalogue } from "@stoa/features/catalogue";
import { featureReference, referencePath } from "./feature-reference.ts";
import { readText } from "./sources.ts";

test("the reference of features is that of the catalogue (otherwise: npm run features:reference)", () => {
  expect(readText(referencePath)).toBe(featureReference());
});

test("it has every entry with its columns, units and source", () => {
  const text = readText(referencePath);
  for (const entry of catalogue) {
    const part = text.split(`\n### ${entry.id}\n`)[1]?.split("\n### ")[0] ?? "";
    expect(part, entry.id).toContain(entry.summary);
    expect(part, entry.id).toMatch(/\nversion \d+; source: \S/);
    for (const name of Object.keys({ ...entry.defaults, ...entry.required }))
      expect(part, entry.id).toContain(`\`${name}\``);
  }
});
