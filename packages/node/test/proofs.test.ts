/** Proofs as a node makes them: of the state as it is now, handed out when a final header carries its roots; bounded in every way. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { encode } from "@stoa/base/codec";
import { zeroDigest } from "@stoa/base/hash";
import { limits } from "@stoa/base/limits";
import type { Height, TimeMs, View } from "@stoa/base/units";
import { finalBlock, type FinalBlock } from "@stoa/protocol/block";
import type { CommandBody } from "@stoa/protocol/command";
import { decodeDoorReply, type DoorReply, type ProofRequest } from "@stoa/protocol/door";
import type { EventsProof } from "@stoa/protocol/events-proof";
import { headerDigest, type Header } from "@stoa/protocol/finality/header";
import { certifiersOf } from "@stoa/protocol/finality/scheme";
import { consensusSignBytes } from "@stoa/protocol/finality/vote";
import { chainIdOf } from "@stoa/protocol/genesis";
import { encodePayload, payloadDigest } from "@stoa/protocol/payload";
import type { ValidatorIndex } from "@stoa/protocol/primitives";
import { ledgerRecordKey, modules } from "@stoa/protocol/state-record";
import { trustGenesis } from "@stoa/client/trust";
import { isDisbelief } from "@stoa/client/verify";
import { verifyOrderEvents, type ProvedEvent } from "@stoa/client/verify-events";
import { finalityFault, linkHeaders } from "@stoa/client/verify-headers";
import { verifyState } from "@stoa/client/verify-state";
import { encodeGenesis } from "@stoa/protocol/genesis";
import { openCommit, type Commit } from "../src/commit.ts";
import { storageDefaults } from "../src/config.ts";
import { createProofs, type Proofs } from "../src/proofs.ts";
import { limitOrder, signCommand, testChain, testFolder } from "./network.ts";

const { genesis, validatorSeeds, accountSeeds } = testChain();
const chainId = chainIdOf(genesis);
const { set, scheme } = certifiersOf(genesis);
const trusted = trustGenesis(encodeGenesis(genesis), chainId);

let folder: ReturnType<typeof testFolder>;
let commit: Commit;
let proofs: Proofs;
let nowMs: number;
let parent: Header | undefined;
beforeEach(() => {
  folder = testFolder();
  nowMs = 0;
  parent = undefined;
  commit = openCommit({
    folder: folder.path,
    genesis,
    ...storageDefaults,
    report: () => undefined,
  });
  proofs = createProofs(commit, () => nowMs);
});
afterEach(() => {
  commit.close();
  folder.remove();
});

function finalized(header: Header): FinalBlock["certificates"] {
  const digest = headerDigest(header);
  const message = consensusSignBytes({ kind: "finalize", chainId, epoch: 0, view: header.view, digest });
  const votes = [0, 1, 2].map((signer) => ({
    kind: "finalize" as const,
    epoch: 0,
    view: header.view,
    signer: signer as ValidatorIndex,
    signature: scheme.signVote(message, validatorSeeds[signer]!),
    digest,
  }));
  return [scheme.assemble(set, votes)];
}

/** Adds a final block with orders by accounts, whose header carries the roots of `executed`. */
function add(bodies: readonly (readonly [account: number, body: CommandBody])[], executed: number): void {
  const own = commit.height() + 1;
  const commands = bodies.map(([account, body]) => signCommand(genesis, accountSeeds[account]!, body));
  const payload = commands.length === 0 ? new Uint8Array(0) : encodePayload(commands);
  const header: Header = {
    chainId,
    epoch: 0,
    view: own as View,
    height: own as Height,
    parentView: (own - 1) as View,
    parentDigest: parent === undefined ? zeroDigest : headerDigest(parent),
    proposer: 0 as ValidatorIndex,
    timeMs: (genesis.timeMs + 10 * own) as TimeMs,
    payload:
      payload.length === 0
        ? { form: "none", size: 0, digest: zeroDigest }
        : { form: "inline", size: payload.length, digest: payloadDigest(payload) },
    tips: [],
    ranges: [],
    executed: commit.rootsAt(executed)!,
    evidence: [],
    convicted: new Uint8Array(0),
    nextEpoch: undefined,
    seal: undefined,
  };
  const block: FinalBlock = { header, descendants: [], certificates: finalized(header), payload };
  commit.apply(block, encode(finalBlock, block), new Uint8Array(Math.ceil(commands.length / 8)).fill(0xff));
  parent = header;
  proofs.executed(block);
}

