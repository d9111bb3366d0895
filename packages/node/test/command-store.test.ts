import { describe, expect, test } from "vitest";
import { createPrng } from "@stoa/base/prng";
import { createCommandStore } from "../src/command-store.ts";

describe("the store of commands", () => {
  test("gives back what was put under a number, small and large, whatever came and went beside it", () => {
    const countMax = 3_000;
    const prng = createPrng(5);
    const store = createCommandStore();
    const model = new Map<number, Uint8Array>();
    const check = (number: number): void => {
      expect(store.sizeOf(number)).toBe(model.get(number)!.length);
      expect(store.get(number)).toEqual(model.get(number));
    };
    for (let step = 0; step < 20_000; step++) {
      const number = prng.below(countMax);
      if (model.has(number)) {
        check(number);
        store.drop(number);
        model.delete(number);
        continue;
      }
      const bytes = prng.nextBytes([0, 1, 200, 255, 256, 257, 1_000][prng.below(7)]!);
      model.set(number, Uint8Array.from(bytes));
      store.put(number, bytes);
      bytes.fill(0);
      check(number);
    }
    for (const number of model.keys()) check(number);
  });
});
