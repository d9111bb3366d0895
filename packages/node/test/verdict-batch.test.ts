import { expect, test } from "vitest";
import { limits } from "@stoa/base/limits";
import type { CommandBody, OrderBody } from "@stoa/protocol/command";
import { createBatchVerifier } from "../src/batch-verifier/batch-verifier.ts";
import { judge, malformed, signatureInvalid } from "../src/verdict.ts";
import { judgeAll } from "../src/verdict-batch.ts";
import { limitOrder, signCommand, testChain } from "./network.ts";

const { genesis, accountSeeds } = testChain();
const order = limitOrder({ instrument: 1, side: "buy", priceTicks: 120_000 }) as OrderBody;
const cancel: OrderBody = { kind: "cancel", order: 5 as never };
const bodies: readonly CommandBody[] = [
  order,
  cancel,
  { kind: "batch", parts: [order, cancel, order] },
  { kind: "revokeKey", sessionKey: new Uint8Array(32).fill(3) as never },
];
const signed = bodies.flatMap((body) => accountSeeds.map((seed) => signCommand(genesis, seed, body)));

function changedAt(encoded: Uint8Array, offset: number): Uint8Array {
  const changed = encoded.slice();
  changed[offset]! ^= 1;
  return changed;
}

test("a batch of commands gets the verdicts that they get one by one, with their weights, wherever each stands", () => {
  const forged = signed.map((encoded, index) => changedAt(encoded, encoded.length - 64 + index));
  const broken = [
    new Uint8Array(0),
    Uint8Array.of(1, 2, 3),
    signed[0]!.subarray(1),
    new Uint8Array(limits.commandSizeMax + 1),
  ];
  const otherChain = changedAt(signed[2]!, 0);
  const verifier = createBatchVerifier();
  const commands = [broken, signed, forged, otherChain, broken, signed.toReversed(), forged.slice(3)].flat();
  for (let turn = 0; turn < commands.length; turn += 5) {
    const turned = [...commands.slice(turn), ...commands.slice(0, turn)];
    expect([...judgeAll(turned, verifier)]).toEqual(turned.map(judge));
  }
  const kinds = new Set(judgeAll(commands, verifier));
  expect([...kinds].sort((a, b) => a - b)).toEqual([malformed, signatureInvalid, 1 + 1, 2 + 1, 4 + 1]);
});

test("nothing to judge is nothing", () => {
  expect(judgeAll([], createBatchVerifier())).toHaveLength(0);
});
