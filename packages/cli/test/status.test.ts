import { expect, test } from "vitest";
import type { Digest } from "@stoa/base/hash";
import type { Height, View } from "@stoa/base/units";
import type { NodeStatus } from "@stoa/protocol/door";
import type { ExecutedRoots } from "@stoa/protocol/finality/header";
import { differenceIn, reportsObject, statusLines, type ValidatorReport } from "../src/commands/status.ts";

const digest = (fill: number): Digest => new Uint8Array(32).fill(fill) as Digest;
const rootsOf = (fill: number): ExecutedRoots => ({
  height: 1_228 as Height,
  moduleRoots: [1, 2, 3, 4, fill].map(digest),
  resultsRoot: digest(9),
});

const status = (change: Partial<NodeStatus> = {}): NodeStatus => ({
  name: "any",
  validator: undefined,
  view: 1_240 as View,
  height: 1_230 as Height,
  executedHeight: 1_230 as Height,
  mempoolCount: 0,
  peersConnected: 3,
  peersBanned: 0,
  alarms: [],
  commandsTotal: 12_345,
  tradesTotal: 67,
  halted: undefined,
  quarantine: undefined,
  convicted: new Uint8Array(0),
  ...change,
});
const report = (index: number, change: Partial<ValidatorReport> = {}): ValidatorReport => ({
  name: `validator-${index}`,
  status: status(),
  roots: rootsOf(5),
  ...change,
});

test("status is a table of at most 110 columns, with the state root of one common height", () => {
  const lines = statusLines([report(0), report(1, { status: undefined, roots: undefined }), report(2)]);
  expect(lines).toHaveLength(4);
  expect(lines[0]).toMatch(/height\s+executed\s+view\s+peers\s+waiting\s+commands\s+trades\s+root at 1228$/);
  expect(lines[1]).toMatch(/^validator-0 {2}up\s+1230\s+1230\s+1240\s+3\s+0\s+12345\s+67 {2}[0-9a-f]{16}$/);
  expect(lines[2]).toBe("validator-1  does not answer");
  expect(lines[3]!.slice(-16)).toBe(lines[1]!.slice(-16));
  for (const line of lines) expect(line.length).toBeLessThanOrEqual(110);
});

test("where nobody answers there is no table", () => {
  const silent = { status: undefined, roots: undefined };
  expect(statusLines([report(0, silent), report(1, silent)])).toEqual([
    "validator-0  does not answer",
    "validator-1  does not answer",
  ]);
});

test("what halted a validator stands below the table, in its own words", () => {
  const halted = "height 1229: executed 00ff here, the header says ff00";
  const lines = statusLines([report(0, { status: status({ halted }) })]);
  expect(lines[1]).toContain("validator-0  HALTED");
  expect(lines[2]).toBe(`validator-0 halted: ${halted}`);
});

test("alarms of a validator stand below the table", () => {
  const alarm = "only 1 of 4 validators, with 1 of 4 stake, are connected";
  const lines = statusLines([report(0), report(1, { status: status({ alarms: [alarm] }) })]);
  expect(lines[3]).toBe(`validator-1: ${alarm}`);
});

test("a validator that lost its vote log says below the table why it is silent, and until when", () => {
  const quarantine = "quarantined until view 12: its vote log was lost (it was deleted)";
  const lines = statusLines([report(0, { status: status({ quarantine }) })]);
  expect(lines[1]).toContain("validator-0  SILENT");
  expect(lines[2]).toBe(`validator-0 is ${quarantine}`);
});

test("whom the chain convicts stands below the table, as whoever is furthest knows it", () => {
  const reports = [
    report(0, { status: status({ convicted: Uint8Array.of(0, 0, 8, 0), height: 1_229 as Height }) }),
    report(1, { status: status({ convicted: Uint8Array.of(0, 0, 9, 64) }) }),
  ];
  expect(statusLines(reports).slice(3)).toEqual([
    "validator-2 is convicted by the chain: E1 double-notarize, E4 double-proposal (stoa evidence has the proof)",
    "validator-3 is convicted by the chain: E7 conflicting-certificates (stoa evidence has the proof)",
  ]);
  expect(reportsObject(reports).convictions).toEqual([
    { validator: "validator-2", offences: ["double-notarize", "double-proposal"] },
    { validator: "validator-3", offences: ["conflicting-certificates"] },
  ]);
});

test("a different module root is a difference, and named with both; equal and absent ones are none", () => {
  expect(differenceIn([report(0), report(1), report(2, { roots: undefined })])).toBeUndefined();
  const difference = differenceIn([report(0), report(1, { roots: rootsOf(6) })]);
  expect(difference).toMatch(/height 1228: validator-0 [0-9a-f]{16}, validator-1 [0-9a-f]{16}$/);
});

test("as an object it has every root in full", () => {
  const { validators } = reportsObject([report(0), report(1, { status: undefined, roots: undefined })]);
  expect(validators[0]).toMatchObject({
    name: "validator-0",
    answers: true,
    height: 1_230,
    executed: {
      height: 1_228,
      stateRoot: expect.stringMatching(/^[0-9a-f]{64}$/),
      resultsRoot: "09".repeat(32),
      moduleRoots: { ledger: "01".repeat(32), market: "05".repeat(32) },
    },
  });
  expect(validators[1]).toEqual({ name: "validator-1", answers: false });
});