const sell = (account: number, sizeLots: number) =>
  [account, limitOrder({ instrument: 1, side: "sell", priceTicks: 121_000, sizeLots })] as const;
const buy = (account: number, sizeLots: number) =>
  [account, limitOrder({ instrument: 1, side: "buy", priceTicks: 121_000, sizeLots })] as const;

/** The reply, if there is one already. */
function asked(request: ProofRequest, asker = 1): () => DoorReply | undefined {
  let reply: DoorReply | undefined;
  proofs.ask(request, (encoded) => (reply = decodeDoorReply(encoded)), asker);
  return () => reply;
}

const ledgerOne = { module: "ledger", key: ledgerRecordKey(1) } as const;
const stateOf = (id: number): ProofRequest => ({ kind: "state", id, ...ledgerOne });
const heightOf = (reply: DoorReply | undefined): number | string | undefined => {
  if (reply?.kind !== "state") return reply?.kind === "failure" ? reply.reason : undefined;
  const verified = verifyState(trusted, reply.proof, ledgerOne);
  return isDisbelief(verified) ? verified.fact : verified.header.executed.height;
};

test("of a module that has not changed since the newest carried roots, at once (LIGHT-033)", () => {
  for (let own = 1; own <= 5; own++) add([], Math.max(0, own - 3));
  const reply = asked(stateOf(1));
  expect(heightOf(reply())).toBe(2);
});

test("of one that has, when a final header carries its root; not older than the question (LIGHT-033)", () => {
  add([], 0);
  add([sell(0, 5)], 0);
  add([buy(1, 5)], 0);
  const reply = asked(stateOf(1));
  expect(reply()).toBeUndefined();
  add([], 1);
  add([], 2);
  expect(reply()).toBeUndefined();
  add([], 3);
  expect(heightOf(reply())).toBe(3);
});

test("though it changes with every block, and headers pass heights over (LIGHT-033)", () => {
  const trade = (): void => add([sell(0, 1), buy(1, 1)], Math.max(0, commit.height() - 3));
  for (let count = 0; count < 4; count++) trade();
  const reply = asked(stateOf(1));
  add([sell(0, 1), buy(1, 1)], 1);
  add([sell(0, 1), buy(1, 1)], 1);
  expect(reply()).toBeUndefined();
  // The header leaves height 4 out, at which the question was asked.
  add([sell(0, 1), buy(1, 1)], 6);
  expect(heightOf(reply())).toBe(6);
});

test("whoever waits in vain is told to ask again, and only so many may wait (LIGHT-033)", () => {
  add([sell(0, 1), buy(1, 1)], 0);
  const replies = Array.from({ length: 129 }, (_, id) => asked(stateOf(id), id));
  expect(heightOf(replies[128]!())).toContain("too many wait");
  expect(replies.slice(0, 128).every((reply) => reply() === undefined)).toBe(true);
  nowMs = 9_999;
  proofs.executed(undefined);
  expect(replies[0]!()).toBeUndefined();
  nowMs = 10_000;
  proofs.executed(undefined);
  for (const [id, reply] of replies.entries()) expect(reply()).toMatchObject({ kind: "failure", id, retry: true });
});

test("nobody takes more of the places to wait in than he leaves to others (LIGHT-033)", () => {
  add([sell(0, 1), buy(1, 1)], 0);
  const waitingOf = (asker: number): number =>
    Array.from({ length: 100 }, (_, id) => asked(stateOf(id), asker)).filter((reply) => reply() === undefined).length;
  expect([1, 2, 3, 4].map(waitingOf)).toEqual([64, 32, 16, 8]);
  expect(asked(stateOf(1), 5)()).toBeUndefined();
});

