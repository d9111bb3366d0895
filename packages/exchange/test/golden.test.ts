/**
 * Golden roots: what the exchange is after fixed random blocks, on every machine and every version of Node. A difference means
 * that executing old blocks would give another state: approve it with STOA_APPROVE_GOLDEN=1, and know that such a change
 * is a new chain.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { toHex } from "@stoa/base/bytes";
import { createPrng } from "@stoa/base/prng";
import { encodeSnapshot } from "@stoa/exchange/machine/snapshot";
import { modules } from "@stoa/protocol/state-record";
import { expect, test } from "vitest";
import { randomBlock } from "./random-commands.ts";
import { mixedOptions } from "./mixed-world.ts";
import { World } from "./world.ts";

const file = join(import.meta.dirname, "golden", "roots.json");
const blocksCount = 120;

function rootsOfRun(): Readonly<Record<string, object>> {
  const world = new World(mixedOptions);
  const prng = createPrng("golden");
  const found: Record<string, object> = {};
  for (let block = 1; block <= blocksCount; block++) {
    const afterMs = 1_000 + prng.below(20_000);
    const { roots, encodedEvents } = world.block(randomBlock(world, prng, afterMs), afterMs);
    if (block % 20 !== 0) continue;
    found[`block ${block}`] = {
      ...Object.fromEntries(modules.map((module, index) => [module, toHex(roots.moduleRoots[index]!)])),
      results: toHex(roots.resultsRoot),
      eventsCount: encodedEvents.ends.length,
      snapshotSize: encodeSnapshot(world.state).length,
    };
  }
  return found;
}

test("fixed random blocks give the roots that they gave before (MATCH-045)", () => {
  const found = rootsOfRun();
  if (process.env["STOA_APPROVE_GOLDEN"] === "1") {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, `${JSON.stringify(found, undefined, 2)}\n`);
  }
  expect(found).toEqual(JSON.parse(readFileSync(file, "utf8")));
});
