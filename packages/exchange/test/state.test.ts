/**
 * Properties of the whole machine under random commands: invariants hold (they are asserted in every block), equal blocks
 * give equal roots and events, whichever book is used, and a snapshot taken anywhere goes on as if nothing had happened.
 */
import { createHash } from "node:crypto";
import { toHex } from "@stoa/base/bytes";
import { installSha256, type Digest } from "@stoa/base/hash";
import { MerkleMap } from "@stoa/base/merkle-map";
import { createPrng } from "@stoa/base/prng";
import { createExchange, execute } from "@stoa/exchange/machine/execute";
import { encodeSnapshot, restoreSnapshot } from "@stoa/exchange/machine/snapshot";
import { allRecords } from "@stoa/exchange/machine/records";
import { executedRootsOf } from "@stoa/exchange/machine/roots";
import type { ExchangeState } from "@stoa/exchange/machine/state";
import { modules, type Module } from "@stoa/protocol/state-record";
import type { BlockInput, ExecutionResult } from "@stoa/exchange/machine/block-input";
import { createNaiveBook } from "@stoa/exchange/matching/naive-book";
import { buySide, sellSide, type BookSide } from "@stoa/exchange/matching/book";
import type { Event } from "@stoa/protocol/event";
import type { ExecutedRoots } from "@stoa/protocol/finality/header";
import type { Genesis } from "@stoa/protocol/genesis";
import { describe, expect, test } from "vitest";
import { randomBlock } from "./random-commands.ts";
import { mixedOptions } from "./mixed-world.ts";
import { check, World } from "./world.ts";

// Roots over thousands of blocks: the native hash, which must agree with the reference to be taken.
installSha256((bytes) => createHash("sha256").update(bytes).digest());

/** Steps of seconds; where the world is quiet, some of hours, over which prices go stale and instants are missed. */
function runRandomly(seed: number, blocksCount: number, isQuiet = false): World {
  const world = new World(mixedOptions);
  const prng = createPrng(seed);
  for (let count = 0; count < blocksCount; count++) {
    const isLong = isQuiet && prng.below(4) === 0;
    const afterMs = isLong ? 600_000 + prng.below(20_000_000) : 1_000 + prng.below(20_000);
    world.block(randomBlock(world, prng, afterMs), afterMs);
  }
  return world;
}

const rootsText = (roots: ExecutedRoots): string =>
  `${[...roots.moduleRoots, roots.resultsRoot].map((root) => toHex(root).slice(0, 12)).join(" ")} height ${roots.height}`;

const summary = ({ roots, encodedEvents }: ExecutionResult): string =>
  `${rootsText(roots)} events ${encodedEvents.ends.length}`;

/** The first block in which two runs differ: all that is worth reading of a failure. */
function firstDifference(left: readonly string[], right: readonly string[]): string | undefined {
  const index = left.findIndex((one, position) => one !== right[position]);
  return index < 0 && left.length === right.length ? undefined : `${left[index]} | ${right[index]}`;
}

function replay(state: ExchangeState, blocks: readonly BlockInput[]): readonly string[] {
  return blocks.map((block) => summary(execute(state, block)));
}

function rootOverAll(state: ExchangeState, module: Module): Digest {
  const tree = new MerkleMap();
  for (const { key, content } of allRecords(state, module)) if (content !== undefined) tree.set(key, content);
  return tree.root();
}

/** Orders of every book in the order in which they would be hit. */
function queuesOf(state: ExchangeState): string {
  const parts: string[] = [];
  for (const [instrument, { book }] of [...state.books].sort(([left], [right]) => left - right)) {
    for (const side of [buySide, sellSide] as readonly BookSide[]) {
      book.forEachOrder(
        side,
        (order, price, lots) => 0 < parts.push(`${instrument} ${side} ${order} ${price} ${lots}`),
      );
    }
  }
  return parts.join("\n");
}

