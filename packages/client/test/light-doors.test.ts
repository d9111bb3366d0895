/** A light client before doors that misbehave: each misbehaviour is named, and one honest door is enough. */
import { afterEach, beforeAll, expect, test } from "vitest";
import { activeEd25519 } from "@stoa/base/active-signature";
import { connect, type DoorConnection } from "@stoa/client/connect";
import { convictFork } from "@stoa/client/convict";
import type { ClientError } from "@stoa/client/failure";
import { openLightClient, type LightClient, type LightClientOptions } from "@stoa/client/light-client";
import type { NamedHeader } from "@stoa/client/verify-headers";
import { installNativeCrypto } from "@stoa/node/native-crypto";
import type { DoorReply } from "@stoa/protocol/door";
import { decodeEvidence, encodeEvidence, verifyEvidence } from "@stoa/protocol/finality/evidence";
import { finalityProofOf, type HeaderChain } from "@stoa/protocol/finality/proof";
import { headerDigest } from "@stoa/protocol/finality/header";
import { ledgerRecordKey } from "@stoa/protocol/state-record";
import { timeMs, view } from "@stoa/base/units";
import { certify, finalize, makeChain, openTestDoor, type LightRequest } from "./chain.ts";
import {
  eventsHeight,
  lateAccount,
  makeProvedWorld,
  orderNumber,
  orderPlaces,
  owner,
  type ProvedWorld,
} from "./proved-world.ts";
import { until } from "../../node/test/network.ts";

beforeAll(installNativeCrypto);

const world = makeProvedWorld();
const made = makeChain();
const chainId = world.trusted.chainId;
const cleanUp: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of cleanUp.splice(0).reverse()) await end();
});

type Behaviour = (request: LightRequest, honest: () => DoorReply) => DoorReply | undefined;

/** What an honest node at this height answers. */
function honestReply(own: ProvedWorld, at: number, request: LightRequest): DoorReply {
  const { id } = request;
  switch (request.kind) {
    case "headers": {
      const from = request.from ?? at;
      if (at < from) return { kind: "failure", id, reason: "not yet", retry: true };
      return { kind: "headers", id, chain: own.chainOf(from, Math.min(at, from + request.countMax - 1)) };
    }
    case "state":
      return { kind: "state", id, proof: own.stateProof(request.module, request.key, at - 1) };
    case "accountNumber":
      return { kind: "accountNumber", id, account: 1 };
    case "certificates":
      return { kind: "certificates", id, certificates: own.blocks.slice(0, at).flatMap((block) => block.certificates) };
    case "orderEvents": {
      const places = orderPlaces.filter((place) => request.from < eventsHeight || request.index <= place);
      const isIn = request.from <= eventsHeight && eventsHeight <= request.through && 0 < places.length;
      const proofs = isIn ? [own.eventsProof(eventsHeight, places)] : [];
      return { kind: "orderEvents", id, nextHeight: (request.through + 1) as never, nextIndex: 0, proofs };
    }
  }
}

async function openDoors(behaviours: readonly Behaviour[], at: () => number = () => 9): Promise<DoorConnection[]> {
  const doors = await Promise.all(
    behaviours.map(async (behave) => {
      const light = (request: LightRequest) => behave(request, () => honestReply(world, at(), request));
      return openTestDoor({ ...made, genesisBytes: world.genesisBytes }, { light });
    }),
  );
  const connections = doors.map(({ url }) => connect(url, { reconnectMsMin: 10, askAgainMs: 10 }));
  cleanUp.push(...doors.map(({ stop }) => stop), ...connections.map(({ close }) => close));
  return connections;
}

const honest: Behaviour = (_, reply) => reply();
/** Blocks of this world were made in 1970. */
const timeless = { ageMsMax: Number.POSITIVE_INFINITY, patienceMs: 100, timeoutMs: 3_000 };

interface Opened {
  readonly light: LightClient;
  readonly reports: ClientError[];
}

async function openLight(
  behaviours: readonly Behaviour[],
  options: Partial<LightClientOptions> & { readonly at?: () => number } = {},
): Promise<Opened> {
  const reports: ClientError[] = [];
  const doors = await openDoors(behaviours, options.at);
  const report = (error: ClientError): void => void reports.push(error);
  const light = await openLightClient({ trust: { chainId }, doors, report, ...timeless, ...options });
  return { light, reports };
}

const textOf = (reports: readonly ClientError[]): string =>
  reports.map(({ code, message }) => `${code}: ${message}`).join();

