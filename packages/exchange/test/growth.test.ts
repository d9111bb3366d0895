/** State does not grow with what is over. */
import { ticks } from "@stoa/base/units";
import { encodeSnapshot } from "@stoa/exchange/machine/snapshot";
import type { CommandBody } from "@stoa/protocol/command";
import { expect, test } from "vitest";
import { limits } from "@stoa/base/limits";
import { cancelAllBody, place, World } from "./world.ts";

/** A hundred orders of all kinds that end in one way or another, and a cancel-all. */
const churn = (world: World): readonly CommandBody[] => {
  const price = (index: number) => ticks(60 + (index % 40));
  const parts = Array.from({ length: limits.commandPartsCountMax - 1 }, (_, index) =>
    place({
      sizeLots: 1 + (index % 7),
      priceTicks: price(index),
      ...(index % 3 === 0
        ? { timeInForce: "good-til-time" as const, goodTilMs: (world.state.timeMs + 10 ** 9 + index) as never }
        : {}),
    }),
  );
  return [{ kind: "batch", parts: [...parts, cancelAllBody()] }];
};

test("after thousands of orders and cancels the snapshot has the size it had after the first (MATCH-052)", () => {
  const world = new World();
  const round = () => churn(world).forEach((body) => world.send("A", body));
  round();
  const size = encodeSnapshot(world.state).length;
  for (let count = 0; count < 100; count++) round();
  expect(world.state.counters.order).toBe(1 + 101 * (limits.commandPartsCountMax - 1));
  expect(encodeSnapshot(world.state).length).toBe(size);
  expect(world.state.orders.size + world.state.deadlines.count).toBe(0);
  expect(world.state.trees.orders.count).toBe(0);
});
