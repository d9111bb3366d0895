/**
 * The repository as data for the tests beside this file: its modules, what each imports, its code without comments and
 * strings. Text is enough here (TypeScript 7 has no stable API to ask), and the tests assert that something was found.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";

export const root = join(import.meta.dirname, "..");

export interface Module {
  /** From the root of the repository, with forward slashes. */
  readonly path: string;
  /** The package it belongs to, `base` for `packages/base`. */
  readonly package: string;
  readonly text: string;
  /** The text with comments and the contents of strings blanked; lines and columns are kept. */
  readonly code: string;
  /** What it imports, types included. */
  readonly imports: readonly string[];
  /** What is left when types are erased. */
  readonly runtimeImports: readonly string[];
}

export interface Manifest {
  readonly name: string;
  readonly exports?: unknown;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional?: boolean }>>;
}

/** What is blanked, each read at the current place. A regular expression only stands where a value may begin. */
const tokens = {
  lineComment: /\/\/[^\n]*/y,
  blockComment: /\/\*[^]*?\*\//y,
  double: /"(?:\\.|[^"\\\n])*"/y,
  single: /'(?:\\.|[^'\\\n])*'/y,
  regex: /\/(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n[])+\/[a-z]*/y,
  templateText: /(?:\\[^]|(?!\$\{)[^`\\])*/y,
} as const;
const valueMayBegin = /(?:^|[(,=:[!&|?{};\n]|\breturn|=>)\s*$/;

/** Blanks comments, strings, templates (not the code inside them) and regular expressions. */
export function codeOf(text: string): string {
  let code = "";
  let index = 0;
  let depth = 0;
  /** Depths of braces at which an open template goes on with its text. */
  const templates: number[] = [];
  const take = (token: RegExp): string | undefined => {
    token.lastIndex = index;
    return token.exec(text)?.[0];
  };
  const copy = (size: number): void => {
    code += text.slice(index, index + size);
    index += size;
  };
  const blank = (part: string): void => {
    code += part.replace(/[^\n]/g, " ");
    index += part.length;
  };
  const finishTemplateText = (): void => {
    blank(take(tokens.templateText)!);
    if (text[index] === "`") return copy(1);
    copy(2);
    templates.push(depth++);
  };
  while (index < text.length) {
    const character = text[index]!;
    const quoted = character === '"' ? take(tokens.double) : character === "'" ? take(tokens.single) : undefined;
    if (quoted !== undefined) {
      copy(1);
      blank(quoted.slice(1, -1));
      copy(1);
      continue;
    }
    const slash = character === "/" ? (take(tokens.lineComment) ?? take(tokens.blockComment)) : undefined;
    const regex = character === "/" && slash === undefined && valueMayBegin.test(code.slice(-20));
    const blanked = slash ?? (regex ? take(tokens.regex) : undefined);
    if (blanked !== undefined) {
      blank(blanked);
      continue;
    }
    const closesTemplate = character === "}" && templates.at(-1) === depth - 1;
    if (character === "{") depth++;
    if (character === "}") depth--;
    if (closesTemplate) templates.pop();
    copy(1);
    if (character === "`" || closesTemplate) finishTemplateText();
  }
  return code;
}

export const packages: readonly string[] = readdirSync(join(root, "packages"), { withFileTypes: true })
  .filter((folder) => folder.isDirectory())
  .map((folder) => folder.name)
  .sort();

export function readText(path: string): string {
  return readFileSync(join(root, path), "utf8");
}

export function manifestOf(packageName: string): Manifest {
  return JSON.parse(readText(`packages/${packageName}/package.json`)) as Manifest;
}

/** Files below a folder of the repository whose names end in one of the endings, sorted. */
export function filesUnder(folder: string, endings: readonly string[]): string[] {
  let entries;
  try {
    entries = readdirSync(join(root, folder), { recursive: true, withFileTypes: true });
  } catch {
    return [];
  }
  return entries
    .filter((entry) => entry.isFile() && endings.some((ending) => entry.name.endsWith(ending)))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)).replaceAll("\\", "/"))
    .filter((path) => !/(^|\/)(node_modules|dist)\//.test(path))
    .sort();
}

function moduleAt(path: string): Module {
  const text = readText(path);
  const code = codeOf(text);
  return {
    path,
    package: path.split("/")[1] ?? "",
    text,
    code,
    imports: importsOf(text, code),
    runtimeImports: importsOf(text, withoutTypes(code)),
  };
}

/** What ships: `packages/<name>/src`, declarations included. */
export const shippedModules: readonly Module[] = packages.flatMap((name) =>
  filesUnder(`packages/${name}/src`, [".ts", ".mjs"]).map(moduleAt),
);

/** What tests it, and the tools. */
export const testModules: readonly Module[] = [
  ...packages.flatMap((name) => filesUnder(`packages/${name}/test`, [".ts", ".mjs"])),
  ...filesUnder("tools", [".ts", ".mjs"]),
  ...filesUnder("bench", [".ts", ".mjs"]),
].map(moduleAt);

function withoutTypes(code: string): string {
  return code.replace(/\bimport\s+type\b[^;]*;/g, (statement) => statement.replace(/[^\n]/g, " "));
}

/** Specifiers of `import` and `export … from`, static or dynamic, types included. Found in code, read from the text. */
function importsOf(text: string, code: string): string[] {
  const specifiers: string[] = [];
  for (const match of code.matchAll(/(?:\bfrom\s*|\bimport\s*\(?\s*)(["'])/g)) {
    const start = match.index + match[0].length;
    const end = text.indexOf(match[1]!, start);
    specifiers.push(text.slice(start, end));
  }
  return specifiers;
}

/** The line number, from 1, of an offset. */
export function lineOf(text: string, offset: number): number {
  return text.slice(0, offset).split("\n").length;
}
