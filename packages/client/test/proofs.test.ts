/**
 * What a light client believes, and that it believes nothing else: a byte changed anywhere in any proof, and true proofs of something
 * else than was asked for. Both schemes of certificates; the whole again in a browser in `browser.test.ts`.
 */
import { beforeAll, describe, expect, test } from "vitest";
import { decode, encode, type Codec } from "@stoa/base/codec";
import { createPrng } from "@stoa/base/prng";
import { createHeaderTrack } from "@stoa/client/header-track";
import { balanceOf, decimalText, ledgerAccountOf, openOrderOf, positionOf } from "@stoa/client/records";
import { isDisbelief } from "@stoa/client/verify";
import { runFault, verifyOrderEvents, type ProvedEvent } from "@stoa/client/verify-events";
import { finalityFault } from "@stoa/client/verify-headers";
import { verifyState } from "@stoa/client/verify-state";
import { installNativeCrypto } from "@stoa/node/native-crypto";
import { eventsProof } from "@stoa/protocol/events-proof";
import { finalityProof, headerChain } from "@stoa/protocol/finality/proof";
import { stateProof } from "@stoa/protocol/state-proof";
import { ledgerRecordKey, openOrderRecordKey, riskRecordKey } from "@stoa/protocol/state-record";
import { certify, finalize } from "./chain.ts";
import { eventsHeight, makeProvedWorld, orderNumber, orderPlaces, type ProvedWorld } from "./proved-world.ts";

installNativeCrypto();

/** A changed byte in every place of the encoding, each in a way of its own; those that `believed` takes. */
function believedChanges<T>(codec: Codec<T>, value: T, believed: (value: T) => boolean, every = 1): string[] {
  const bytes = encode(codec, value);
  const prng = createPrng(bytes.length);
  const found: string[] = [];
  for (let place = 0; place < bytes.length; place += every) {
    const by = 1 + prng.below(255);
    const changed = decode(codec, bytes.with(place, bytes[place]! ^ by));
    if (changed !== undefined && believed(changed)) found.push(`byte ${place} of ${bytes.length} by ${by}`);
  }
  expect(believed(value)).toBe(true);
  return found;
}

const schemes = ["ed25519-list", "bls-multisig"] as const;
const ledgerOne = { module: "ledger", key: ledgerRecordKey(1) } as const;
const nobody = { module: "ledger", key: ledgerRecordKey(999) } as const;

describe.each(schemes)("under certificates of %s", (certificates) => {
  let world: ProvedWorld;
  beforeAll(() => {
    world = makeProvedWorld(certificates);
  });
  /** A check of a BLS certificate takes a millisecond and a half: every byte of a header and of a record is enough of a proof. */
  const every = certificates === "bls-multisig" ? 7 : 1;

  test("no byte of a finality proof can be changed (LIGHT-001)", () => {
    const believed = (one: Parameters<typeof finalityFault>[1]) => finalityFault(world.trusted, one) === undefined;
    const plain = world.chainOf(4, 4).final;
    expect(believedChanges(finalityProof, plain, believed)).toEqual([]);
    expect(believedChanges(finalityProof, world.byDescendant(4), believed, every)).toEqual([]);
  });

  test("no byte of a proof of state can be changed, of what is there and of what is not (LIGHT-010)", () => {
    for (const wanted of [ledgerOne, nobody]) {
      const proof = world.stateProof(wanted.module, wanted.key, 6);
      const believed = (one: typeof proof) => !isDisbelief(verifyState(world.trusted, one, wanted));
      expect(believedChanges(stateProof, proof, believed, every)).toEqual([]);
    }
  });

  test("no byte of a proof of events can be changed (LIGHT-014)", () => {
    const proof = world.eventsProof(eventsHeight, orderPlaces, 2);
    const believed = (one: typeof proof) => !isDisbelief(verifyOrderEvents(world.trusted, one, orderNumber));
    expect(believedChanges(eventsProof, proof, believed, every)).toEqual([]);
  });

  test("no byte of a chain of headers can be changed (LIGHT-020)", () => {
    const chain = world.chainOf(2, 5);
    const believed = (one: typeof chain) => {
      const offered = createHeaderTrack(world.trusted).offer(one);
      return !isDisbelief(offered) && offered.kind === "advanced";
    };
    expect(believedChanges(headerChain, chain, believed, every)).toEqual([]);
  });
});

