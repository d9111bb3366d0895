import { describe, expect, test } from "vitest";
import { concatBytes } from "@stoa/base/bytes";
import { zeroDigest } from "@stoa/base/hash";
import { commandDigest } from "@stoa/protocol/command";
import type { Header } from "@stoa/protocol/finality/header";
import { encodeLanesPayload, encodePayload } from "@stoa/protocol/payload";
import type { ValidatorIndex } from "@stoa/protocol/primitives";
import { homeOf } from "../src/command-way.ts";
import { createLanes } from "../src/lanes.ts";
import { payloadCommands } from "../src/payload-names.ts";

const self = 1 as ValidatorIndex;
const peer = 2 as ValidatorIndex;
const commands = [1, 2, 3].map((value) => new Uint8Array(40).fill(value));
const batch = (): Uint8Array => encodePayload(commands);
const digests = concatBytes(...commands.map(commandDigest));

function setUp() {
  const happened: string[] = [];
  let nowMs = 0;
  const note = (what: string) => (held: Uint8Array) => void happened.push(`${what} ${held.length / 32}`);
  const lanes = createLanes({
    mode: "always",
    self,
    validatorsCount: 4,
    mempool: {
      size: () => 0,
      inLane: note("in"),
      outOfLane: note("out"),
      expectNothing: () => void happened.push("nothing expected"),
    },
    isLinkShort: () => false,
    wallMs: () => nowMs,
    seal: (payload) => void happened.push(`sealed ${payloadCommands(payload).count}`),
    anticipate: (payload) => void happened.push(`checking ${payloadCommands(payload).count}`),
  });
  return { lanes, happened, pass: (timeMs: number) => void (nowMs += timeMs) };
}
const payloadWith = (sequence: number, payload = batch()): Uint8Array =>
  encodeLanesPayload({
    batches: [{ epoch: 0, lane: peer, sequence, previous: zeroDigest, payload }],
    loose: new Uint8Array(0),
  });

describe("the node's side of lanes", () => {
  test("commands of a batch that is kept are known to be in a lane, and checked unless they are its own", () => {
    const { lanes, happened } = setUp();
    lanes.observe({ kind: "batchHeld", lane: peer, sequence: 1, payload: batch() });
    lanes.observe({ kind: "batchHeld", lane: self, sequence: 1, payload: batch() });
    lanes.observe({ kind: "batchDropped", lane: peer, sequence: 1, payload: batch() });
    expect(happened).toEqual(["in 3", "checking 3", "in 3", "out 3"]);
  });

  test("those of a block are named as they are, whether its batches are kept, were dropped or are final already", () => {
    const { lanes } = setUp();
    const held = batch();
    lanes.observe({ kind: "batchHeld", lane: peer, sequence: 1, payload: held });
    expect(lanes.commandsOf(payloadWith(1)).packedDigests).toEqual(digests);
    // What was kept is taken at its word: a batch with other bytes in its place is not.
    const told = payloadCommands(held).packedDigests.fill(7);
    expect(lanes.commandsOf(payloadWith(1)).packedDigests).toEqual(told);
    expect(lanes.commandsOf(payloadWith(2)).packedDigests).toEqual(digests);
    const other = encodePayload([...commands].reverse());
    expect(lanes.commandsOf(payloadWith(1, other)).packedDigests).toEqual(payloadCommands(other).packedDigests);
    const tips = [0, 0, 1, 0].map((sequence) => ({ sequence, digest: zeroDigest }));
    const ranges = [{ lane: peer, count: 1, size: held.length, proof: undefined }];
    lanes.ordered({ tips, ranges } as unknown as Header);
    expect(lanes.commandsOf(payloadWith(1)).packedDigests).toEqual(digests);
  });

  test("an account whose home goes is at home with another, and nothing is expected of the one that went", () => {
    const { lanes, happened } = setUp();
    const accounts = Array.from({ length: 40 }, (_, index) => new Uint8Array(200).fill(index));
    const mine = (): number => accounts.filter((encoded) => lanes.choice.isHome(encoded)).length;
    expect(mine()).toBe(40);
    for (const other of [0, 2, 3]) lanes.setHere(other as ValidatorIndex, true);
    const shared = mine();
    expect(shared).toBeLessThan(40);
    lanes.setHere(0 as ValidatorIndex, false);
    expect(mine()).toBeGreaterThan(shared);
    expect(happened).toEqual(["nothing expected"]);
  });

  test("an account whose home let a command lie is at home elsewhere for a minute, and the others stay where they are", () => {
    const { lanes, pass } = setUp();
    for (const other of [0, 2, 3]) lanes.setHere(other as ValidatorIndex, true);
    const [idle, other] = [0, 2].map(
      (home) =>
        Array.from({ length: 256 }, (_, value) => new Uint8Array(200).fill(value)).find(
          (encoded) => homeOf(encoded, 4, () => true) === home,
        )!,
    ) as [Uint8Array, Uint8Array];
    expect(lanes.choice.isHome(idle)).toBe(false);
    for (let step = 0; step < 3; step++) lanes.choice.missed(idle);
    expect([lanes.choice.isHome(idle), lanes.choice.isHome(other)]).toEqual([true, false]);
    pass(60_001);
    expect(lanes.choice.isHome(idle)).toBe(false);
  });
});
