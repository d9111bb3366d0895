/** What a client believes, and each thing that it does not. */
import { describe, expect, test } from "vitest";
import { zeroDigest } from "@stoa/base/hash";
import { height } from "@stoa/base/units";
import { signCommand } from "@stoa/client/sign";
import { trustGenesis } from "@stoa/client/trust";
import { isDisbelief, verifyBlock, verifyReceipt } from "@stoa/client/verify";
import type { FinalBlock } from "@stoa/protocol/block";
import type { Receipt } from "@stoa/protocol/door";
import { encodeEvent, eventsRootOf, resultsRootAfter, type Event } from "@stoa/protocol/event";
import { finalityProofOf } from "@stoa/protocol/finality/proof";
import { encodePayload } from "@stoa/protocol/payload";
import { finalize, makeBlock, makeChain, seedOf } from "./chain.ts";

const chain = makeChain();
const { trusted } = chain;
const signer = { chainId: chain.chainId, seed: seedOf(9) };
const signed = signCommand(signer, { nonce: 1n, expiresAtMs: 9_000_000, body: { kind: "cancel", order: 7 } });
const other = signCommand(signer, { nonce: 2n, expiresAtMs: 9_000_000, body: { kind: "cancel", order: 8 } });
const accepted = (command: typeof signed): Event => ({
  kind: "accepted",
  command: command.digest,
  account: 1,
  part: 0,
  count: 1,
});
const quiet: Event = { kind: "index", index: 0, price: 5 as never };

chain.add([]);
const block = chain.add([other.encoded, signed.encoded], [quiet, accepted(other), accepted(signed)]);
const next = chain.add([]);
const receipt = chain.receiptOf(signed.encoded)!;

function factOf(value: object): string {
  return isDisbelief(value) ? value.fact : "believed";
}

describe("genesis", () => {
  test("is taken from anybody when it has the expected chain id, and from nobody otherwise", () => {
    expect(trustGenesis(chain.genesisBytes, chain.chainId).set.validators.length).toBe(4);
    expect(() => trustGenesis(chain.genesisBytes, zeroDigest)).toThrow("another chain");
    expect(() => trustGenesis(chain.genesisBytes.subarray(1), chain.chainId)).toThrow("no canonical genesis");
  });
});

describe("a block", () => {
  const otherHeader = { ...block.header, chainId: zeroDigest };
  const otherChain = { ...block, header: otherHeader, certificates: [finalize(trusted, otherHeader, [0, 1, 2])] };
  const refused: readonly (readonly [string, FinalBlock, string])[] = [
    ["with two of four votes", { ...block, certificates: [finalize(trusted, block.header, [0, 1])] }, "not final"],
    ["with no certificate", { ...block, certificates: [] }, "not final"],
    ["with the certificate of another", { ...block, certificates: next.certificates }, "not final"],
    ["whose header was changed", { ...block, header: { ...block.header, timeMs: next.header.timeMs } }, "not final"],
    ["of another chain that the same validators signed", otherChain, "not final"],
    ["of another chain", { ...block, header: { ...block.header, chainId: zeroDigest } }, "not final"],
    [
      "with another payload of that size",
      { ...block, payload: block.payload.map((byte) => byte ^ 1) },
      "not the header's",
    ],
    ["with part of the payload", { ...block, payload: block.payload.slice(1) }, "not of the size"],
    ["with a payload that no header names", { ...next, payload: Uint8Array.of(0) }, "not of the size"],
    [
      "proved by a block that does not follow it",
      { ...block, descendants: [block.header], certificates: block.certificates },
      "not final",
    ],
  ];

  test("with a quorum and its payload is believed, with its commands in order", () => {
    const verified = verifyBlock(trusted, block);
    expect(factOf(verified)).toBe("believed");
    expect(!isDisbelief(verified) && verified.commands).toEqual([other.encoded, signed.encoded]);
    expect(factOf(verifyBlock(trusted, next))).toBe("believed");
  });

  test("is believed when a block that follows it is final", () => {
    const indirect = { ...block, descendants: [next.header], certificates: next.certificates };
    expect(factOf(verifyBlock(trusted, indirect))).toBe("believed");
  });

  test.each(refused)("%s is not", (_, hostile, fact) => {
    expect(factOf(verifyBlock(trusted, hostile))).toContain(fact);
  });
});

