/** A copy of this program in a temporary folder with a line changed: a node whose build computes something else. */
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const root = join(import.meta.dirname, "../../..");
const packages = ["base", "protocol", "pricing", "exchange", "consensus", "node"];

export interface AlteredCopy {
  readonly folder: string;
  readonly remove: () => void;
}

/** `find` must stand exactly once in the file. */
export function alteredCopy(change: {
  readonly path: string;
  readonly find: string;
  readonly replace: string;
}): AlteredCopy {
  const folder = mkdtempSync(join(tmpdir(), "stoa-altered-"));
  mkdirSync(join(folder, "node_modules/@stoa"), { recursive: true });
  for (const name of packages) {
    for (const part of ["package.json", "src", ...(name === "node" ? ["test"] : [])])
      cpSync(join(root, "packages", name, part), join(folder, "packages", name, part), { recursive: true });
    symlinkSync(join(folder, "packages", name), join(folder, "node_modules/@stoa", name));
  }
  for (const name of readdirSync(join(root, "node_modules"))) {
    if (name !== "@stoa" && !name.startsWith("."))
      symlinkSync(join(root, "node_modules", name), join(folder, "node_modules", name));
  }
  const path = join(folder, change.path);
  const text = readFileSync(path, "utf8");
  if (text.split(change.find).length !== 2)
    throw new Error(`${change.path} does not hold exactly once: ${change.find}`);
  writeFileSync(path, text.replace(change.find, change.replace));
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}
