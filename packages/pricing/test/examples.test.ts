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

const readers = ["for-traders", "for-programmers"];

test.each(names)("%s prints what its pages show, to the last digit (PRICE-081)", async (name) => {
  const printed = await outputOf(name);
  for (const reader of readers) {
    const page = readFileSync(join(pages, reader, `${name}.md`), "utf8");
    const [, shown] = new RegExp(`\`\`\`text ${name}\n([^]*?)\`\`\``).exec(page) ?? [];
    expect(shown, `docs/pricing/${reader}/${name}.md has no block "text ${name}"`).toBeDefined();
    expect(printed).toBe(shown);
  }
});

test("every idea has an example, a page for who trades and one for who programs, and stands in the list", () => {
  const list = readFileSync(join(pages, "README.md"), "utf8");
  for (const reader of readers) {
    expect(readdirSync(join(pages, reader)).sort()).toEqual(names.map((name) => `${name}.md`).sort());
    for (const name of names) expect(list).toContain(`(${reader}/${name}.md)`);
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
    "barrier-terms",
    "complex",
    "implied-deviation",
    "inversion",
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