describe("a receipt", () => {
  test("with its proofs is believed and gives the command's own events", () => {
    const verified = verifyReceipt(trusted, receipt, signed.digest);
    expect(isDisbelief(verified)).toBe(false);
    expect(verified).toMatchObject({ index: 1, events: [accepted(signed)] });
    expect(!isDisbelief(verified) && verified.blockEvents.length).toBe(3);
  });

  const forged = [quiet, accepted(other), { ...accepted(signed), count: 2 } as Event].map(encodeEvent);
  const forgedResults = resultsRootAfter(block.header.executed.resultsRoot, eventsRootOf(forged));
  const forgedExecuted = { ...next.header.executed, resultsRoot: forgedResults };
  const forgedRoots = makeBlock({
    trusted,
    parent: block.header,
    commands: [],
    executed: forgedExecuted,
    signers: [1],
  });
  const early = chain.blocks[0]!;
  const refused: readonly (readonly [string, Receipt, string])[] = [
    ["of another command", { ...receipt, command: other.digest }, "another command"],
    ["that points at another command", { ...receipt, index: 0 }, "at that place"],
    ["that points beyond the block", { ...receipt, index: 2 }, "at that place"],
    ["in a block that is not final", { ...receipt, block: { ...block, certificates: [] } }, "not final"],
    ["with a changed event", { ...receipt, events: forged }, "not those"],
    ["with an event left out", { ...receipt, events: receipt.events.slice(1) }, "not those"],
    ["with events in another order", { ...receipt, events: [...receipt.events].reverse() }, "not those"],
    ["with roots of another height", { ...receipt, executed: finalityProofOf(early) }, "another height"],
    [
      "with roots that one validator signed",
      { ...receipt, events: forged, executed: finalityProofOf(forgedRoots) },
      "not final",
    ],
    [
      "with roots in a header that cannot know them",
      { ...receipt, executed: { ...finalityProofOf(next), header: { ...next.header, height: height(1) } } },
      "later block",
    ],
  ];

  test.each(refused)("%s is not", (_, hostile, fact) => {
    expect(factOf(verifyReceipt(trusted, hostile, signed.digest))).toContain(fact);
  });

  test("is believed over heights that no header names, before and after it", () => {
    const lagging = makeChain((own) => (own === 1 ? 0 : own < 7 ? 1 : 5));
    lagging.add([other.encoded], [accepted(other)]);
    lagging.add([], [quiet]);
    lagging.add([signed.encoded], [quiet, accepted(signed)]);
    for (let count = 0; count < 4; count++) lagging.add([], count % 2 === 0 ? [quiet] : []);
    const long = lagging.receiptOf(signed.encoded)!;
    expect([long.eventsRootsBefore.length, long.eventsRootsAfter.length]).toEqual([1, 2]);
    expect(verifyReceipt(lagging.trusted, long, signed.digest)).toMatchObject({ events: [accepted(signed)] });
    const { eventsRootsBefore: before, eventsRootsAfter: after } = long;
    for (const hostile of [
      { ...long, eventsRootsBefore: [] },
      { ...long, eventsRootsBefore: after.slice(1) },
      { ...long, eventsRootsAfter: after.slice(1) },
      { ...long, eventsRootsAfter: [...after].reverse() },
      { ...long, eventsRootsBefore: [...before, ...before] },
      { ...long, events: long.events.slice(1) },
    ]) {
      expect(factOf(verifyReceipt(lagging.trusted, hostile, signed.digest))).not.toBe("believed");
    }
  });

  test("with an event that is no event is refused, not thrown over", () => {
    const own = makeChain();
    own.add([signed.encoded]);
    const strange = [Uint8Array.of(250)];
    own.eventsAt.set(1, strange);
    own.add([]);
    const odd = own.receiptOf(signed.encoded)!;
    expect(factOf(verifyReceipt(own.trusted, odd, signed.digest))).toContain("does not know");
  });

  test("of a payload that is no list of commands holds nothing", () => {
    const noise = { ...block, payload: encodePayload([signed.encoded]).map((byte, at) => (at === 0 ? 9 : byte)) };
    expect(factOf(verifyReceipt(trusted, { ...receipt, block: noise }, signed.digest))).not.toBe("believed");
  });
});