test("an honest door is believed", async () => {
  const { light, reports } = await openLight([honest]);
  const found = await light.state("ledger", ledgerRecordKey(1));
  expect(found).toMatchObject({ height: 8, header: { height: 9 } });
  expect(found.digest).toEqual(headerDigest(world.blocks[8]!.header));
  expect((await light.order(orderNumber)).value?.order.filledLots).toBe(8);
  const fills = await light.fills(orderNumber, { from: 1 });
  expect(fills).toMatchObject({ filledLots: 10, through: 8 });
  expect(fills.trades.map(({ event }) => event.trade)).toEqual([1, 2]);
  expect(reports).toEqual([]);
});

const lies: readonly (readonly [string, Behaviour, string])[] = [
  [
    "a record of its own",
    (_, reply) => {
      const honestly = reply();
      if (honestly.kind !== "state") return honestly;
      const record = honestly.proof.record?.slice();
      record?.set([1], record.length - 20);
      return { ...honestly, proof: { ...honestly.proof, record } };
    },
    "does not stand under the root",
  ],
  [
    "that there is no record",
    (_, reply) => {
      const honestly = reply();
      return honestly.kind === "state" ? { ...honestly, proof: { ...honestly.proof, record: undefined } } : honestly;
    },
    "does not stand under the root",
  ],
  [
    "another account's record",
    (request, reply) =>
      request.kind === "state"
        ? { kind: "state", id: request.id, proof: world.stateProof("ledger", ledgerRecordKey(2), 8) }
        : reply(),
    "another part of the state",
  ],
  [
    "a proof of another chain",
    (request, reply) =>
      request.kind === "state"
        ? { kind: "state", id: request.id, proof: makeProvedWorld("bls-multisig").stateProof("ledger", request.key, 8) }
        : reply(),
    "not final",
  ],
  [
    "an answer to another question",
    (request, reply) => (request.kind === "state" ? { kind: "accountNumber", id: request.id, account: 1 } : reply()),
    "another question",
  ],
];

test.each(lies)("a door that shows %s is named, and the honest one is believed (LIGHT-030)", async (_, lie, fact) => {
  const { light, reports } = await openLight([lie, honest]);
  expect((await light.state("ledger", ledgerRecordKey(1))).height).toBe(8);
  expect(textOf(reports)).toContain("dishonest");
  expect(textOf(reports)).toContain(fact);
  const alone = await openLight([lie]);
  await expect(alone.light.state("ledger", ledgerRecordKey(1))).rejects.toMatchObject({ code: "dishonest" });
});

test("an owner's account is the one whose record names him, whatever number a door says (LIGHT-011)", async () => {
  const { light } = await openLight([honest]);
  expect((await light.position({ owner }, 1)).value).toMatchObject({ sizeLots: 8 });
  const liar: Behaviour = (request, reply) =>
    request.kind === "accountNumber" ? { kind: "accountNumber", id: request.id, account: 2 } : reply();
  const lied = await openLight([liar]);
  await expect(lied.light.position({ owner }, 1)).rejects.toThrow("another's");
});

test("a door that has not executed yet what opened an account makes no liar of the one that has (LIGHT-011)", async () => {
  const behind: Behaviour = (request) =>
    request.kind === "accountNumber"
      ? { kind: "accountNumber", id: request.id, account: undefined }
      : honestReply(world, lateAccount.openedAt, request);
  const ahead: Behaviour = (request, reply) =>
    request.kind === "accountNumber"
      ? { kind: "accountNumber", id: request.id, account: lateAccount.account }
      : reply();
  const { light, reports } = await openLight([behind, ahead]);
  expect(light.head().header.height).toBe(lateAccount.openedAt);
  // What the second door proved the first must have reached: that it has no record of the account is too old.
  const found = await light.position({ owner: lateAccount.owner }, 1);
  expect(found).toMatchObject({ value: { sizeLots: 3 }, height: 8 });
  expect(textOf(reports)).toContain("stale");
  expect(textOf(reports)).not.toContain("dishonest");
});

test("an account that nobody has opened where its number was told is unavailable, not a lie (LIGHT-011)", async () => {
  const balanced: Behaviour = (request) =>
    request.kind === "accountNumber"
      ? { kind: "accountNumber", id: request.id, account: lateAccount.account }
      : honestReply(world, lateAccount.openedAt, request);
  const { light, reports } = await openLight([balanced]);
  const asked = light.position({ owner: lateAccount.owner }, 1);
  await expect(asked).rejects.toMatchObject({ code: "unavailable", message: expect.stringContaining("opened it yet") });
  expect(reports).toEqual([]);
});

