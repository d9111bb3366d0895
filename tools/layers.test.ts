/** Who may import whom (ARCHITECTURE.md), as a table. Relies on `sources.ts`; knows nothing of what the modules do. */
import { existsSync } from "node:fs";
import { join, posix } from "node:path";
import { describe, expect, test } from "vitest";
import { manifestOf, packages, root, shippedModules, testModules, type Module } from "./sources.ts";

/** What the shipped code of each package may import of the others, and nothing else. */
const allowed: Readonly<Record<string, readonly string[]>> = {
  base: [],
  protocol: ["base"],
  pricing: ["base"],
  features: ["base", "pricing"],
  consensus: ["base", "protocol/finality/*", "protocol/primitives", "protocol/block", "protocol/payload"],
  exchange: ["base", "protocol", "pricing"],
  node: ["base", "protocol", "exchange", "consensus"],
  gateway: ["base", "protocol", "pricing"],
  client: ["base", "protocol"],
  simulator: ["base", "protocol", "exchange", "consensus", "node"],
  cli: ["base", "protocol", "pricing", "features", "exchange", "consensus", "node", "gateway", "client", "simulator"],
};

/** Packages that import nothing but each other: no library, no `node:`. */
const pure = ["base", "protocol", "pricing", "features", "consensus", "exchange"];

/** But this folder, which reads and writes files and listens to sockets for the pure code beside it. */
const outsideFolder = "packages/features/src/io/";

/** What they may import of Node all the same, in these files alone: the ends of worker threads. */
const threadImports: Readonly<Record<string, readonly string[]>> = {
  "packages/pricing/src/parallel/node-worker.ts": ["node:worker_threads"],
  "packages/pricing/src/parallel/node-workers.ts": ["node:os", "node:worker_threads"],
};

/** Who brings along what another package leaves to whoever installs it. */
const providedPeersOf: Readonly<Record<string, string>> = { cli: "features" };

/** The engines inside the exchange meet in `machine` only. */
const engines = ["ledger", "matching", "risk", "settlement", "market"];

const exportsShape = {
  "./*": { "@stoa/source": "./src/*.ts", types: "./dist/*.d.ts", default: "./dist/*.js" },
};

const isOwn = (specifier: string): boolean => specifier.startsWith("@stoa/");
const isRelative = (specifier: string): boolean => specifier.startsWith(".");

function mayImport(from: string, specifier: string): boolean {
  const target = specifier.slice("@stoa/".length);
  const [targetPackage] = target.split("/");
  return (allowed[from] ?? []).some((pattern) => {
    if (pattern.endsWith("/*")) return target.startsWith(pattern.slice(0, -1));
    return pattern.includes("/") ? target === pattern : targetPackage === pattern;
  });
}

/** The path of the imported module in this repository; `undefined` for libraries. */
function targetOf(from: Module, specifier: string): string | undefined {
  if (isRelative(specifier)) return posix.join(posix.dirname(from.path), specifier);
  if (!isOwn(specifier)) return undefined;
  const [name, ...rest] = specifier.slice("@stoa/".length).split("/");
  return `packages/${name}/src/${rest.join("/")}.ts`;
}

function violations(check: (module: Module, specifier: string) => boolean, modules = shippedModules): string[] {
  return modules.flatMap((module) =>
    module.imports
      .filter((specifier) => !check(module, specifier))
      .map((specifier) => `${module.path} -> ${specifier}`),
  );
}

