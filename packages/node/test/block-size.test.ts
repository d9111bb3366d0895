import { describe, expect, test } from "vitest";
import type { View } from "@stoa/base/units";
import { createBlockSize } from "../src/block-size.ts";

const full = 1024 * 1024;

/** Proposes in each view as much as may be, over a link that carries `capacity` bytes within a view; gives the sizes. */
function lead(views: number, capacity: number): readonly { readonly size: number; readonly isFinal: boolean }[] {
  const blocks = createBlockSize(full);
  return Array.from({ length: views }, (_, index) => {
    const view = (4 * index + 1) as View;
    const size = Math.floor(blocks.max());
    blocks.proposed(view, size);
    const isFinal = size <= capacity;
    blocks.final((isFinal ? view : view + 1) as View, 0);
    return { size, isFinal };
  });
}

describe("a leader", () => {
  test("whose links carry full blocks goes on with full blocks", () => {
    expect(lead(50, full).every(({ size, isFinal }) => size === full && isFinal)).toBe(true);
  });

  test("over a narrow link finds a size that crosses it, and loses few blocks from then on", () => {
    for (const capacity of [600_000, 400_000, 300_000]) {
      const blocks = lead(100, capacity);
      const settled = blocks.slice(6);
      const lost = settled.filter(({ isFinal }) => !isFinal).length;
      expect(lost, String(capacity)).toBeLessThan(settled.length / 5);
      const through = settled.reduce((sum, { size, isFinal }) => sum + (isFinal ? size : 0), 0);
      expect(through / settled.length, String(capacity)).toBeGreaterThan(capacity / 2);
    }
  });

  test("makes full blocks again when the link is wide again", () => {
    const blocks = createBlockSize(full);
    for (let view = 1; view < 9; view += 1) {
      blocks.proposed(view as View, blocks.max());
      blocks.final((view + 1) as View, 0);
    }
    expect(blocks.max()).toBe(128 * 1024);
    for (let view = 20; view < 60; view++) {
      blocks.proposed(view as View, blocks.max());
      blocks.final(view as View, 0);
    }
    expect(blocks.max()).toBe(full);
  });

  test("learns nothing from small blocks, and nothing from a view that is still open", () => {
    const blocks = createBlockSize(full);
    blocks.proposed(5 as View, 1_000);
    blocks.final(6 as View, 0);
    blocks.proposed(9 as View, full);
    blocks.final(8 as View, 0);
    expect(blocks.max()).toBe(full);
    blocks.final(10 as View, 0);
    expect(blocks.max()).toBe(full / 2);
  });

  test("takes its links for short when two large blocks were lost within a minute, and for a minute", () => {
    const blocks = createBlockSize(full);
    const lose = (view: number, atMs: number): void => {
      blocks.proposed(view as View, blocks.max());
      blocks.final((view + 1) as View, atMs);
    };
    lose(1, 1_000);
    expect(blocks.isLinkShort(1_001)).toBe(false);
    lose(5, 30_000);
    expect([blocks.isLinkShort(30_001), blocks.isLinkShort(60_999), blocks.isLinkShort(61_000)]).toEqual([
      true,
      true,
      false,
    ]);
    lose(9, 200_000);
    expect(blocks.isLinkShort(200_001)).toBe(false);
  });
});
