/** Commands through several doors, honest and not: one proved answer, whatever a minority does. */
import { afterEach, beforeAll, describe, expect, test } from "vitest";
import { connect, type DoorConnection } from "@stoa/client/connect";
import { ClientError } from "@stoa/client/failure";
import { followChain, type ChainFollower } from "@stoa/client/follow";
import { createNonces, signCommand, type SignedCommand } from "@stoa/client/sign";
import { submitCommand, type Answer } from "@stoa/client/submit";
import type { Receipt } from "@stoa/protocol/door";
import { encodeEvent, type Event } from "@stoa/protocol/event";
import { finalityProofOf } from "@stoa/protocol/finality/proof";
import { installNativeCrypto } from "@stoa/node/native-crypto";
import { makeBlock, makeChain, openTestDoor, seedOf, type Door, type DoorBehaviour, type MadeChain } from "./chain.ts";

beforeAll(installNativeCrypto);

const cleanUp: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of cleanUp.splice(0).reverse()) await end();
});

interface World {
  readonly chain: MadeChain;
  readonly doors: readonly Door[];
  readonly connections: readonly DoorConnection[];
  readonly follower: ChainFollower;
  readonly reports: ClientError[];
  readonly publish: () => void;
}

const quick = { reconnectMsMin: 10, reconnectMsMax: 50, askAgainMs: 10 };

async function openWorld(behaviours: (chain: MadeChain) => readonly DoorBehaviour[], from = 1): Promise<World> {
  const chain = makeChain();
  const doors = await Promise.all(behaviours(chain).map((behaviour) => openTestDoor(chain, behaviour)));
  const connections = doors.map(({ url }) => connect(url, quick));
  const reports: ClientError[] = [];
  const follower = followChain({
    chain: chain.trusted,
    doors: connections,
    from,
    report: (error) => reports.push(error),
  });
  cleanUp.push(...doors.map(({ stop }) => stop), ...connections.map(({ close }) => close), follower.stop);
  return { chain, doors, connections, follower, reports, publish: () => doors.forEach((door) => door.publish()) };
}

const nonces = createNonces(1n);

function signOne(chain: MadeChain, expiresAtMs = 9_000_000): SignedCommand {
  const content = { nonce: nonces(), expiresAtMs, body: { kind: "cancel", order: 7 } as const };
  return signCommand({ chainId: chain.chainId, seed: seedOf(9) }, content);
}

const accepted = ({ digest }: SignedCommand): Event => ({
  kind: "accepted",
  command: digest,
  account: 1,
  part: 0,
  count: 1,
});
const repeated = ({ digest }: SignedCommand): Event => {
  return { kind: "refused", command: digest, account: 1, part: 0, reason: "nonce-reused", limit: undefined };
};

function submitIn(world: World, signed: SignedCommand): Promise<Answer> {
  const { chain, connections, follower, reports } = world;
  return submitCommand(signed, {
    chain: chain.trusted,
    doors: connections,
    follower,
    report: (error) => reports.push(error),
  });
}

async function eventually(condition: () => boolean): Promise<void> {
  for (let attempt = 0; attempt < 500 && !condition(); attempt++)
    await new Promise((resolve) => setTimeout(resolve, 5));
  expect(condition()).toBe(true);
}

/** The command becomes final in the next block, and a block after it carries the roots. */
function finalize(world: World, commands: readonly Uint8Array[], events: readonly Event[]): void {
  world.chain.add(commands, events);
  world.chain.add([]);
  world.publish();
}

