/** The table of open orders against a `Map`, its peer. */
import { createPrng } from "@stoa/base/prng";
import { OrderTable } from "@stoa/exchange/machine/order-table";
import type { Order } from "@stoa/exchange/machine/order";
import { expect, test } from "vitest";

const orderOf = (id: number): Order => ({ id }) as Order;

function expectSame(table: OrderTable, map: ReadonlyMap<number, Order>): void {
  expect(table.size).toBe(map.size);
  expect(table.inOrder().map(({ id }) => id)).toEqual([...map.keys()].sort((left, right) => left - right));
}

test("orders that come and go in any order are found as long as they are there", () => {
  for (const seed of [1, 2, 3]) {
    const prng = createPrng(seed);
    const table = new OrderTable();
    const map = new Map<number, Order>();
    // Ids of all sizes, few enough that each comes and goes more than once.
    const ids = Array.from(
      { length: 400 },
      (_, index) => (index % 4 === 0 ? 2 ** 40 : index % 4 === 1 ? 2 ** 31 : 0) + index,
    );
    for (let step = 0; step < 20_000; step++) {
      const id = ids[prng.below(ids.length)]!;
      // Long spells of growth, then of decline.
      if (prng.below(10) < (step % 4_000 < 2_000 ? 7 : 3)) {
        if (map.has(id)) continue;
        map.set(id, orderOf(id));
        table.add(map.get(id)!);
      } else {
        map.delete(id);
        table.delete(id);
      }
      const asked = ids[prng.below(ids.length)]!;
      expect(table.get(asked)).toBe(map.get(asked));
      if (step % 500 === 0) expectSame(table, map);
    }
    expectSame(table, map);
  }
});

test("ids in sequence do not lie in one run, so what is not there is not there soon", () => {
  const table = new OrderTable();
  for (let id = 1; id <= 100_000; id++) table.add(orderOf(id));
  const started = performance.now();
  for (let id = 100_001; id <= 200_000; id++) expect(table.get(id) === undefined).toBe(true);
  const absent = performance.now() - started;
  const again = performance.now();
  for (let id = 1; id <= 100_000; id++) expect(table.get(id) !== undefined).toBe(true);
  // One run of all of them would make this a thousand times longer.
  expect(absent).toBeLessThan(50 * (performance.now() - again) + 50);
});