describe("the layers", () => {
  test("are read from real modules", () => {
    expect(Object.keys(allowed).sort()).toEqual([...packages]);
    expect(shippedModules.length).toBeGreaterThan(50);
    for (const name of packages) {
      expect(
        shippedModules.some((module) => module.package === name),
        `${name} has modules`,
      ).toBe(true);
    }
    // The reader of imports would make every other test here pass if it found none.
    expect(shippedModules.flatMap((module) => module.imports).length).toBeGreaterThan(shippedModules.length);
    const own = shippedModules.find((module) => module.path === "packages/base/src/active-signature.ts");
    expect(own?.imports).toEqual([
      "./assert.ts",
      "./bytes.ts",
      "./ed25519-probes.ts",
      "./ed25519.ts",
      "./signature.ts",
    ]);
  });

  test("a package imports only what the table allows", () => {
    expect(violations((module, specifier) => !isOwn(specifier) || mayImport(module.package, specifier))).toEqual([]);
  });

  test("pure packages import nothing else at all", () => {
    const outside = violations(
      (module, specifier) =>
        !pure.includes(module.package) ||
        module.path.startsWith(outsideFolder) ||
        isOwn(specifier) ||
        isRelative(specifier) ||
        threadImports[module.path]?.includes(specifier) === true,
    );
    expect(outside).toEqual([]);
  });

  test("nothing imports the files that only Node can run but their workers and those who ask for them", () => {
    const astray = violations((module, specifier) => {
      const target = targetOf(module, specifier);
      return target === undefined || threadImports[target] === undefined || module.package !== "pricing";
    });
    expect(astray).toEqual([]);
  });

  test("the client runs in browsers: it imports nothing but what is pure", () => {
    const outside = violations(
      (module, specifier) => module.package !== "client" || isOwn(specifier) || isRelative(specifier),
    );
    expect(outside).toEqual([]);
  });

  test("the engines of the exchange do not know each other, nor the machine", () => {
    const engineOf = (path: string | undefined): string | undefined =>
      /^packages\/exchange\/src\/([^/]+)\//.exec(path ?? "")?.[1];
    const crossing = violations((module, specifier) => {
      const [from, to] = [engineOf(module.path), engineOf(targetOf(module, specifier))];
      return from === undefined || to === undefined || !engines.includes(from) || from === to;
    });
    expect(crossing).toEqual([]);
  });

  test("relative imports name a file with its ending and stay inside the package", () => {
    const astray = violations((module, specifier) => {
      if (!isRelative(specifier)) return true;
      return (
        /\.(ts|mjs|js)$/.test(specifier) && targetOf(module, specifier)!.startsWith(`packages/${module.package}/src/`)
      );
    });
    expect(astray).toEqual([]);
  });

  test("every imported module exists, so every published subpath that is used does", () => {
    const missing = violations(
      (module, specifier) => {
        const target = targetOf(module, specifier);
        return target === undefined || existsSync(join(root, target));
      },
      [...shippedModules, ...testModules],
    );
    expect(missing).toEqual([]);
  });

  test("no module runs itself through others", () => {
    expect(cycles((module) => module.runtimeImports)).toEqual([]);
  });

  test("no module of a pure package knows itself through others, types included", () => {
    expect(cycles((module) => (pure.includes(module.package) ? module.imports : []))).toEqual([]);
  });

  test("there are no barrels: no index file, and no module passes on what another exports", () => {
    const barrels = shippedModules.filter(
      ({ path, code }) =>
        /\/index\.ts$/.test(path) || /\bexport\s+(type\s+)?(\*|\{[^}]*\})\s*(as\s+\w+\s+)?from\b/.test(code),
    );
    expect(barrels.map(({ path }) => path)).toEqual([]);
  });
});

describe("the manifests", () => {
  test.each(packages)("%s exports one subpath per file and no barrel", (name) => {
    const manifest = manifestOf(name);
    expect(manifest.name).toBe(`@stoa/${name}`);
    expect(manifest.exports).toEqual(exportsShape);
  });

  test.each(packages)("%s declares exactly the packages that it imports", (name) => {
    const imported = new Set(
      shippedModules
        .filter((module) => module.package === name)
        .flatMap((module) => module.imports)
        .filter((specifier) => !isRelative(specifier) && !specifier.startsWith("node:"))
        .map((specifier) =>
          specifier
            .split("/")
            .slice(0, specifier.startsWith("@") ? 2 : 1)
            .join("/"),
        )
        .filter((dependency) => dependency !== `@stoa/${name}`),
    );
    for (const peer of Object.keys(manifestOf(providedPeersOf[name] ?? name).peerDependencies ?? {}))
      imported.add(peer);
    const { dependencies = {}, peerDependencies = {} } = manifestOf(name);
    expect(Object.keys({ ...dependencies, ...peerDependencies }).sort()).toEqual([...imported].sort());
  });

  test.each(packages)(
    "%s asks of whoever installs it only what may be absent, and loads that when it is needed",
    (name) => {
      const { peerDependencies = {}, peerDependenciesMeta = {} } = manifestOf(name);
      for (const peer of Object.keys(peerDependencies)) {
        expect(peerDependenciesMeta[peer], peer).toEqual({ optional: true });
        const isStatic = new RegExp(`\\bimport\\s+(?!type\\b)[^;()]*from\\s*"${peer}["/]`);
        const eager = shippedModules.filter((module) => module.package === name && isStatic.test(module.text));
        expect(
          eager.map(({ path }) => path),
          peer,
        ).toEqual([]);
      }
    },
  );
});

/** Import cycles, each as the modules on it. */
function cycles(importsOf: (module: Module) => readonly string[]): string[] {
  const targets = new Map(
    shippedModules.map((module) => [module.path, importsOf(module).map((specifier) => targetOf(module, specifier))]),
  );
  const state = new Map<string, "open" | "done">();
  const found: string[] = [];
  const visit = (path: string, trail: readonly string[]): void => {
    state.set(path, "open");
    for (const target of targets.get(path) ?? []) {
      if (target === undefined || state.get(target) === "done") continue;
      if (state.get(target) === "open") found.push([...trail.slice(trail.indexOf(target)), target].join(" -> "));
      else visit(target, [...trail, target]);
    }
    state.set(path, "done");
  };
  for (const path of targets.keys()) if (!state.has(path)) visit(path, [path]);
  return found;
}
