import { describe, expect, test } from "vitest";
import type { Digest } from "@stoa/base/hash";
import type { TimeMs } from "@stoa/base/units";
import { commandDigest } from "@stoa/protocol/command";
import { decodeDoorRequest, type DoorRequest } from "@stoa/protocol/door";
import type { Event } from "@stoa/protocol/event";
import { createSubmissions, type ExecutedBlock } from "../src/submissions.ts";
import { limitOrder, signCommand, testChain } from "./network.ts";

const { genesis, accountSeeds } = testChain();
const order = limitOrder({ instrument: 1, side: "buy", priceTicks: 120_000 });
const signed = (expiresAtMs = Date.now() + 60_000): Uint8Array =>
  signCommand(genesis, accountSeeds[0]!, order, { expiresAtMs: expiresAtMs as TimeMs });
const noDigests = new Uint8Array(0);
const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function answerTo(encoded: Uint8Array): Event {
  return { kind: "accepted", command: commandDigest(encoded), account: 1, part: 0, count: 0 };
}
const blockOf = (height: number, timeMs: number, events: readonly Event[] = []): ExecutedBlock => ({
  height,
  timeMs,
  digest: new Uint8Array(32) as Digest,
  events,
  finalMs: timeMs,
});

/** Submissions over three doors that remember what they were given. */
function setUp() {
  const up = new Set([0, 1, 2]);
  const given: { door: number; request: DoorRequest }[] = [];
  const blocks = new Map<number, ExecutedBlock>();
  const submissions = createSubmissions({
    connected: () => ({ doors: [...up], everyone: up.size === 3 }),
    send(door, request) {
      if (!up.has(door)) return false;
      given.push({ door, request: decodeDoorRequest(request)! });
      return true;
    },
    executedAt: (height) => blocks.get(height),
  });
  return { submissions, up, given, blocks };
}

describe("submitted commands", () => {
  test("go to every door, those of one turn in one frame", async () => {
    const { submissions, given } = setUp();
    const commands = [signed(), signed(), signed()];
    for (const one of commands) void submissions.submit(one);
    await nextTurn();
    expect(given.map(({ door }) => door)).toEqual([0, 1, 2]);
    const { request } = given[0]!;
    expect(request.kind === "submitToAll" && request.commands.map(({ command }) => command)).toEqual(commands);
  });

  test("go one by one, to be passed on, when a validator's door is not there", async () => {
    const { submissions, up, given } = setUp();
    up.delete(1);
    void submissions.submit(signed());
    await nextTurn();
    expect(given.map(({ door, request }) => `${door} ${request.kind}`)).toEqual(["0 submit", "2 submit"]);
    up.add(1);
    submissions.doorUp(1);
    expect(given.at(-1)).toMatchObject({ door: 1, request: { kind: "submit" } });
  });

  test("are final with the events of their block, also when they are submitted again", async () => {
    const { submissions, blocks } = setUp();
    const encoded = signed();
    const outcome = submissions.submit(encoded);
    expect(submissions.submit(encoded)).toBe(outcome);
    const block = blockOf(7, Date.now(), [answerTo(signed()), answerTo(encoded)]);
    blocks.set(7, block);
    submissions.executed(block, commandDigest(encoded));
    expect(await outcome).toEqual({ kind: "final", block, events: [answerTo(encoded)] });
    expect(await submissions.submit(encoded)).toEqual(await outcome);
    submissions.executed(blockOf(8, Date.now()), commandDigest(encoded));
    expect(await submissions.submit(encoded)).toEqual(await outcome);
    expect(submissions.count()).toBe(0);
  });

  test("are refused only when every door that got them has refused", async () => {
    const { submissions, given } = setUp();
    const outcome = submissions.submit(signed());
    await nextTurn();
    const { request } = given[0]!;
    const id = request.kind === "submitToAll" ? request.commands[0]!.id : -1;
    submissions.answered(0, id, "mempool-full");
    submissions.answered(2, id, "account-quota");
    await nextTurn();
    expect(submissions.count()).toBe(1);
    submissions.answered(1, id, "mempool-full");
    expect(await outcome).toEqual({ kind: "refused", refusal: "mempool-full" });
  });

  test("are not refused for a nonce that may be their own, once they were given twice", async () => {
    const { submissions, up, given, blocks } = setUp();
    const idOf = ({ request }: { readonly request: DoorRequest }): number =>
      request.kind === "submitToAll" ? request.commands[0]!.id : request.kind === "submit" ? request.id : -1;
    const encoded = signed();
    const outcome = submissions.submit(encoded);
    await nextTurn();
    // Door 1 comes back: it has executed the command meanwhile and forgotten its name.
    submissions.doorUp(1);
    for (const door of up) submissions.answered(door, idOf(given[0]!), "nonce-reused");
    await nextTurn();
    expect(submissions.count()).toBe(1);
    const block = blockOf(3, Date.now(), [answerTo(encoded)]);
    blocks.set(3, block);
    submissions.executed(block, commandDigest(encoded));
    expect(await outcome).toMatchObject({ kind: "final" });

    const other = submissions.submit(signed());
    await nextTurn();
    for (const door of up) submissions.answered(door, idOf(given.at(-1)!), "nonce-too-old");
    expect(await other).toEqual({ kind: "refused", refusal: "nonce-too-old" });
  });

  test("expire by the time of a block, not by a clock", async () => {
    const { submissions } = setUp();
    const nowMs = Date.now();
    const outcome = submissions.submit(signed(nowMs + 100));
    submissions.executed(blockOf(1, nowMs + 100), noDigests);
    expect(submissions.count()).toBe(1);
    submissions.executed(blockOf(2, nowMs + 1_000), noDigests);
    expect(await outcome).toEqual({ kind: "expired" });
    expect(await submissions.submit(signed(nowMs + 500))).toEqual({ kind: "expired" });
  });

  test("wait when there is no door at all, and go out when one comes", async () => {
    const { submissions, up, given } = setUp();
    up.clear();
    void submissions.submit(signed());
    await nextTurn();
    expect(given).toEqual([]);
    up.add(2);
    submissions.doorUp(2);
    expect(given).toHaveLength(1);
  });
});