test("one asker who uses all the time there is leaves another his share; receipts count, too (LIGHT-035)", () => {
  for (let own = 1; own <= 5; own++) add([], Math.max(0, own - 3));
  const greedy = (): unknown => proofs.within(() => (nowMs += 30), 1);
  const honest = (): string | undefined => asked(stateOf(1), 2)()?.kind;
  while (greedy() !== undefined);
  // He was alone until now.
  expect(honest()).toBe("failure");
  for (let window = 1; window <= 10; window++) {
    nowMs = 1_200 * window;
    while (greedy() !== undefined);
    expect(honest()).toBe("state");
  }
});

test("take at most a tenth of the thread's time (LIGHT-035)", () => {
  add([], 0);
  const slow = {
    ...commit,
    prove: (...wanted: Parameters<Commit["prove"]>) => ((nowMs += 30), commit.prove(...wanted)),
  };
  proofs = createProofs(slow, () => nowMs);
  const replies = Array.from({ length: 6 }, (_, id) => asked(stateOf(id))());
  expect(replies.map((reply) => reply?.kind)).toEqual(["state", "state", "state", "state", "failure", "failure"]);
  expect(replies[5]).toMatchObject({ retry: true, reason: expect.stringContaining("busy") });
  nowMs += 1_000;
  expect(asked(stateOf(9))()?.kind).toBe("state");
});

test("headers come as a chain from the height that was asked for, or with the block that is waited for (LIGHT-024)", () => {
  for (let own = 1; own <= 70; own++) add([], 0);
  const first = asked({ kind: "headers", id: 1, from: 3 as Height, countMax: 64 })();
  if (first?.kind !== "headers") throw new Error("no headers");
  expect(first.chain.links.length).toBe(limits.repairItemsCountMax - 1);
  expect(isDisbelief(linkHeaders(first.chain))).toBe(false);
  expect(first.chain.final.header.height).toBe(3 + limits.repairItemsCountMax - 1);
  expect(finalityFault(trusted, first.chain.final)).toBeUndefined();
  const few = asked({ kind: "headers", id: 2, from: 3 as Height, countMax: 2 })();
  expect(few).toMatchObject({ chain: { links: [{ height: 3 }], final: { header: { height: 4 } } } });
  const newest = asked({ kind: "headers", id: 2, from: undefined, countMax: 0 })();
  expect(newest).toMatchObject({ id: 2, chain: { links: [], final: { header: { height: 70 } } } });
  const waiting = [
    asked({ kind: "headers", id: 3, from: 71 as Height, countMax: 64 }),
    asked({ kind: "headers", id: 4, from: 71 as Height, countMax: 64 }),
  ];
  const later = asked({ kind: "headers", id: 5, from: 72 as Height, countMax: 64 });
  expect(waiting[0]!()).toBeUndefined();
  add([], 0);
  expect(waiting.map((reply) => reply())).toMatchObject([
    { kind: "headers", id: 3, chain: { final: { header: { height: 71 } } } },
    { kind: "headers", id: 4, chain: { final: { header: { height: 71 } } } },
  ]);
  expect(later()).toBeUndefined();
  add([], 0);
  expect(later()).toMatchObject({ id: 5, chain: { links: [], final: { header: { height: 72 } } } });
});

test("the events of an order are found in the heights that were asked for, and a full answer goes on (LIGHT-034)", () => {
  add([sell(0, 2_000)], 0);
  for (let own = 2; own <= 8; own++)
    add(
      Array.from({ length: 150 }, () => buy(1, 1)),
      Math.max(0, own - 3),
    );
  for (let count = 0; count < 4; count++) add([], commit.height() - 2);
  const found: ProvedEvent[] = [];
  let [from, index, answers] = [1, 0, 0];
  while (from <= 9) {
    const request = {
      kind: "orderEvents",
      id: 1,
      order: 1,
      from: from as Height,
      index,
      through: 9 as Height,
    } as const;
    const reply = asked(request)();
    if (reply?.kind !== "orderEvents") throw new Error(JSON.stringify(reply));
    for (const proof of reply.proofs) found.push(...eventsOf(proof));
    [from, index] = [reply.nextHeight, reply.nextIndex];
    answers++;
    nowMs += 1_000;
  }
  const trades = found.filter(({ event }) => event.kind === "trade");
  expect(trades.length).toBe(7 * 150);
  expect(new Set(found.map(({ height, index: place }) => `${height}/${place}`)).size).toBe(found.length);
  expect(answers).toBeGreaterThan(3);
  const ahead = asked({ kind: "orderEvents", id: 1, order: 1, from: 12 as Height, index: 0, through: 12 as Height })();
  expect(ahead).toMatchObject({ kind: "failure", retry: true });
});

