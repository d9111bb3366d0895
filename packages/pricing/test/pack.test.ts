/** The pricing library as people install it: packed, without this repository, in plain Node, in a compiler and in a browser. */
import { execFile } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openBrowser } from "../../client/test/browser/browser.ts";
import { packPackages } from "../../../tools/pack.ts";
import { root } from "../../../tools/sources.ts";

const runFile = promisify(execFile);
let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "stoa-user-"));
  const files = await packPackages(join(folder, "packed"), ["base", "pricing"]);
  writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "user", type: "module", private: true }));
  await runFile("npm", ["install", "--offline", "--no-audit", "--no-fund", "--silent", ...files], { cwd: folder });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Without the condition by which this repository runs its own sources. */
const node = (...args: string[]) =>
  runFile(process.execPath, args, { cwd: folder, env: { PATH: process.env["PATH"] } });

function filesBelow(path: string): string[] {
  return readdirSync(path, { recursive: true, withFileTypes: true }).flatMap((entry) =>
    entry.isFile() ? [join(entry.parentPath, entry.name)] : [],
  );
}

test("what is installed is compiled code with types, and nothing that is native or from elsewhere (PRICE-084)", () => {
  const installed = filesBelow(join(folder, "node_modules")).filter((path) => !path.endsWith(".package-lock.json"));
  expect(new Set(installed.map((path) => path.slice(folder.length).split("/").slice(2, 4).join("/")))).toEqual(
    new Set(["@stoa/base", "@stoa/pricing"]),
  );
  const endings = new Set(installed.map((path) => /(\.d\.ts|\.[a-z]+)$/.exec(path)?.[0]));
  expect(endings).toEqual(new Set([".js", ".d.ts", ".json", ".md"]));
  // Only the pool of Node's own threads asks for Node.
  const needNode = installed.filter((path) => path.endsWith(".js") && /from "node:/.test(readFileSync(path, "utf8")));
  expect(needNode.map((path) => path.split("/dist/")[1]).sort()).toEqual([
    "parallel/node-worker.js",
    "parallel/node-workers.js",
  ]);
});

test("an example runs under plain Node, and prints what it prints here (PRICE-084)", async () => {
  for (const name of ["determinism", "surface"]) {
    cpSync(join(root, `packages/pricing/examples/${name}.ts`), join(folder, `${name}.ts`));
    const page = readFileSync(join(root, `docs/pricing/for-programmers/${name}.md`), "utf8");
    expect(page).toContain(`\`\`\`text ${name}\n${(await node(`${name}.ts`)).stdout}\`\`\``);
  }
});

test("its threads start from the installed files (PRICE-084)", async () => {
  const program = `
    import { nodeWorkerPool } from "@stoa/pricing/parallel/node-workers";
    import { simulate } from "@stoa/pricing/monte-carlo/simulation";
    import { plainMethod } from "@stoa/pricing/monte-carlo/method";
    const model = { kind: "black-scholes", spot: 100, rate: 0, dividendYield: 0, volatility: 0.5 };
    const payoff = { kind: "european", type: "call", strike: 100, years: 1 };
    const work = { model, payoff, method: plainMethod, seed: 7n };
    const range = { firstPath: 0, pathCount: 20_000 };
    const pool = nodeWorkerPool(2);
    const spread = await pool.simulate(work, range);
    await pool.end();
    const plain = (value) => JSON.stringify(value, (_, one) => (typeof one === "bigint" ? String(one) : one));
    console.log(plain(spread) === plain(simulate({ ...work, ...range })));`;
  writeFileSync(join(folder, "threads.mjs"), program);
  expect((await node("threads.mjs")).stdout).toBe("true\n");
});

test("a user's file is type-checked against it, without types of Node or of a browser (PRICE-084)", async () => {
  const imports = `import { black76 } from "@stoa/pricing/black76";
    import { fitSurface } from "@stoa/pricing/surface/fit-surface";
    import { activeKernel } from "@stoa/pricing/wasm/active-kernel";`;
  const use = (years: string) => `${imports}
    const option = { type: "call", forward: 100, strike: 110, years: ${years}, volatility: 0.5 } as const;
    export const price: number = black76(option).price;
    export const form: "typescript" | "wasm-simd" = activeKernel().form;
    export const fit = fitSurface([{ years: 1, forward: 100, quotes: [] }]);\n`;
  const compilerOptions = {
    lib: ["es2025"],
    types: [],
    strict: true,
    noEmit: true,
    module: "nodenext",
    target: "es2025",
  };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, files: ["use.ts"] }));
  const check = () => node(join(root, "node_modules/typescript/bin/tsc"), "-p", folder);
  writeFileSync(join(folder, "use.ts"), use("1"));
  await check();
  writeFileSync(join(folder, "use.ts"), use('"1"'));
  await expect(check()).rejects.toMatchObject({ stdout: expect.stringContaining("'string' is not assignable") });
});

/** The installed files and a page that may import them by their names. */
async function startServer(): Promise<{ readonly url: string; readonly server: Server }> {
  const modules = filesBelow(join(folder, "node_modules/@stoa")).filter((path) => path.endsWith(".js"));
  const imports = Object.fromEntries(
    modules.map((path) => {
      const [, name, file] = /@stoa\/(\w+)\/dist\/(.*)\.js$/.exec(path)!;
      return [`@stoa/${name}/${file}`, path.slice(folder.length)];
    }),
  );
  const page = `<!doctype html><meta charset="utf-8"><script type="importmap">${JSON.stringify({ imports })}</script>
    <script type="module">window.ready = true; window.load = (name) => import(name);</script>`;
  const server = createServer((request, response) => {
    if (request.url === "/") return response.setHeader("content-type", "text/html").end(page);
    const found = modules.find((path) => path.slice(folder.length) === request.url);
    if (found === undefined) return response.writeHead(404).end();
    return response.setHeader("content-type", "text/javascript").end(readFileSync(found));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, server };
}

test("it loads in a browser as it is installed, and gives the bits that Node gives (PRICE-084)", async () => {
  const { url, server } = await startServer();
  const browser = await openBrowser(url);
  try {
    const option = `{ type: "call", forward: 100_000, strike: 110_000, years: 0.25, volatility: 0.6 }`;
    const question = `load("@stoa/pricing/black76").then(({ black76 }) => JSON.stringify(black76(${option})))`;
    const program = `import { black76 } from "@stoa/pricing/black76"; console.log(JSON.stringify(black76(${option})));`;
    const { stdout } = await node("--input-type=module", "--eval", program);
    expect(await browser.evaluate(question)).toBe(stdout.trim());
    expect(
      await browser.evaluate(`load("@stoa/pricing/wasm/active-kernel").then((one) => one.activeKernel().form)`),
    ).toBe("wasm-simd");
  } finally {
    await browser.stop();
    server.close();
  }
});
