/** Every record of a lived-in exchange is proved under its module's root, and every other key is proved absent. */
import { createHash } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import { equalBytes, toHex } from "@stoa/base/bytes";
import { decode } from "@stoa/base/codec";
import { installSha256 } from "@stoa/base/hash";
import { limits } from "@stoa/base/limits";
import { verifyMerkleProof } from "@stoa/base/merkle-map";
import { createPrng } from "@stoa/base/prng";
import { prove } from "@stoa/exchange/machine/prove";
import { allRecords } from "@stoa/exchange/machine/records";
import {
  ledgerRecord,
  ledgerRecordKey,
  marketRecord,
  marketRecordKey,
  modules,
  openOrderRecord,
  openOrderRecordKey,
  riskRecord,
  riskRecordKey,
} from "@stoa/protocol/state-record";
import { randomBlock } from "./random-commands.ts";
import { mixedOptions } from "./mixed-world.ts";
import { World } from "./world.ts";

installSha256((bytes) => createHash("sha256").update(bytes).digest());

function livedIn(): World {
  const world = new World(mixedOptions);
  const prng = createPrng(7);
  for (let count = 0; count < 80; count++) {
    const afterMs = 1_000 + prng.below(20_000);
    world.block(randomBlock(world, prng, afterMs), afterMs);
  }
  return world;
}

const world = livedIn();
const { state } = world;
const roots = world.last.roots.moduleRoots;
const rootOf = (module: (typeof modules)[number]) => roots[modules.indexOf(module)]!;

test.each(modules)("each record of %s is proved under the root that headers carry (LIGHT-010)", (module) => {
  const records = allRecords(state, module).filter(({ content }) => content !== undefined);
  expect(records.length).toBeGreaterThan(4);
  for (const { key, content } of records) {
    const { record, path } = prove(state, module, key);
    expect(toHex(record!), toHex(key)).toBe(toHex(content!));
    expect(verifyMerkleProof(rootOf(module), key, record, path)).toBe(true);
    expect(verifyMerkleProof(rootOf(module), key, undefined, path)).toBe(false);
  }
});

test.each(modules)("whatever key is asked for, the answer of %s is proved (LIGHT-010)", (module) => {
  const known = allRecords(state, module).filter(({ content }) => content !== undefined);
  const nearby = fc
    .record({ one: fc.nat(known.length - 1), at: fc.nat(40), by: fc.nat(255) })
    .map(({ one, at, by }) => {
      const key = known[one]!.key.slice();
      key[at % key.length]! ^= by;
      return key;
    });
  const any = fc.uint8Array({ maxLength: limits.merkleKeySizeMax });
  fc.assert(
    fc.property(fc.oneof(any, nearby), (key) => {
      const { record, path } = prove(state, module, key);
      expect(record !== undefined).toBe(known.some((one) => equalBytes(one.key, key)));
      expect(verifyMerkleProof(rootOf(module), key, record, path)).toBe(true);
    }),
    { numRuns: 500 },
  );
});

test("the keys that a client makes are those of the records", () => {
  for (const [account, balances] of state.ledger.balances) {
    const record = decode(ledgerRecord, prove(state, "ledger", ledgerRecordKey(account)).record!);
    expect(record).toMatchObject({ account, balances });
  }
  for (const order of state.orders.inOrder()) {
    const record = decode(openOrderRecord, prove(state, "orders", openOrderRecordKey(order.id)).record!);
    expect(record).toMatchObject({ order: { order: order.id, account: order.account }, priority: order.priority });
  }
  const positions = allRecords(state, "positions").map(({ content }) => decode(riskRecord, content!)!);
  for (const one of positions) {
    if (one.kind !== "position") continue;
    const { account, instrument } = one.position;
    const { record } = prove(state, "positions", riskRecordKey("position", account, instrument));
    expect(decode(riskRecord, record!)).toEqual(one);
  }
  for (const id of state.market.listings.keys()) {
    const record = decode(marketRecord, prove(state, "market", marketRecordKey("listing", id)).record!);
    expect(record).toMatchObject({ kind: "listing", instrument: { id } });
  }
});
