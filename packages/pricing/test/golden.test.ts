/**
 * The same bits from every engine: the golden cases run in processes of their own and in a browser, and each result is compared with
 * the fixture bit by bit. STOA_APPROVE_GOLDEN=1 writes the fixture anew.
 */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { openBrowser } from "../../client/test/browser/browser.ts";
import { startSourceServer } from "../../client/test/browser/source-server.ts";
import { goldenCases } from "./golden/cases.ts";
import { firstDifference, type GoldenBits } from "./golden/golden-case.ts";

type Fixture = Readonly<Record<string, { readonly sha256: string; readonly bits: string }>>;

const root = join(import.meta.dirname, "../../..");
const fixturePath = join(import.meta.dirname, "fixtures/golden.json");
const run = join(import.meta.dirname, "golden/run.ts");
const node26 = process.execPath;
const node24 = join(root, "tools/older-node/node_modules/.bin/node");
/** Bytecode is interpreted and never compiled to machine code. */
const interpreted = ["--no-opt", "--no-maglev", "--no-sparkplug"];

async function bitsOfNode(program: string, flags: readonly string[], form: "typescript" | "wasm") {
  if (!existsSync(program))
    throw new Error(
      `${program} is not there: npm installs it on Linux on x64 and arm64; elsewhere link a Node 24 to it`,
    );
  const words = [...flags, "--conditions=@stoa/source", run, form];
  const { stdout } = await promisify(execFile)(program, words, { maxBuffer: 64_000_000 });
  return JSON.parse(stdout) as { readonly engine: string; readonly bits: GoldenBits };
}

const sha256 = (bits: string): string => createHash("sha256").update(Buffer.from(bits, "base64")).digest("hex");

if (process.env["STOA_APPROVE_GOLDEN"] === "1") {
  const { bits } = await bitsOfNode(node26, [], "typescript");
  const rows = Object.entries(bits).map(([name, text]) => [name, { sha256: sha256(text), bits: text }] as const);
  writeFileSync(fixturePath, `${JSON.stringify(Object.fromEntries(rows), null, 1)}\n`);
}
const fixture = JSON.parse(readFileSync(fixturePath, "utf8")) as Fixture;

/** Every case whose bits differ from the fixture, with the first value that does. */
function differences(bits: GoldenBits): string[] {
  return [...new Set([...Object.keys(bits), ...Object.keys(fixture)])].flatMap((name) => {
    const [ours, theirs] = [bits[name], fixture[name]?.bits];
    if (ours === undefined || theirs === undefined)
      return [`${name}: ${ours === undefined ? "not run" : "not in the fixture"}`];
    return ours === theirs ? [] : [`${name}: ${firstDifference(ours, theirs)}`];
  });
}

describe("the same bits as in the fixture (PRICE-001)", () => {
  test.each([
    ["Node 26", node26, [], "typescript", /^v26\..* typescript$/],
    ["Node 26 with WebAssembly kernels", node26, [], "wasm", /^v26\..* wasm-simd$/],
    ["Node 26 that only interprets", node26, interpreted, "typescript", /^v26\..* typescript$/],
    ["Node 24", node24, [], "typescript", /^v24\..* typescript$/],
    ["Node 24 with WebAssembly kernels", node24, [], "wasm", /^v24\..* wasm-simd$/],
  ] as const)("%s", async (_, program, flags, form, engine) => {
    const result = await bitsOfNode(program, flags, form);
    expect(result.engine).toMatch(engine);
    expect(differences(result.bits)).toEqual([]);
  });

  test("headless Chromium, with both forms of the kernels", async () => {
    const server = await startSourceServer("packages/pricing/test/golden/page.ts");
    try {
      const browser = await openBrowser(server.url);
      try {
        expect(differences((await browser.evaluate("typescriptBits()")) as GoldenBits)).toEqual([]);
        expect(differences((await browser.evaluate("wasmBits()")) as GoldenBits)).toEqual([]);
      } finally {
        await browser.stop();
      }
    } finally {
      await server.stop();
    }
  });
});

test("hashes of the fixture are those of its bits", () => {
  for (const [name, { sha256: hash, bits }] of Object.entries(fixture)) expect(sha256(bits), name).toBe(hash);
});

test("every exported function has a case, and every case a function (PRICE-001)", async () => {
  const source = join(import.meta.dirname, "../src");
  const exported: string[] = [];
  for (const path of readdirSync(source, { recursive: true, encoding: "utf8" }).sort()) {
    // Drivers of threads run the cases' functions elsewhere; the WebAssembly form runs the cases above.
    if (!path.endsWith(".ts") || /^(parallel|wasm)[/\\]/.test(path)) continue;
    const module = (await import(join(source, path))) as Record<string, unknown>;
    const names = Object.keys(module).filter((name) => typeof module[name] === "function");
    exported.push(...names.map((name) => `${path.slice(0, -3).replaceAll("\\", "/")}#${name}`));
  }
  expect(exported.length).toBeGreaterThan(150);
  const covered = goldenCases.flatMap(({ name, covers = [] }) => [name, ...covers]);
  const wholeFile = (name: string): string => name.replace(/#.*/, "#*");
  expect(exported.filter((name) => !covered.includes(name) && !covered.includes(wholeFile(name)))).toEqual([]);
  expect(covered.filter((name) => !exported.includes(name) && !exported.map(wholeFile).includes(name))).toEqual([]);
  expect(covered.filter((name, index) => covered.indexOf(name) !== index)).toEqual([]);
});
