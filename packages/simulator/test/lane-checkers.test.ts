import { expect, test } from "vitest";
import type { Message } from "@stoa/consensus/message";
import { createLaneCheckers, laneFaults, placesCountMax } from "../src/lane-checkers.ts";

/** All that the checker reads of it. */
const acknowledgement = (sequence: number, filling: number): Message =>
  ({
    kind: "acknowledgement",
    acknowledgement: { lane: 1, sequence, digest: new Uint8Array(32).fill(filling) },
  }) as unknown as Message;

test("a validator that acknowledges two batches in one place is found, and the table of places stays bounded", () => {
  const seen = createLaneCheckers();
  const hear = (message: Message) => laneFaults(seen, {} as never, { index: 0, honest: true }, message);
  for (let sequence = 0; sequence < 2 * placesCountMax; sequence++)
    expect(hear(acknowledgement(sequence, 7))).toEqual([]);
  expect(seen.sent.size).toBe(placesCountMax);
  expect(hear(acknowledgement(2 * placesCountMax - 1, 7))).toEqual([]);
  expect(hear(acknowledgement(2 * placesCountMax - 1, 8))).toEqual([
    `lanes: honest node 0 acknowledges two batches in place ${2 * placesCountMax - 1} of lane 1`,
  ]);
});
