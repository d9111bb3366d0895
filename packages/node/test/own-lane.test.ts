import { describe, expect, test } from "vitest";
import { limits } from "@stoa/base/limits";
import { decodePayload } from "@stoa/protocol/payload";
import { createLaneSwitch, createOwnLane, laneFromSize, laneFromSizeShort } from "../src/own-lane.ts";

function setUp(room: number) {
  const batches: (readonly Uint8Array[])[] = [];
  const due: { readonly delayMs: number; readonly action: () => void }[] = [];
  const lane = createOwnLane({
    seal: (payload) => void batches.push(decodePayload(payload)!),
    after: (delayMs, action) => void due.push({ delayMs, action }),
  });
  lane.setRoom(room);
  /** What is due after `fromMs` or later happens. */
  const pass = (fromMs = 0): void =>
    due.splice(0).forEach((one) => (fromMs <= one.delayMs ? one.action() : due.push(one)));
  return { lane, batches, due, pass };
}
const command = (size: number, first = 1): Uint8Array => new Uint8Array(size).fill(first);

describe("a validator's own lane", () => {
  test("sends a command on after a few milliseconds, with those that came meanwhile", () => {
    const { lane, batches, due, pass } = setUp(3);
    const first = command(100);
    expect([lane.put(first), lane.put(command(50, 2))]).toEqual([true, true]);
    first.fill(9);
    expect([batches.length, due.map(({ delayMs }) => delayMs)]).toEqual([0, [5, 50]]);
    pass();
    expect(batches).toEqual([[command(100), command(50, 2)]]);
    pass();
    lane.put(command(10));
    pass();
    expect(batches).toHaveLength(2);
  });

  test("with two batches that are not final holds a small one back until one is, or for 50 ms", () => {
    const { lane, batches, due } = setUp(9);
    const put = (): readonly (() => void)[] => {
      lane.put(command(10));
      return due.splice(0).map(({ action }) => action);
    };
    for (let count = 0; count < 2; count++) put()[0]!();
    const [usual, last] = put();
    usual!();
    expect(batches).toHaveLength(2);
    lane.ordered(1);
    expect(batches).toHaveLength(3);
    last!();
    expect(batches).toHaveLength(3);
    const [, afterLong] = put();
    afterLong!();
    expect(batches).toHaveLength(4);
    lane.ordered(100);
    put()[0]!();
    expect(batches).toHaveLength(5);
  });

  test("sends 64 KiB on at once", () => {
    const { lane, batches } = setUp(3);
    for (let count = 0; count < 64; count++) lane.put(command(1020));
    expect(batches.map((batch) => batch.length)).toEqual([64]);
  });

  test("without room gathers one batch and takes no more, and sends it when there is room", () => {
    const { lane, batches, pass } = setUp(1);
    const large = command(limits.commandSizeMax);
    expect([lane.put(large), lane.put(large), lane.put(large), lane.put(large)]).toEqual([true, true, true, true]);
    expect([lane.put(large), lane.put(command(10))]).toEqual([false, true]);
    pass();
    expect(batches).toHaveLength(1);
    lane.setRoom(2);
    expect(batches.map((batch) => batch.length)).toEqual([1, 4]);
    lane.put(command(10));
    expect(batches).toHaveLength(2);
  });

  test("that never had room takes nothing", () => {
    expect(setUp(0).lane.put(command(10))).toBe(false);
  });
});

describe("whether commands go into lanes", () => {
  test("depends on how much waits, and not on the last byte of it", () => {
    let size = 0;
    const isOn = createLaneSwitch("auto", { waitingSize: () => size, isLinkShort: () => false });
    const at = (now: number): boolean => {
      size = now;
      return isOn();
    };
    const sizes = [
      0,
      laneFromSize - 1,
      laneFromSize,
      laneFromSize / 2,
      laneFromSize / 4,
      laneFromSize / 4 - 1,
      laneFromSize / 2,
    ];
    expect(sizes.map(at)).toEqual([false, false, true, true, true, false, false]);
  });

  test("begins earlier while the links do not carry the blocks that this validator makes", () => {
    let isShort = false;
    const isOn = createLaneSwitch("auto", { waitingSize: () => laneFromSizeShort, isLinkShort: () => isShort });
    expect(isOn()).toBe(false);
    isShort = true;
    expect(isOn()).toBe(true);
    isShort = false;
    expect(isOn()).toBe(false);
  });

  test("can be said for measurement", () => {
    const crowd = (size: number) => ({ waitingSize: () => size, isLinkShort: () => true });
    expect([createLaneSwitch("never", crowd(1e9))(), createLaneSwitch("always", crowd(0))()]).toEqual([false, true]);
  });
});
