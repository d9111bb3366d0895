/** The examples run as a reader runs them, and the pages of docs/pricing show exactly what they print. */
import { execFile } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const root = join(import.meta.dirname, "../../..");
const examples = join(root, "packages/pricing/examples");
const pages = join(root, "docs/pricing");
const names = readdirSync(examples).map((name) => name.replace(/\.ts$/, ""));

async function outputOf(name: string): Promise<string> {
  const args = ["--conditions=@stoa/source", join(examples, `${name}.ts`)];
  const { stdout, stderr } = await promisify(execFile)(process.execPath, args);
  expect(stderr).toBe("");
  return stdout;
}

test.each(names)("%s prints what its page shows, to the last digit (PRICE-081)", async (name) => {
  const page = readFileSync(join(pages, `${name}.md`), "utf8");
  const [, shown] = new RegExp(`\`\`\`text ${name}\n([^]*?)\`\`\``).exec(page) ?? [];
  expect(shown, `docs/pricing/${name}.md has no block "text ${name}"`).toBeDefined();
  expect(await outputOf(name)).toBe(shown);
});

test("every page of an idea has an example, a part for who trades and a part for who programs", () => {
  const ideas = readdirSync(pages).filter((name) => !["README.md", "accuracy.md"].includes(name));
  expect(ideas.map((name) => name.replace(/\.md$/, "")).sort()).toEqual([...names].sort());
  for (const name of ideas) {
    const page = readFileSync(join(pages, name), "utf8");
    expect(page, name).toContain("\n## If you trade\n");
    expect(page, name).toContain("\n## If you program\n");
    expect(readFileSync(join(pages, "README.md"), "utf8")).toContain(`(${name})`);
  }
});

test("the five minutes of the README print what it says (PRICE-081)", async () => {
  const readme = readFileSync(join(root, "packages/pricing/README.md"), "utf8");
  const [, program, printed] = /```ts\n([^]*?)```\n\nprints\n\n```text\n([^]*?)```/.exec(readme) ?? [];
  const args = ["--conditions=@stoa/source", "--input-type=module-typescript", "--eval", program!];
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: examples });
  expect(stdout).toBe(printed);
});

test("the map of the README names every file that there is, or its folder", () => {
  const readme = readFileSync(join(root, "packages/pricing/README.md"), "utf8");
  const source = readdirSync(join(root, "packages/pricing/src"), { withFileTypes: true });
  // Folders as a whole; of files those that others build on are not for users.
  const inner = [
    "complex",
    "implied-deviation",
    "inversion",
    "jet",
    "long-logarithm",
    "normalised-black",
    "pair",
    "standardised",
  ];
  const missing = source
    .map((entry) => (entry.isDirectory() ? `${entry.name}/` : entry.name.replace(/\.ts$/, "")))
    .filter((name) => !inner.includes(name) && !readme.includes(`\`${name}`));
  expect(missing).toEqual([]);
});
