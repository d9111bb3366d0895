/** Whether `npm ci` will take the lock file on a fresh machine: complete, current, and from the registry. */
import { expect, test } from "vitest";
import { missingPackages, stubFor, withStubs, type Lock, type LockEntry } from "./lock.ts";
import { manifestOf, packages, readText, type Manifest } from "./sources.ts";

const lock = JSON.parse(readText("package-lock.json")) as Lock;

test("every optional dependency has an entry (otherwise: npx node tools/fix-lock.mjs)", () => {
  expect(Object.keys(lock.packages).length).toBeGreaterThan(30);
  expect(missingPackages(lock)).toEqual([]);
});

test("the lock was made from the manifests as they are", () => {
  const manifests: readonly (readonly [string, Manifest])[] = [
    ["", JSON.parse(readText("package.json")) as Manifest],
    ...packages.map((name) => [`packages/${name}`, manifestOf(name)] as const),
  ];
  for (const [place, manifest] of manifests) {
    const locked = lock.packages[place];
    expect(locked?.dependencies ?? {}, place).toEqual(manifest.dependencies ?? {});
    expect(locked?.devDependencies ?? {}, place).toEqual(manifest.devDependencies ?? {});
    expect(locked?.optionalDependencies ?? {}, place).toEqual(manifest.optionalDependencies ?? {});
    expect(locked?.peerDependencies ?? {}, place).toEqual(manifest.peerDependencies ?? {});
  }
});

test("everything installed has its integrity in the lock and comes from the registry", () => {
  const strange = Object.entries(lock.packages).filter(([place, entry]) => {
    const ours = !place.includes("node_modules/") || entry.link === true;
    const stub = entry.optional === true && entry.resolved === undefined && entry.os !== undefined;
    const fromRegistry = entry.resolved === undefined || entry.resolved.startsWith("https://registry.npmjs.org/");
    return !ours && !stub && !(fromRegistry && entry.integrity?.startsWith("sha512-") === true);
  });
  expect(strange.map(([place]) => place)).toEqual([]);
});

test("a missing platform package gets a stub that npm accepts and never installs here", () => {
  const wanting: LockEntry = {
    version: "1.0.0",
    dev: true,
    optionalDependencies: { "@tool/linux-arm64-musl": "^1.2.3", "@tool/android-arm": "1.2.3", "@tool/here": "1.2.3" },
  };
  const before: Lock = {
    lockfileVersion: 3,
    packages: {
      "": {},
      "node_modules/tool": wanting,
      "node_modules/tool/node_modules/@tool/here": { version: "1.2.3" },
    },
  };
  expect(missingPackages(before).map(({ name }) => name)).toEqual(["@tool/linux-arm64-musl", "@tool/android-arm"]);
  const after = withStubs(before);
  expect(missingPackages(after)).toEqual([]);
  expect(withStubs(after)).toEqual(after);
  expect(after.packages["node_modules/@tool/linux-arm64-musl"]).toEqual({
    version: "1.2.3",
    cpu: ["arm64"],
    dev: true,
    libc: ["musl"],
    optional: true,
    os: ["linux"],
  });
  expect(stubFor({ wantedBy: "", name: "@tool/mystery", range: "2.0.0", dev: false })).toMatchObject({
    os: ["none"],
    cpu: ["none"],
  });
});

test("a nested package finds what is locked beside it or above it", () => {
  const nested: Lock = {
    lockfileVersion: 3,
    packages: {
      "packages/cli": { optionalDependencies: { top: "1.0.0" } },
      "node_modules/a/node_modules/b": { optionalDependencies: { beside: "1.0.0", top: "1.0.0", gone: "1.0.0" } },
      "node_modules/a/node_modules/beside": { version: "1.0.0" },
      "node_modules/top": { version: "1.0.0" },
    },
  };
  expect(missingPackages(nested).map(({ name }) => name)).toEqual(["gone"]);
});
