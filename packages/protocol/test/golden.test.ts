/**
 * Golden bytes. Each wire type has a file under `golden/` with examples and their encodings; a difference means that the
 * format has changed, which breaks every chain, log and client that exists. To approve such a change:
 *
 *     STOA_APPROVE_GOLDEN=1 npm run test:run -- packages/protocol
 *
 * and read the difference before committing it.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { fromHex, toHex } from "@stoa/base/bytes";
import { decode, encode } from "@stoa/base/codec";
import { examplesOf } from "./examples.ts";
import { wireTypes } from "./wire-types.ts";

interface GoldenExample {
  readonly value: unknown;
  readonly bytes: string;
}

const folder = join(import.meta.dirname, "golden");
const approving = process.env["STOA_APPROVE_GOLDEN"] === "1";
const fileOf = (name: string): string => join(folder, `${name}.json`);

/** JSON of any value: bytes as `0x…`, large integers as `…n`, absence as null. */
function readable(value: unknown): unknown {
  if (value instanceof Uint8Array) return `0x${toHex(value)}`;
  if (typeof value === "bigint") return `${value}n`;
  if (value === undefined) return null;
  if (Array.isArray(value)) return value.map(readable);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, readable(field)]));
}

function writeGolden(name: string): void {
  const codec = wireTypes[name]!;
  const examples = examplesOf(codec.shape, name).map((value): GoldenExample => {
    return { value: readable(value), bytes: toHex(encode(codec, value)) };
  });
  writeFileSync(fileOf(name), `[\n${examples.map((one) => `  ${JSON.stringify(one)}`).join(",\n")}\n]\n`);
}

describe("golden bytes", () => {
  for (const [name, codec] of Object.entries(wireTypes)) {
    test(`of ${name} are as approved, in both directions`, () => {
      if (approving) writeGolden(name);
      expect(existsSync(fileOf(name)), `${name} has no golden file; see the head of this test`).toBe(true);
      const approved = JSON.parse(readFileSync(fileOf(name), "utf8")) as GoldenExample[];
      const examples = examplesOf(codec.shape, name);
      const now = examples.map((value) => ({ value: readable(value), bytes: toHex(encode(codec, value)) }));
      expect(now).toEqual(approved);
      for (const [index, { bytes }] of approved.entries()) {
        expect(decode(codec, fromHex(bytes)!)).toEqual(examples[index]);
      }
    });
  }

  test("exist for exactly the wire types", () => {
    const names = readdirSync(folder).map((file) => file.replace(/\.json$/, ""));
    expect(names.sort()).toEqual(Object.keys(wireTypes).sort());
  });
});
