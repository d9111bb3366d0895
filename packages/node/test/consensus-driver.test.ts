import { describe, expect, test } from "vitest";
import type { Digest } from "@stoa/base/hash";
import type { Height, TimeMs, View } from "@stoa/base/units";
import type { Effect, Input } from "@stoa/consensus/effect";
import type { FinalBlock } from "@stoa/protocol/block";
import type { ValidatorIndex } from "@stoa/protocol/primitives";
import { createDriver, type DriverParts } from "../src/consensus-driver.ts";
import { until } from "./network.ts";

const barrierRecord: Effect = {
  kind: "persist",
  record: { kind: "finalized", height: 1 as Height, view: 1 as View, digest: new Uint8Array(32) as Digest, tips: [] },
  barrier: true,
};
const message: Effect = {
  kind: "broadcast",
  message: { kind: "unavailable", request: 1, reason: "busy", retryMs: 1, limit: 1 },
};
const block = { header: { height: 1, timeMs: 1 } } as unknown as FinalBlock;

function drive(step: (input: Input) => readonly Effect[], overrides: Partial<DriverParts> = {}) {
  const happened: string[] = [];
  const driver = createDriver({
    step,
    clock: { monotonicMs: () => 1, wallMs: () => 2 },
    persist: (records, barrier) => void happened.push(`persist ${records.length} ${barrier}`),
    send: (to) => void happened.push(`send ${to}`),
    broadcast: () => void happened.push("broadcast"),
    flush: () => void happened.push("flush"),
    payloadFor: () => ({ payload: new Uint8Array(0), work: false }),
    ordered: () => void happened.push("ordered"),
    deliver: () => void happened.push("deliver"),
    lane: (effect) => void happened.push(effect.kind),
    readBlocks: () => undefined,
    observe: () => undefined,
    halted: (fact) => void happened.push(`halted ${fact}`),
    failed: (error) => void happened.push(`failed ${String(error)}`),
    ...overrides,
  });
  return { driver, happened };
}

describe("the driver of a replica", () => {
  test("what a turn persists is on disk before anything of that turn leaves, in one group (BFT wal before send)", async () => {
    const { driver, happened } = drive(() => [message, { kind: "deliver", block }, barrierRecord]);
    driver.put({ kind: "start" });
    driver.put({ kind: "workPending", pending: true });
    await until(() => happened.includes("flush"), "a turn");
    expect(happened).toEqual([
      "ordered",
      "ordered",
      "persist 2 true",
      "broadcast",
      "deliver",
      "broadcast",
      "deliver",
      "flush",
    ]);
  });

  test("what happens in lanes is said at once, and in a turn before the payload that it matters to", async () => {
    const lane: Effect = { kind: "laneRoom", count: 3 };
    const { driver, happened } = drive(() => [message, lane, barrierRecord]);
    driver.put({ kind: "start" });
    await until(() => happened.includes("flush"), "a turn");
    expect(happened).toEqual(["laneRoom", "persist 1 true", "broadcast", "flush"]);
  });

  test("when the disk fails nothing leaves, and nothing is fed any more", async () => {
    let steps = 0;
    const { driver, happened } = drive(
      () => {
        steps++;
        return [barrierRecord, message];
      },
      {
        persist() {
          throw new Error("disk full");
        },
      },
    );
    driver.put({ kind: "start" });
    await until(() => happened.length > 0, "the failure");
    driver.put({ kind: "workPending", pending: true });
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(happened).toEqual(["failed Error: disk full"]);
    expect(steps).toBe(1);
  });

  test("a payload that is wanted is answered in the same turn", async () => {
    const kinds: string[] = [];
    const { driver, happened } = drive((input) => {
      kinds.push(input.kind);
      if (input.kind !== "start") return [barrierRecord];
      return [
        {
          kind: "payloadWanted",
          view: 1 as View,
          timeMs: 1 as TimeMs,
          sizeMax: 10,
          batchesSize: 0,
          mustAnswer: true,
          ancestors: [],
        },
      ];
    });
    driver.put({ kind: "start" });
    await until(() => happened.includes("flush"), "a turn");
    expect(kinds).toEqual(["start", "payload"]);
    expect(happened).toEqual(["persist 1 true", "flush"]);
  });

  test("a later schedule of a timer replaces the earlier one", async () => {
    const timers: number[] = [];
    const { driver } = drive((input) => {
      if (input.kind === "timer") timers.push(input.view);
      if (input.kind !== "start") return [];
      return [
        { kind: "schedule", timer: "view", view: 1 as View, delayMs: 1 },
        { kind: "schedule", timer: "view", view: 2 as View, delayMs: 5 },
        { kind: "schedule", timer: "retry", view: 3 as View, delayMs: 0 },
      ];
    });
    driver.put({ kind: "start" });
    await until(() => timers.length === 2, "timers");
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(timers.sort()).toEqual([2, 3]);
  });

  test("a halt releases what was decided before it and then stops", async () => {
    let steps = 0;
    const { driver, happened } = drive(() => {
      steps++;
      return [
        {
          kind: "send",
          to: 2 as ValidatorIndex,
          message: message.kind === "broadcast" ? message.message : (undefined as never),
        },
        { kind: "halt", fact: "roots differ" },
      ];
    });
    driver.put({ kind: "start" });
    await until(() => happened.length === 3, "the halt");
    driver.put({ kind: "start" });
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(happened).toEqual(["send 2", "flush", "halted roots differ"]);
    expect(steps).toBe(1);
  });
});
