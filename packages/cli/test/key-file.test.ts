import { chmodSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { loadKey, parseSeed, randomSeed, saveKey } from "../src/key-file.ts";
import { temporaryFolder } from "./temporary.ts";

const newFile = () => join(temporaryFolder(), "a.key");

test("a key file is readable by its owner alone, and reads back as it was", () => {
  const file = newFile();
  const seed = randomSeed();
  saveKey(file, seed);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(loadKey(file)).toEqual(seed);
});

test("a key file is never overwritten", () => {
  const file = newFile();
  saveKey(file, randomSeed());
  const before = readFileSync(file, "utf8");
  expect(() => saveKey(file, randomSeed())).toThrow("exists already");
  expect(readFileSync(file, "utf8")).toBe(before);
});

test("a key that others may read is refused, with the command that cures it", () => {
  const file = newFile();
  saveKey(file, randomSeed());
  chmodSync(file, 0o644);
  expect(() => loadKey(file)).toThrow(`run chmod 600 ${file}`);
});

test("what is no key is refused", () => {
  const file = newFile();
  writeFileSync(file, "hello\n", { mode: 0o600 });
  expect(() => loadKey(file)).toThrow("holds no key");
  expect(() => parseSeed("12")).toThrow("64 hexadecimal digits");
});
