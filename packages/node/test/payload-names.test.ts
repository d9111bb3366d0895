/** The commands of a payload found in place, against the decoder that copies them. */
import { describe, expect, test } from "vitest";
import { concatBytes, equalBytes } from "@stoa/base/bytes";
import { zeroDigest } from "@stoa/base/hash";
import { limits } from "@stoa/base/limits";
import { createPrng } from "@stoa/base/prng";
import { commandDigest } from "@stoa/protocol/command";
import { decodePayload, encodeLanesPayload, encodePayload } from "@stoa/protocol/payload";
import type { ValidatorIndex } from "@stoa/protocol/primitives";
import { payloadCommands, type KnownDigests } from "../src/payload-names.ts";

/** The same commands as the decoder finds; none where it refuses. */
function expectSame(payload: Uint8Array): void {
  const found = payloadCommands(payload);
  const commands = decodePayload(payload) ?? [];
  expect(found.count).toBe(commands.length);
  expect(found.commands.map((one) => Uint8Array.from(one))).toEqual(commands);
  expect(found.digests.map((one) => Uint8Array.from(one))).toEqual(commands.map(commandDigest));
  commands.forEach((one, index) => expect(Uint8Array.from(found.commandAt(index))).toEqual(one));
  expect(found.packedDigests).toHaveLength(32 * commands.length);
}

describe("the commands of a payload", () => {
  const prng = createPrng("payloads");
  const some = (count: number) => Array.from({ length: count }, () => prng.nextBytes(prng.below(40)));

  test("are those that the decoder finds, also when bytes of it are changed, cut off or added", () => {
    for (let round = 0; round < 300; round++) {
      const payload = encodePayload(some(prng.below(8)));
      expectSame(payload);
      const changed = Uint8Array.from(payload);
      changed[prng.below(changed.length)]! ^= 1 << prng.below(8);
      expectSame(changed);
      expectSame(payload.slice(0, prng.below(payload.length)));
      expectSame(Uint8Array.of(...payload, prng.below(256)));
    }
  });

  const withBatches = (lists: readonly Uint8Array[], loose: Uint8Array): Uint8Array =>
    encodeLanesPayload({
      batches: lists.map((payload, index) => ({
        epoch: 0,
        lane: (index % 4) as ValidatorIndex,
        sequence: 1 + Math.floor(index / 4),
        previous: zeroDigest,
        payload,
      })),
      loose,
    });

  test("in batches and beside them are found in the order of execution, also when bytes are changed, cut off or added", () => {
    for (let round = 0; round < 300; round++) {
      const lists = Array.from({ length: prng.below(6) }, () => encodePayload(some(prng.below(5))));
      if (0 < lists.length && prng.below(4) === 0) lists[0] = prng.nextBytes(prng.below(20));
      const payload = withBatches(lists, prng.below(2) === 0 ? new Uint8Array(0) : encodePayload(some(3)));
      expectSame(payload);
      const changed = Uint8Array.from(payload);
      changed[prng.below(changed.length)]! ^= 1 << prng.below(8);
      expectSame(changed);
      expectSame(payload.slice(0, prng.below(payload.length)));
      expectSame(Uint8Array.of(...payload, prng.below(256)));
    }
  });

  test("in batches end where a payload is full of them, whatever comes after", () => {
    const nothing = encodePayload(Array.from({ length: 15_000 }, () => new Uint8Array(0)));
    const payload = withBatches([nothing, nothing], encodePayload(some(2)));
    expect(payloadCommands(payload).count).toBe(limits.payloadCommandsCountMax);
    expectSame(payload);
  });

  test("of a batch that is known have the digests that are known, and only if it is that batch to the byte", () => {
    const [one, other] = [some(3), some(2)];
    const batch = encodePayload(one);
    const told = prng.nextBytes(96);
    const knownDigests: KnownDigests = (lane, sequence, bytes) =>
      lane === 0 && sequence === 1 && equalBytes(bytes, batch) ? told : undefined;
    const found = payloadCommands(withBatches([batch, encodePayload(other)], encodePayload(one)), { knownDigests });
    expect(found.packedDigests).toEqual(concatBytes(told, ...[...other, ...one].map(commandDigest)));
  });

  test("are looked for where the payload lies in a larger buffer", () => {
    const payload = encodePayload(some(5));
    const whole = new Uint8Array(payload.length + 20).fill(0xff);
    whole.set(payload, 7);
    expectSame(whole.subarray(7, 7 + payload.length));
  });

  test("have the digests that another thread has computed, one for each", () => {
    const given = prng.nextBytes(64);
    const found = payloadCommands(encodePayload(some(2)), { packedDigests: given });
    expect(found.packedDigests).toBe(given);
    expect(found.digests).toEqual([given.subarray(0, 32), given.subarray(32)]);
    expect(() => payloadCommands(encodePayload(some(3)), { packedDigests: given })).toThrow(
      "a digest for each command",
    );
    expect(payloadCommands(Uint8Array.of(1, 2, 3), { packedDigests: new Uint8Array(0) }).count).toBe(0);
  });

  test("at the limits of size and count are found, and beyond them none are", () => {
    const large = new Uint8Array(limits.commandSizeMax);
    expectSame(encodePayload([large]));
    const overlong = new Uint8Array(8 + limits.commandSizeMax + 1);
    overlong[0] = 1;
    new DataView(overlong.buffer).setUint32(4, limits.commandSizeMax + 1, true);
    expectSame(overlong);
    const tooMany = new Uint8Array(4 + 4 * (limits.payloadCommandsCountMax + 1));
    new DataView(tooMany.buffer).setUint32(0, limits.payloadCommandsCountMax + 1, true);
    expectSame(tooMany);
    const most = tooMany.slice(0, tooMany.length - 4);
    new DataView(most.buffer).setUint32(0, limits.payloadCommandsCountMax, true);
    expect(payloadCommands(most).count).toBe(limits.payloadCommandsCountMax);
    const fifteen = encodePayload(Array.from({ length: 15 }, () => large));
    const rest = limits.payloadSizeMax - fifteen.length;
    for (const size of [rest - 4, rest - 3]) {
      const payload = new Uint8Array(fifteen.length + 4 + size);
      payload.set(fifteen);
      new DataView(payload.buffer).setUint32(0, 16, true);
      new DataView(payload.buffer).setUint32(fifteen.length, size, true);
      expect(payloadCommands(payload).count).toBe(decodePayload(payload)?.length ?? 0);
      expect(payloadCommands(payload).count).toBe(size === rest - 4 ? 16 : 0);
    }
  });
});