test("a door that is behind what was proved before is asked again, and another is believed (LIGHT-031)", async () => {
  let at = 9;
  const late: Behaviour = (request) => honestReply(world, at - 3, request);
  const { light, reports } = await openLight([late, honest], { at: () => at });
  // The head comes from the first door, so only the second proof is older than what was proved.
  expect((await light.state("ledger", ledgerRecordKey(1))).height).toBe(5);
  const stop = light.follow(() => undefined);
  await until(() => light.head().header.height === 9, "the second door brings the head on");
  stop();
  expect((await light.state("ledger", ledgerRecordKey(1))).height).toBe(8);
  expect(textOf(reports)).toContain("stale: the state of height 5 is proved, and that of 8 was before");
  at = 12;
  expect((await light.state("ledger", ledgerRecordKey(1))).height).toBeGreaterThanOrEqual(8);
});

test("a chain whose newest header is old by the clock is not believed (LIGHT-031)", async () => {
  const [door] = await openDoors([honest]);
  const opening = openLightClient({ trust: { chainId }, doors: [door!], timeoutMs: 2_000 });
  await expect(opening).rejects.toMatchObject({ code: "stale" });
});

test("a door that says nothing costs its patience and no more (LIGHT-032)", async () => {
  const silent: Behaviour = () => undefined;
  const mute: Behaviour = (request, reply) =>
    request.kind === "state" ? ({ kind: "admitted", ids: [] } as never) : reply();
  const { light } = await openLight([mute, honest]);
  expect((await light.state("ledger", ledgerRecordKey(1))).height).toBe(8);
  const doors = await openDoors([mute]);
  const alone = await openLightClient({ trust: { chainId }, doors, ...timeless, timeoutMs: 500 });
  await expect(alone.state("ledger", ledgerRecordKey(1))).rejects.toThrow("within 500 ms");
  await expect(openLight([silent])).rejects.toMatchObject({ code: "unavailable" });
});

test("a door that leaves fills out is named where they do not add up (LIGHT-015)", async () => {
  const thief: Behaviour = (_, reply) => {
    const honestly = reply();
    if (honestly.kind !== "orderEvents" || honestly.proofs.length === 0) return honestly;
    return { ...honestly, proofs: [world.eventsProof(eventsHeight, orderPlaces.toSpliced(1, 1))] };
  };
  const { light, reports } = await openLight([thief, honest]);
  expect((await light.fills(orderNumber, { from: 1 })).filledLots).toBe(10);
  expect(textOf(reports)).toContain("events were left out");
  const outside: Behaviour = (request, reply) =>
    request.kind === "orderEvents"
      ? { ...honestReply(world, 9, request), ...{ proofs: [world.eventsProof(eventsHeight, orderPlaces)] } }
      : reply();
  const lied = await openLight([outside]);
  await expect(lied.light.fills(orderNumber, { from: 6 })).rejects.toThrow("where none was asked for");
  const endless: Behaviour = (request, reply) =>
    request.kind === "orderEvents"
      ? { kind: "orderEvents", id: request.id, nextHeight: request.from, nextIndex: request.index, proofs: [] }
      : reply();
  const stuck = await openLight([endless]);
  await expect(stuck.light.fills(orderNumber, { from: 1 })).rejects.toThrow("does not go on");
});

test("headers come from whichever door has them, and a door that brings others is dropped (LIGHT-020)", async () => {
  let at = 4;
  const wrong: Behaviour = (request, reply) => {
    if (request.kind !== "headers" || request.from === undefined) return reply();
    return { kind: "headers", id: request.id, chain: world.chainOf(2, 3) };
  };
  const { light, reports } = await openLight([wrong, honest], { at: () => at });
  const seen: NamedHeader[] = [];
  const stop = light.follow((header) => seen.push(header));
  at = 7;
  await until(() => light.head().header.height === 7, "the honest door brings the head on");
  at = 10;
  await until(() => light.head().header.height === 10, "and on");
  stop();
  expect(seen.map(({ header }) => header.height)).toEqual([5, 6, 7, 8, 9, 10]);
  expect(textOf(reports)).toContain("dishonest: headers from 2 where 5 was asked");
});

test("where all doors have pruned what follows, the newest header is taken by its certificate, and said so (LIGHT-022)", async () => {
  let at = 3;
  const pruned: Behaviour = (request, reply) =>
    request.kind === "headers" && request.from !== undefined && request.from < 9
      ? { kind: "failure", id: request.id, reason: "headers below 9 are pruned at this node", retry: false }
      : reply();
  const { light, reports } = await openLight([pruned], { at: () => at });
  at = 11;
  const seen: number[] = [];
  const stop = light.follow(({ header }) => seen.push(header.height));
  await until(() => light.head().header.height === 11, "the head is taken");
  stop();
  expect(seen).toEqual([11]);
  expect(textOf(reports)).toContain("pruned");
  const checkpoint = { height: 2, digest: headerDigest(world.blocks[1]!.header) };
  const cut: Behaviour = (request, reply) =>
    request.kind === "headers" && request.from === 2 ? reply() : pruned(request, reply);
  const bound = await openLight([cut], { trust: { checkpoint } });
  await expect(bound.light.state("ledger", ledgerRecordKey(1))).rejects.toThrow("pruned");
  expect(bound.light.head().header.height).toBe(2);
});