describe("submitting", () => {
  test("gives the proved events of the command", async () => {
    const world = await openWorld(() => [{}, {}]);
    const signed = signOne(world.chain);
    const answer = submitIn(world, signed);
    await eventually(() => world.doors.every((door) => door.requests.some(({ kind }) => kind === "submit")));
    finalize(world, [signOne(world.chain).encoded, signed.encoded], [accepted(signed)]);
    expect(await answer).toMatchObject({ kind: "final", receipt: { index: 1, events: [accepted(signed)] } });
    expect(world.reports).toEqual([]);
  });

  test("again, in the same process or in a later one, gives the same answer", async () => {
    const world = await openWorld(() => [{}]);
    const signed = signOne(world.chain);
    const first = submitIn(world, signed);
    await eventually(() => world.doors[0]!.requests.some(({ kind }) => kind === "submit"));
    finalize(world, [signed.encoded], [accepted(signed)]);
    const answer = await first;
    finalize(world, [], []);
    expect(await submitIn(world, signed)).toEqual(answer);
    const connection = connect(world.doors[0]!.url, quick);
    const follower = followChain({ chain: world.chain.trusted, doors: [connection], from: 4 });
    cleanUp.push(connection.close, follower.stop);
    expect(await submitCommand(signed, { chain: world.chain.trusted, doors: [connection], follower })).toEqual(answer);
  });

  test("to nodes that all refuse says so", async () => {
    const world = await openWorld(() => [{ submit: () => "mempool-full" }, { submit: () => "account-quota" }]);
    const answer = await submitIn(world, signOne(world.chain));
    expect(answer.kind === "refused" && [...answer.refusals].sort()).toEqual(["account-quota", "mempool-full"]);
  });

  test("to nodes that find its nonce used says that, and not that it had no effect", async () => {
    const world = await openWorld(() => [{ submit: () => "nonce-reused" }, { submit: () => "nonce-too-old" }]);
    const answer = await submitIn(world, signOne(world.chain));
    expect(answer.kind === "nonce-taken" && [...answer.refusals].sort()).toEqual(["nonce-reused", "nonce-too-old"]);
  });

  test("whose nonce is used by itself gives its receipt, when a node still has it", async () => {
    const world = await openWorld(() => [{ submit: () => "nonce-reused" }, { submit: () => "mempool-full" }]);
    const signed = signOne(world.chain);
    const answer = submitIn(world, signed);
    await eventually(() => world.doors.every((door) => door.requests.some(({ kind }) => kind === "submit")));
    finalize(world, [signed.encoded], [accepted(signed)]);
    expect(await answer).toMatchObject({ kind: "final", receipt: { events: [accepted(signed)] } });
  });

  test("ends as expired when block time passes without the command", async () => {
    const world = await openWorld(() => [{ submit: () => "expired" }]);
    const answer = submitIn(world, signOne(world.chain, 1_001_500));
    world.chain.add([]);
    world.publish();
    await eventually(() => world.follower.last()?.header.height === 1);
    finalize(world, [], []);
    expect(await answer).toEqual({ kind: "expired", from: 1 });
  });

  test("survives connections that are cut", async () => {
    const world = await openWorld(() => [{}]);
    const signed = signOne(world.chain);
    const answer = submitIn(world, signed);
    await eventually(() => world.doors[0]!.requests.some(({ kind }) => kind === "submit"));
    world.doors[0]!.cut();
    world.chain.add([signed.encoded], [accepted(signed)]);
    world.doors[0]!.cut();
    world.chain.add([]);
    expect(await answer).toMatchObject({ kind: "final", receipt: { index: 0 } });
    expect(world.follower.last()?.header.height).toBe(2);
  });

  test("fails with the reason when every door has lost the block", async () => {
    const world = await openWorld(() => [{ receipt: () => "never" }]);
    await expect(submitIn(world, signOne(world.chain))).rejects.toMatchObject({ code: "unavailable" });
  });

  test("fails as closed when the connections are closed by their owner", async () => {
    const world = await openWorld(() => [{}]);
    const answer = submitIn(world, signOne(world.chain));
    world.connections[0]!.close();
    await expect(answer).rejects.toMatchObject({ code: "closed" });
  });
});

