/**
 * The rules of STYLE.md that a machine can check. Functions are found by their braces, which is exact enough for a limit on
 * their length; what is longer than the limit is named here with its length and may only become shorter.
 */
import { describe, expect, test } from "vitest";
import { limits } from "@stoa/base/limits";
import {
  filesUnder,
  lineOf,
  manifestOf,
  packages,
  readText,
  shippedModules,
  testModules,
  type Manifest,
  type Module,
} from "./sources.ts";

const functionLinesMax = 70;

/** Longer functions, with the lines they have. Tables may stay long; anything else is work to be done. */
const longFunctions: Readonly<Record<string, number>> = {};

const allModules = [...shippedModules, ...testModules];

function found(pattern: RegExp, modules: readonly Module[], read: (module: Module) => string): string[] {
  return modules.flatMap((module) =>
    [...read(module).matchAll(pattern)].map((match) => {
      const text = read(module);
      return `${module.path}:${lineOf(text, match.index)}: ${match[0].trim()}`;
    }),
  );
}

describe("files", () => {
  test("open with a paragraph that says what they are", () => {
    expect(allModules.length).toBeGreaterThan(80);
    const silent = [...shippedModules, ...testModules.filter(({ path }) => !path.startsWith("packages/"))].filter(
      ({ text }) => {
        const head = /^(?:#![^\n]*\n)?\s*(?:\/\*\*([^]*?)\*\/|((?:\/\/[^\n]*\n)+))/.exec(text);
        const words = (head?.[1] ?? head?.[2] ?? "").replace(/[*/\s]+/g, " ").trim();
        return words.length < 40 || !/[.:]/.test(words);
      },
    );
    expect(silent.map(({ path }) => path)).toEqual([]);
  });

  test("hold nothing unfinished", () => {
    // Written apart so that this file does not find itself.
    const marks = new RegExp(`\\b(${["TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK"].join("|")})\\b`, "g");
    expect(found(marks, allModules, ({ text }) => text)).toEqual([]);
    expect(found(/not (yet )?implemented/gi, shippedModules, ({ text }) => text)).toEqual([]);
  });

  test("skip no test and single none out", () => {
    const chosen =
      /\b(test|it|describe|suite)\s*\.\s*(only|skip|todo|fails|skipIf)\b|\b(xit|xtest|fit|fdescribe)\s*\(/g;
    expect(found(chosen, testModules, ({ code }) => code)).toEqual([]);
  });

  test("that ship silence neither the compiler nor a type", () => {
    expect(found(/@ts-(ignore|expect-error|nocheck)/g, shippedModules, ({ text }) => text)).toEqual([]);
    expect(found(/\bas any\b/g, shippedModules, ({ code }) => code)).toEqual([]);
  });
});

describe("TypeScript", () => {
  test("is erasable and strict", () => {
    const { compilerOptions } = JSON.parse(readText("tsconfig.base.json")) as {
      compilerOptions: Record<string, unknown>;
    };
    for (const option of [
      "erasableSyntaxOnly",
      "verbatimModuleSyntax",
      "isolatedModules",
      "strict",
      "noUncheckedIndexedAccess",
      "exactOptionalPropertyTypes",
    ]) {
      expect(compilerOptions[option], option).toBe(true);
    }
    const notErasable = /^\s*(export\s+)?(const\s+)?enum\s+\w|^\s*(export\s+)?namespace\s+\w/gm;
    expect(found(notErasable, allModules, ({ code }) => code)).toEqual([]);
  });
});

interface FunctionSpan {
  readonly name: string;
  readonly lines: number;
}

const notFunctions = new Set(["if", "for", "while", "switch", "catch", "with"]);

/**
 * Functions with a block for a body, nested ones too. Lines run from the head to the closing brace, without those of functions
 * inside: a closure that holds state is as long as what it says itself.
 */
function functionsOf({ path, code }: Module): FunctionSpan[] {
  const spans: FunctionSpan[] = [];
  const lines = new Uint32Array(code.length + 1);
  for (let index = 0; index < code.length; index++) lines[index + 1] = lines[index]! + (code[index] === "\n" ? 1 : 0);
  const open: { readonly start: number | undefined; readonly name: string; inside: number }[] = [];
  for (let index = 0; index < code.length; index++) {
    if (code[index] === "{") open.push({ ...headBefore(code, index), inside: 0 });
    if (code[index] !== "}") continue;
    const head = open.pop();
    if (head === undefined) continue;
    const outer = open.at(-1);
    const whole = head.start === undefined ? head.inside : lines[index]! - lines[head.start]! + 1;
    if (outer !== undefined) outer.inside += whole;
    if (head.start === undefined) continue;
    spans.push({ name: `${path} ${head.name}`, lines: whole - head.inside });
  }
  return spans;
}

/** Where the function whose body opens at `brace` begins; no start when the brace opens something else. */
function headBefore(code: string, brace: number): { readonly start: number | undefined; readonly name: string } {
  const from = Math.max(0, brace - 2_000);
  const before = code.slice(from, brace);
  const nearFrom = Math.max(0, before.length - 300);
  const near = before.slice(nearFrom);
  const arrow = /=>\s*$/.test(near);
  const typed = /\)\s*(:[^;{}=]*)?$/.exec(near);
  if (!arrow && typed === null) return { start: undefined, name: "" };
  const close = arrow ? before.lastIndexOf(")", before.lastIndexOf("=>")) : nearFrom + typed!.index;
  let depth = 0;
  let index = close;
  for (; 0 <= index; index--) {
    if (before[index] === ")") depth++;
    if (before[index] === "(" && --depth === 0) break;
  }
  const words = before
    .slice(Math.max(0, index - 120), Math.max(0, index))
    .match(/([\w#]+)?\s*(?:<[^<>]*>)?\s*(?:[:=]\s*(?:async\s*)?)?$/);
  const name = words?.[1] ?? "";
  if (notFunctions.has(name)) return { start: undefined, name: "" };
  return { start: from + Math.max(0, index), name: name === "" ? "(unnamed)" : name };
}

describe("functions", () => {
  test("that ship fit a screen, or are named here and get no longer", () => {
    const spans = shippedModules.filter(({ path }) => path.endsWith(".ts")).flatMap(functionsOf);
    expect(spans.length).toBeGreaterThan(500);
    const long = spans.filter(({ lines }) => functionLinesMax < lines);
    const grown = long.filter(({ name, lines }) => (longFunctions[name] ?? functionLinesMax) < lines);
    expect(grown.map(({ name, lines }) => `${name}: ${lines} lines`)).toEqual([]);
    const stale = Object.keys(longFunctions).filter((name) => !long.some((span) => span.name === name));
    expect(stale, "exceptions that are no longer needed").toEqual([]);
  });
});

describe("dependencies", () => {
  const manifests: readonly (readonly [string, Manifest])[] = [
    ["package.json", JSON.parse(readText("package.json")) as Manifest],
    ...packages.map((name) => [`packages/${name}`, manifestOf(name)] as const),
  ];
  const declared = manifests.flatMap(([place, manifest]) =>
    [manifest.dependencies, manifest.devDependencies, manifest.optionalDependencies, manifest.peerDependencies].flatMap(
      (group) => Object.entries(group ?? {}).map(([name, version]) => ({ place, name, version })),
    ),
  );

  test("are pinned to one version", () => {
    expect(declared.length).toBeGreaterThan(10);
    const loose = declared.filter(({ version }) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version));
    expect(loose).toEqual([]);
  });

  test("have one version each in the whole repository", () => {
    const versions = new Map<string, Set<string>>();
    for (const { name, version } of declared) versions.set(name, (versions.get(name) ?? new Set()).add(version));
    expect([...versions].filter(([, set]) => 1 < set.size).map(([name]) => name)).toEqual([]);
  });

  test("have each a decision that names them", () => {
    const decisions = filesUnder("docs/decisions", [".md"]).map(readText).join("\n").toLowerCase();
    const names = new Set(declared.map(({ name }) => name).filter((name) => !name.startsWith("@stoa/")));
    const unexplained = [...names].filter((name) => {
      const escaped = name.toLowerCase().replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
      return !new RegExp(`(^|[^\\w@/-])${escaped}($|[^\\w/-])`, "m").test(decisions);
    });
    expect(unexplained).toEqual([]);
  });
});

describe("limits", () => {
  test("are all in use", () => {
    const shipped = shippedModules.filter(({ path }) => path !== "packages/base/src/limits.ts");
    const unused = Object.keys(limits).filter(
      (name) => !shipped.some(({ code }) => new RegExp(`\\b${name}\\b`).test(code)),
    );
    expect(unused).toEqual([]);
  });
});

describe("criteria", () => {
  const idPattern = /\b(?:MATCH|MARGIN|SETTLE|BFT|FEED|LIGHT|NET|PRICE|FEAT)-\d{3}\b/g;
  const defined = new Set(filesUnder("spec", [".md"]).flatMap((path) => readText(path).match(idPattern) ?? []));
  const cited = new Set(
    testModules.flatMap(({ path, text }) => (path.startsWith("tools/") ? [] : (text.match(idPattern) ?? []))),
  );

  test("that tests cite are written down", () => {
    expect([...cited].filter((id) => !defined.has(id)).sort()).toEqual([]);
  });

  test("that are written down are cited by a test", () => {
    expect([...defined].filter((id) => !cited.has(id)).sort()).toEqual([]);
  });
});