test("after a fork nothing is believed any more, and both proofs are in hand (LIGHT-023)", async () => {
  let at = 6;
  let forked = false;
  const forker: Behaviour = (request, reply) => {
    if (!forked || request.kind !== "headers") return reply();
    const chain: HeaderChain = { links: [], final: world.forkAt(7) };
    return { kind: "headers", id: request.id, chain };
  };
  const { light, reports } = await openLight([forker, honest], { at: () => at });
  const stop = light.follow(() => undefined);
  forked = true;
  at = 8;
  await until(() => reports.some(({ code }) => code === "fork"), "the fork is seen");
  stop();
  const fork = reports.find(({ code }) => code === "fork")!;
  expect(fork.message).toContain("more than a third of the stake is faulty");
  expect(fork.fork).toMatchObject({ height: 7, proofs: [{}, {}] });
  await expect(light.state("ledger", ledgerRecordKey(1))).rejects.toBe(fork);
  const [doors, judge] = [await openDoors([honest]), { ...world.trusted, verify: activeEd25519.verify }];
  const convictions = await convictFork(world.trusted, fork.fork!, doors);
  expect(convictions.map(({ offence }) => offence)).toMatchObject([
    { kind: "conflicting-certificates", at: { view: 10 }, guilty: [0, 2, 3] },
  ]);
  expect(verifyEvidence(judge, decodeEvidence(encodeEvidence(convictions[0]!.evidence))!).kind).toBe("guilty");
});

test("a fork over two views convicts by what the blocks of one side hold of the other's view (LIGHT-023)", async () => {
  const { trusted, blocks } = world;
  const final = finalityProofOf(blocks[6]!);
  // The other side gave the view of block 7 up, and made a block of that height final twenty views later.
  const header = { ...final.header, view: view(final.header.view + 20), timeMs: timeMs(9_999_999) };
  const theirs = { ...final, header, finalization: finalize(trusted, header, [0, 1, 3]) };
  const skip = certify(trusted, final.header, [0, 1, 2], "nullify");
  const forged = { ...skip, proof: skip.proof.with(3, skip.proof[3]! ^ 1), signers: Uint8Array.of(0b1101) as never };
  const side: Behaviour = (request, reply) =>
    request.kind === "certificates"
      ? { kind: "certificates", id: request.id, certificates: [forged, skip, theirs.finalization] }
      : reply();
  const fork = { height: 7, proofs: [final, theirs] };
  expect(await convictFork(trusted, fork, await openDoors([honest]))).toEqual([]);
  const convictions = await convictFork(trusted, fork, await openDoors([honest, side]));
  expect(convictions.map(({ offence }) => offence)).toMatchObject([
    { kind: "conflicting-certificates", at: { view: final.header.view }, guilty: [0, 2] },
  ]);
});

test("from a checkpoint on a certificate is not enough: what proves a value must be linked to it (LIGHT-021)", async () => {
  /** As whoever has the keys of enough validators can: true records under another final header. */
  const forger: Behaviour = (_, reply) => {
    const honestly = reply();
    if (honestly.kind !== "state") return honestly;
    return { ...honestly, proof: { ...honestly.proof, executed: world.forkAt(9) } };
  };
  const checkpoint = { height: 3, digest: headerDigest(world.blocks[2]!.header) };
  const { light } = await openLight([honest], { trust: { checkpoint } });
  expect(light.head().header.height).toBe(3);
  const seen: number[] = [];
  const stop = light.follow(({ header }) => seen.push(header.height));
  expect((await light.state("ledger", ledgerRecordKey(1))).height).toBe(8);
  expect((await light.fills(orderNumber, { from: 1 })).filledLots).toBe(10);
  stop();
  expect(light.head().header.height).toBe(9);
  expect(seen).toEqual([4, 5, 6, 7, 8, 9]);
  const late = { height: 8, digest: headerDigest(world.blocks[7]!.header) };
  const younger = await openLight([honest], { trust: { checkpoint: late } });
  await expect(younger.light.fills(orderNumber, { from: 1, through: 8 })).rejects.toThrow("linked to the checkpoint");
  const deceived = await openLight([forger], { trust: { checkpoint } });
  await expect(deceived.light.state("ledger", ledgerRecordKey(1))).rejects.toMatchObject({ code: "fork" });
});