describe.each([
  { seed: 11, isQuiet: false },
  { seed: 12, isQuiet: false },
  { seed: 13, isQuiet: false },
  { seed: 14, isQuiet: true },
])("random commands, seed $seed, quiet $isQuiet", ({ seed, isQuiet }) => {
  const world = runRandomly(seed, 240, isQuiet);

  test("equal blocks give equal roots and events (MATCH-045)", () => {
    const one = replay(createExchange(world.genesis).state, world.blocks);
    const other = replay(createExchange(world.genesis).state, world.blocks);
    expect(firstDifference(one, other)).toBeUndefined();
    expect(one[one.length - 1]).toBe(summary(world.last));
  });

  test("the naive book gives the same roots and events (MATCH-045)", () => {
    const fast = replay(createExchange(world.genesis).state, world.blocks);
    const naive = replay(createExchange(world.genesis, createNaiveBook).state, world.blocks);
    expect(firstDifference(naive, fast)).toBeUndefined();
  });

  test("no change of a record goes unnoticed: roots are what they are over all records, built anew (MATCH-044)", () => {
    const { state } = createExchange(world.genesis);
    for (const [index, block] of world.blocks.entries()) {
      const { roots } = execute(state, block);
      if (index % (isQuiet ? 2 : 8) !== 0) continue;
      const anew = modules.map((module) => toHex(rootOverAll(state, module)));
      expect(anew, `after block ${block.height}`).toEqual(roots.moduleRoots.map(toHex));
    }
  });

  test("a snapshot restores to the same roots, queues and bytes, and goes on to the same results (MATCH-044)", () => {
    const { state } = createExchange(world.genesis);
    const restored: { state: ExchangeState; from: number }[] = [];
    const results: string[] = [];
    for (const [index, block] of world.blocks.entries()) {
      if (index % 60 === 30) restored.push({ state: restoredFrom(world.genesis, state), from: index });
      results.push(summary(execute(state, block)));
    }
    for (const { state: copy, from } of restored) {
      expect(firstDifference(replay(copy, world.blocks.slice(from)), results.slice(from))).toBeUndefined();
      expect(queuesOf(copy)).toBe(queuesOf(state));
      expect(toHex(encodeSnapshot(copy))).toBe(toHex(encodeSnapshot(state)));
    }
  });
});

test("an order that lost its place is restored behind those it stands behind (MATCH-012, MATCH-044)", () => {
  const world = check(`
    A buys 5 @ 100    | open A1 5 @ 100
    B buys 5 @ 100    | open B1 5 @ 100
    A edits A1 to 6   | open A1 6 @ 100
    A quotes s 2 @ 100 / - | open A2 2 @ 100, quotes 1
  `);
  const copy = restoredFrom(world.genesis, world.state);
  expect(queuesOf(copy)).toBe("1 0 2 100 5\n1 0 1 100 6\n1 0 3 100 2");
});

function restoredFrom(genesis: Genesis, state: ExchangeState): ExchangeState {
  const bytes = encodeSnapshot(state);
  const restored = restoreSnapshot(genesis, bytes);
  if ("fault" in restored) throw new Error(restored.fault);
  expect(rootsText(restored.roots)).toBe(rootsText(executedRootsOf(state)));
  expect(queuesOf(restored.state)).toBe(queuesOf(state));
  expect(toHex(encodeSnapshot(restored.state))).toBe(toHex(bytes));
  return restored.state;
}

test("the random commands reach what they are meant to test (MATCH-045)", () => {
  const world = new World(mixedOptions);
  const prng = createPrng(11);
  const kinds = new Set<string>();
  const note = (events: readonly Event[]) => {
    for (const event of events) {
      kinds.add(event.kind);
      if (event.kind === "order") kinds.add(event.order.cancelReason);
      if (event.kind === "liquidation") kinds.add(event.step);
      if (event.kind === "settled") kinds.add(event.type);
    }
  };
  for (let count = 0; count < 240; count++) {
    const afterMs = 1_000 + prng.below(20_000);
    note(world.block(randomBlock(world, prng, afterMs), afterMs).events);
  }
  const wanted = ["trade", "settled", "delivery", "settlement", "funding", "mark", "quotes", "transferred", "started"];
  const reasons = ["user-request", "immediate-or-cancel", "good-til-time", "self-match", "reduce-only", "expiry"];
  expect([...wanted, ...reasons].filter((one) => !kinds.has(one))).toEqual([]);
});

describe("a snapshot that is not whole is refused with a reason (MATCH-044)", () => {
  const world = runRandomly(21, 40);
  const bytes = encodeSnapshot(world.state);

  test("cut off at any place", () => {
    for (const size of [0, 1, 40, 100, bytes.length >> 1, bytes.length - 1]) {
      expect(restoreSnapshot(world.genesis, bytes.slice(0, size))).toHaveProperty("fault");
    }
  });

  test("with something behind it, of another format, or of another chain", () => {
    expect(restoreSnapshot(world.genesis, Uint8Array.of(...bytes, 0))).toHaveProperty("fault");
    expect(restoreSnapshot(world.genesis, Uint8Array.from([9, ...bytes.slice(1)]))).toEqual({
      fault: "format 9, this program reads 1",
    });
    expect(restoreSnapshot({ ...world.genesis, chainName: "other" }, bytes)).toEqual({
      fault: "the snapshot belongs to another chain",
    });
  });
});