describe("a true proof of something else", () => {
  const world = makeProvedWorld();
  const { trusted } = world;
  const proof = world.stateProof("ledger", ledgerOne.key, 6);
  const factOf = (value: object): string => (isDisbelief(value) ? value.fact : "believed");
  const other = makeProvedWorld("bls-multisig");

  test.each([
    ["of another key", world.stateProof("ledger", ledgerRecordKey(2), 6), "another part"],
    ["of another module", { ...proof, module: "accounts" as const }, "another part"],
    [
      "with the record of another key",
      { ...proof, record: world.stateProof("ledger", ledgerRecordKey(2), 6).record },
      "root",
    ],
    ["with the record left out", { ...proof, record: undefined }, "root"],
    [
      "with the record of another height",
      { ...proof, record: world.stateProof("ledger", ledgerOne.key, 5).record },
      "root",
    ],
    ["with the way of another height", { ...proof, path: world.stateProof("ledger", ledgerOne.key, 5).path }, "root"],
    ["with the header of another height", { ...proof, executed: world.chainOf(6, 6).final }, "root"],
    ["of another chain", other.stateProof("ledger", ledgerOne.key, 6), "not final"],
    ["with the header of another chain", { ...proof, executed: other.chainOf(7, 7).final }, "not final"],
    [
      "with two of four votes",
      { ...proof, executed: { ...proof.executed, finalization: finalize(trusted, proof.executed.header, [0, 1]) } },
      "not final",
    ],
    [
      "with votes to notarize",
      {
        ...proof,
        executed: {
          ...proof.executed,
          finalization: {
            ...certify(trusted, proof.executed.header, [0, 1, 2], "notarize"),
            kind: "finalization",
          } as never,
        },
      },
      "not final",
    ],
    [
      "of a module that the header has no root of",
      { ...proof, executed: finalOf({ ...proof.executed.header.executed, moduleRoots: [] }) },
      "no root",
    ],
  ])("%s is not believed (LIGHT-010)", (_, hostile, fact) => {
    expect(factOf(verifyState(trusted, hostile, ledgerOne))).toContain(fact);
  });

  function finalOf(executed: (typeof proof)["executed"]["header"]["executed"]) {
    const header = { ...proof.executed.header, executed };
    return { ...proof.executed, header, finalization: finalize(trusted, header, [0, 1, 2]) };
  }

  test("that a record is not there is believed only of a key that is not there", () => {
    const absent = world.stateProof("ledger", nobody.key, 6);
    expect(verifyState(trusted, absent, nobody)).toMatchObject({ record: undefined });
    expect(factOf(verifyState(trusted, { ...absent, key: ledgerOne.key }, ledgerOne))).toContain("root");
  });

  test("a header that names another chain is not final in this one, though the same validators signed it", () => {
    const header = { ...proof.executed.header, chainId: other.trusted.chainId };
    const signed = { ...proof.executed, header, finalization: finalize(trusted, header, [0, 1, 2]) };
    expect(finalityFault(trusted, signed)).toContain("not final");
  });

  const events = world.eventsProof(eventsHeight, orderPlaces, 2);
  test.each([
    ["for another order", events, 55, "not of the order"],
    ["of another order's trade", world.eventsProof(eventsHeight, [7]), orderNumber, "not of the order"],
    ["of another block", { ...events, height: (eventsHeight + 1) as never }, orderNumber, "another height"],
    ["of no event", { ...events, events: [] }, orderNumber, "no event"],
    [
      "with an event twice",
      { ...events, events: [events.events[0]!, events.events[0]!] },
      orderNumber,
      "in their order",
    ],
    ["in another order", { ...events, events: events.events.toReversed() }, orderNumber, "in their order"],
    [
      "with a height left out",
      { ...events, eventsRootsAfter: events.eventsRootsAfter.slice(1) },
      orderNumber,
      "another height",
    ],
    [
      "with events of two blocks",
      { ...events, events: [events.events[0]!, ...world.eventsProof(4, [1]).events] },
      orderNumber,
      "not of the order",
    ],
    ["by the header before", { ...events, executed: world.chainOf(7, 7).final }, orderNumber, "another height"],
  ])("events %s are not believed (LIGHT-014)", (_, hostile, order, fact) => {
    expect(factOf(verifyOrderEvents(trusted, hostile, order))).toContain(fact);
  });

  test("what is proved is what was made", () => {
    const state = verifyState(trusted, proof, ledgerOne);
    if (isDisbelief(state)) throw new Error(state.fact);
    const held = ledgerAccountOf(1, state.record);
    if (isDisbelief(held)) throw new Error(held.fact);
    const asset = { name: "X", longName: "", decimals: 2 };
    expect(balanceOf(held, asset, 0)).toMatchObject({ account: 1, amount: 1_006n, text: "10.06" });
    expect(ledgerAccountOf(2, state.record)).toMatchObject({ kind: "disbelief" });
    const found = verifyOrderEvents(trusted, events, orderNumber) as readonly ProvedEvent[];
    expect(found.map(({ index }) => index)).toEqual(orderPlaces);
    expect(found.map(({ event }) => event.kind)).toEqual(["order", "trade", "order", "trade", "order"]);
    const open = verifyState(trusted, world.stateProof("orders", openOrderRecordKey(orderNumber), 6), {
      module: "orders",
      key: openOrderRecordKey(orderNumber),
    });
    expect(openOrderOf((open as { record: Uint8Array }).record)).toMatchObject({
      order: { filledLots: 6 },
      priority: 3,
    });
    const key = riskRecordKey("position", 1, 1);
    const position = verifyState(trusted, world.stateProof("positions", key, 6), { module: "positions", key });
    expect(positionOf((position as { record: Uint8Array }).record)).toMatchObject({ sizeLots: 6 });
    expect(openOrderOf((position as { record: Uint8Array }).record)).toMatchObject({ kind: "disbelief" });
  });

  test("events that were left out in the middle show: what is filled does not add up (LIGHT-015)", () => {
    const found = verifyOrderEvents(trusted, events, orderNumber) as readonly ProvedEvent[];
    expect(runFault(found)).toBeUndefined();
    expect(runFault(found, 0)).toBeUndefined();
    expect(runFault(found, 1)).toContain("do not add up");
    for (const left of [1, 3]) expect(runFault(found.toSpliced(left, 1))).toContain("do not add up");
    expect(runFault(found.toSpliced(1, 2))).toContain("do not add up");
    // The trade that is left may belong to what came before; that there was more before it shows only with what was filled.
    expect(runFault(found.slice(1))).toBeUndefined();
    expect(runFault(found.slice(3), 0)).toContain("do not add up");
  });
});

test("a count of smallest units reads as a decimal number", () => {
  const cases = [
    [0n, 8, "0.00000000"],
    [-1n, 8, "-0.00000001"],
    [123456789n, 6, "123.456789"],
    [-7n, 0, "-7"],
  ] as const;
  for (const [amount, decimals, text] of cases) expect(decimalText(amount, decimals)).toBe(text);
});
