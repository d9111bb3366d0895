/** A Python with packages of exact versions, for peers that are written in it: made when a bench first asks, kept in the cache of node_modules. */
import { execFileSync } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Path of the interpreter; `undefined`, and a line why, where Python or the packages cannot be had. */
export function pythonWith(packages: readonly string[]): string | undefined {
  const folder = join(import.meta.dirname, "../node_modules/.cache/stoa-bench-python");
  const program = join(folder, "bin/python");
  const mark = join(folder, `has ${packages.join(" ")}`);
  try {
    if (!existsSync(program)) execFileSync("python3", ["-m", "venv", folder]);
    if (!existsSync(mark)) {
      execFileSync(program, ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", ...packages]);
      writeFileSync(mark, "");
    }
    return program;
  } catch (error) {
    console.log(
      `(without Python: ${String(error).split("\n")[0]}; it takes python3 with venv, and ${packages.join(", ")} of PyPI)`,
    );
    return undefined;
  }
}