describe("a door that lies", () => {
  test("about the events is named, and the honest one is believed", async () => {
    let signed: SignedCommand | undefined;
    const lie = (chain: MadeChain): Receipt | undefined => {
      const honest = signed === undefined ? undefined : chain.receiptOf(signed.encoded);
      return honest && { ...honest, events: [encodeEvent({ ...accepted(signed!), account: 2 } as Event)] };
    };
    const world = await openWorld((chain) => [{ receipt: () => lie(chain) }, { submit: () => "stopping" }]);
    signed = signOne(world.chain);
    const answer = submitIn(world, signed);
    await eventually(() => world.doors[1]!.requests.some(({ kind }) => kind === "submit"));
    finalize(world, [signed.encoded], [accepted(signed)]);
    expect(await answer).toMatchObject({ kind: "final", receipt: { events: [accepted(signed)] } });
    await eventually(() =>
      world.reports.some(({ code, door }) => code === "dishonest" && door === world.doors[0]!.url),
    );
  });

  test("by showing a later repetition is not believed", async () => {
    const world = await openWorld(() => [{}]);
    const signed = signOne(world.chain);
    const answer = submitIn(world, signed);
    await eventually(() => world.doors[0]!.requests.some(({ kind }) => kind === "submit"));
    world.chain.add([signed.encoded], [accepted(signed)]);
    world.chain.add([signed.encoded], [repeated(signed)]);
    world.chain.add([]);
    const later = world.chain.receiptOf(signed.encoded)!;
    const [, second, third] = world.chain.blocks;
    const lie = { ...later, block: second!, events: world.chain.eventsAt.get(2)!, executed: finalityProofOf(third!) };
    const liar = await openTestDoor(world.chain, { receipt: () => lie });
    const connection = connect(liar.url, quick);
    cleanUp.push(liar.stop, connection.close);
    world.publish();
    const { trusted } = world.chain;
    const alone = submitCommand(signed, { chain: trusted, doors: [connection], follower: world.follower });
    await expect(alone).rejects.toMatchObject({ code: "dishonest" });
    expect(await answer).toMatchObject({ kind: "final", receipt: { events: [accepted(signed)] } });
  });

  test("about a command of before is not believed when all it shows is that the nonce was used", async () => {
    const world = await openWorld(() => [{}]);
    const signed = signOne(world.chain);
    world.chain.add([signed.encoded], [accepted(signed)]);
    world.chain.add([signed.encoded], [repeated(signed)]);
    world.chain.add([]);
    const [, second, third] = world.chain.blocks;
    const honest = world.chain.receiptOf(signed.encoded)!;
    const lie = { ...honest, block: second!, events: world.chain.eventsAt.get(2)!, executed: finalityProofOf(third!) };
    const liar = await openTestDoor(world.chain, { receipt: () => lie });
    const connection = connect(liar.url, quick);
    const follower = followChain({ chain: world.chain.trusted, doors: [connection], from: 3 });
    cleanUp.push(liar.stop, connection.close, follower.stop);
    const answer = submitCommand(signed, { chain: world.chain.trusted, doors: [connection], follower });
    await expect(answer).rejects.toMatchObject({ code: "dishonest" });
  });

  test("about blocks is dropped, and following goes on", async () => {
    const world = await openWorld((chain) => [
      {
        blocks: () =>
          chain.blocks.map((block, index) =>
            index === 1
              ? makeBlock({
                  trusted: chain.trusted,
                  parent: undefined,
                  commands: [],
                  signers: [0, 1],
                })
              : block,
          ),
      },
      {},
    ]);
    const heights: number[] = [];
    world.follower.watch(({ header }) => heights.push(header.height));
    world.chain.add([]);
    world.chain.add([]);
    world.chain.add([]);
    world.publish();
    await eventually(() => heights.length === 3);
    expect(heights).toEqual([1, 2, 3]);
  });

  test("by leaving a block out is dropped", async () => {
    const world = await openWorld((chain) => [
      { blocks: () => chain.blocks.filter(({ header }) => header.height !== 1) },
    ]);
    world.chain.add([]);
    world.chain.add([]);
    world.publish();
    await eventually(() => world.reports.length === 1);
    expect(world.reports[0]).toMatchObject({ code: "dishonest", door: world.doors[0]!.url });
    expect(world.follower.last()).toBeUndefined();
  });
});

test("two final blocks of one chain that do not follow each other are reported as a fork", async () => {
  const world = await openWorld(() => [{}]);
  const first = world.chain.add([]);
  const other = makeBlock({
    trusted: world.chain.trusted,
    parent: undefined,
    commands: [],
    timeMs: 1_000_500,
  });
  const child = makeBlock({ trusted: world.chain.trusted, parent: other.header, commands: [] });
  world.chain.blocks.push(child);
  world.publish();
  await eventually(() => world.reports.length === 1);
  expect(world.reports[0]).toMatchObject({ code: "fork" });
  expect(world.follower.last()?.header).toEqual(first.header);
});

test("genesis comes through the door, and is checked against the chain's id", async () => {
  const world = await openWorld(() => [{}]);
  expect(await world.connections[0]!.genesis()).toEqual(world.chain.genesisBytes);
  await expect(world.connections[0]!.status()).rejects.toMatchObject({ code: "unavailable" });
});