function eventsOf(proof: EventsProof): readonly ProvedEvent[] {
  const verified = verifyOrderEvents(trusted, proof, 1);
  if (isDisbelief(verified)) throw new Error(verified.fact);
  return verified;
}

test("the certificates of blocks are shown, of so many heights (LIGHT-023)", () => {
  for (let own = 1; own <= 20; own++) add([], 0);
  const reply = asked({ kind: "certificates", id: 1, from: 3 as Height, through: 99 as Height })();
  expect(reply?.kind === "certificates" && reply.certificates.map(({ view }) => view as number)).toEqual(
    Array.from({ length: 16 }, (_, index) => 3 + index),
  );
  expect(asked({ kind: "certificates", id: 1, from: 9 as Height, through: 8 as Height })()).toMatchObject({
    certificates: [],
  });
});

test("events of heights that no header names are proved through the heights around them (LIGHT-014)", () => {
  add([sell(0, 100)], 0);
  for (let own = 2; own <= 6; own++) add([buy(1, 1)], 0);
  add([], 5);
  const request = { kind: "orderEvents", id: 1, order: 1, from: 3 as Height, index: 0, through: 4 as Height } as const;
  const reply = asked(request)();
  if (reply?.kind !== "orderEvents") throw new Error(JSON.stringify(reply));
  expect(reply.proofs.map(({ height, eventsRootsAfter }) => [height, eventsRootsAfter.length])).toEqual([
    [3, 2],
    [4, 1],
  ]);
  expect(reply.proofs.flatMap(eventsOf).map(({ height, event }) => [height, event.kind])).toEqual([
    [3, "trade"],
    [3, "order"],
    [4, "trade"],
    [4, "order"],
  ]);
});

test("a search that takes long ends with the height that it has come to (LIGHT-034)", () => {
  for (let own = 1; own <= 9; own++) add([], Math.max(0, own - 2));
  const slow = { ...commit, encodedEventsAt: (height: number) => ((nowMs += 8), commit.encodedEventsAt(height)) };
  proofs = createProofs(slow, () => nowMs);
  const reply = asked({ kind: "orderEvents", id: 1, order: 1, from: 1 as Height, index: 0, through: 7 as Height })();
  expect(reply).toMatchObject({ kind: "orderEvents", nextHeight: 4, nextIndex: 0 });
});

test("other work for whoever asks shares the time of proofs, and is not done beyond it (NET-064)", () => {
  add([], 0);
  const receipt = (): string | undefined => proofs.within(() => ((nowMs += 40), "a receipt"), 1);
  expect([1, 2, 3, 4].map(receipt)).toEqual(["a receipt", "a receipt", "a receipt", undefined]);
  const waited = asked({ kind: "headers", id: 1, from: undefined, countMax: 1 });
  expect(waited()).toMatchObject({ kind: "failure", retry: true });
  nowMs += 1_000;
  expect(receipt()).toBe("a receipt");
});

test("what is no record of a module is proved absent, and an account's number is told", () => {
  for (let own = 1; own <= 4; own++) add([], 0);
  const key = new Uint8Array(limits.merkleKeySizeMax);
  const replies = modules.map((module) => asked({ kind: "state", id: 1, module, key }));
  // The market moves with every block: its roots come with a later header.
  for (let count = 0; count < 4; count++) add([], commit.height() - 2);
  for (const waited of replies) {
    const reply = waited();
    if (reply?.kind !== "state") throw new Error("no proof");
    expect(verifyState(trusted, reply.proof, reply.proof)).toMatchObject({ record: undefined });
  }
  const owner = genesis.balances[2]!.account;
  expect(asked({ kind: "accountNumber", id: 1, owner, subaccount: 0 })()).toMatchObject({ account: 3 });
  expect(asked({ kind: "accountNumber", id: 1, owner, subaccount: 1 })()).toMatchObject({ account: undefined });
});
