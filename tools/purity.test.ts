/**
 * The pure packages see no clock, no randomness, no engine-dependent arithmetic and no outside. Most of it the compiler
 * refuses under `tsconfig.pure.json`; this finds what it would let through.
 */
import { posix } from "node:path";
import { describe, expect, test } from "vitest";
import { codeOf, lineOf, readText, shippedModules } from "./sources.ts";

const purePackages = ["base", "consensus", "exchange", "features", "pricing", "protocol"];

/** Threads, WebAssembly, evaluation, files and sockets belong to an engine: these folders hand them to the pure code beside them, which imports none. */
const exemptFolders = [
  "packages/features/src/compiled",
  "packages/features/src/io",
  "packages/pricing/src/parallel",
  "packages/pricing/src/wasm",
];
const isExempt = (path: string): boolean => exemptFolders.some((folder) => path.startsWith(`${folder}/`));

const bans: readonly (readonly [string, RegExp])[] = [
  ["the clock", /\bDate\b|\bperformance\b|\bTemporal\b/],
  ["randomness", /\bMath\s*\.\s*random\b|\bcrypto\b/],
  ["the locale", /\bIntl\b|\btoLocale\w*|\blocaleCompare\b|\bnormalize\s*\(/],
  ["asynchrony", /\basync\b|\bawait\b|\bPromise\b|\bqueueMicrotask\b|\bsetTimeout\b|\bsetInterval\b|\bsetImmediate\b/],
  ["powers, which differ between engines", /\*\*/],
  [
    "Math functions that ECMAScript leaves to the engine",
    /\bMath\s*\.\s*(exp|expm1|log|log2|log10|log1p|pow|sin|cos|tan|asin|acos|atan|atan2|sinh|cosh|tanh|asinh|acosh|atanh|cbrt|hypot)\b/,
  ],
  ["Math by another way", /\bMath\s*\[|[=,(]\s*Math\s*[;,)]/],
  ["WebAssembly, whose presence an engine decides", /\bWebAssembly\b/],
  ["the process", /\bprocess\b|\bglobalThis\b|\bconsole\b|\brequire\s*\(|\bBuffer\b|\bimport\s*\(/],
  ["what the collector decides", /\bWeakRef\b|\bFinalizationRegistry\b/],
  ["an order that nobody declared", /\bfor\s*\(\s*(const|let)\s+\w+\s+in\b/],
  ["evaluation", /\beval\s*\(|\bnew\s+Function\b/],
];

const pureModules = shippedModules.filter(({ package: name, path }) => purePackages.includes(name) && !isExempt(path));

/** Where an import leads in this repository, as a path from its root. */
function targetOf(path: string, specifier: string): string {
  if (specifier.startsWith(".")) return posix.join(posix.dirname(path), specifier);
  const [, name, ...rest] = specifier.split("/");
  return `packages/${name}/src/${rest.join("/")}`;
}

function offences(ban: RegExp, modules = pureModules): string[] {
  return modules.flatMap(({ path, code }) =>
    [...code.matchAll(new RegExp(ban, "g"))].map((match) => `${path}:${lineOf(code, match.index)}: ${match[0]}`),
  );
}

describe("pure packages", () => {
  test.each(bans)("do without %s", (_, ban) => {
    expect(pureModules.length).toBeGreaterThan(40);
    expect(offences(ban)).toEqual([]);
  });

  test("are all compiled without a clock or a runtime", () => {
    const settings = JSON.parse(readText("tsconfig.pure.json")) as {
      include: string[];
      exclude?: string[];
      compilerOptions: { lib: string[]; types: string[] };
    };
    expect(settings.compilerOptions.types).toEqual([]);
    expect(settings.compilerOptions.lib).toEqual(["es2025"]);
    expect([...settings.include].sort()).toEqual(purePackages.map((name) => `packages/${name}/src/**/*.ts`));
    expect(settings.exclude).toEqual(["**/*.test.ts", ...exemptFolders]);
  });

  test("know nothing of the folders that are exempt", () => {
    const astray = pureModules.flatMap(({ path, imports }) =>
      imports.filter((specifier) => isExempt(targetOf(path, specifier))).map((specifier) => `${path} -> ${specifier}`),
    );
    expect(astray).toEqual([]);
  });
});

test("each ban finds what it is for, and nothing in comments and strings", () => {
  const samples = [
    "Date.now()",
    "Math.random()",
    "x.toLocaleString()",
    "async () => {}",
    "2 ** 3",
    "Math.log(2)",
    "const { exp } = [Math];".replace("[Math]", "Math"),
    "WebAssembly.Module",
    "console.log()",
    "new WeakRef(x)",
    "for (const key in x) {}",
    'eval("1")',
  ];
  for (const [index, [, ban]] of bans.entries()) {
    expect(ban.test(codeOf(samples[index]!)), samples[index]).toBe(true);
    expect(ban.test(codeOf(`/* ${samples[index]} */ // ${samples[index]}`))).toBe(false);
    expect(ban.test(codeOf(JSON.stringify(samples[index])))).toBe(false);
    // Code inside a template is code; the text around it is not.
    expect(ban.test(codeOf(`\`${samples[index]?.replaceAll("`", "")}\``))).toBe(false);
    expect(ban.test(codeOf(`\`\${${samples[index]}}\``))).toBe(true);
  }
});
