import { expect, test } from "vitest";
import { createIdleCollector } from "../src/idle-collector.ts";

const mebibyte = 1024 * 1024;

/** A thread whose business and size are said. */
function thread() {
  const seen = { busy: 0, held: 20 * mebibyte, collections: 0 };
  const decide = createIdleCollector({
    collect() {
      seen.collections++;
      seen.held = 10 * mebibyte;
    },
    busyPart: () => seen.busy,
    heldSize: () => seen.held,
  });
  return { seen, decide };
}

test("a thread that rests with garbage collects it once, and again when there is as much as pays", () => {
  const { seen, decide } = thread();
  decide();
  decide();
  expect(seen.collections).toBe(1);
  seen.held += 4 * mebibyte - 1;
  decide();
  expect(seen.collections).toBe(1);
  seen.held += 1;
  decide();
  expect(seen.collections).toBe(2);
});

test("a busy thread is left alone, whatever it holds", () => {
  const { seen, decide } = thread();
  seen.busy = 0.06;
  seen.held = 500 * mebibyte;
  decide();
  expect(seen.collections).toBe(0);
  seen.busy = 0.05;
  decide();
  expect(seen.collections).toBe(1);
});

test("without a collector to call nothing happens", () => {
  const decide = createIdleCollector({ collect: undefined, busyPart: () => 0, heldSize: () => 500 * mebibyte });
  expect(decide).not.toThrow();
});
