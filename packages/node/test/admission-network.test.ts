/** Admission by the exchange's state on validators as they ship: what each door refuses, and what it must not refuse. */
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { limits } from "@stoa/base/limits";
import type { SecretSeed } from "@stoa/base/signature";
import type { Money, TimeMs } from "@stoa/base/units";
import { scopes, type CommandBody, type UnsignedCommand } from "@stoa/protocol/command";
import { decodeDoorReply, encodeDoorRequest, type AdmissionRefusal } from "@stoa/protocol/door";
import type { Follower } from "../src/follower.ts";
import { startValidator } from "../src/node.ts";
import { openDoorClient, type DoorClient } from "./door-client.ts";
import {
  flatPrices,
  keyOf,
  limitOrder,
  localhost,
  seedOf,
  signCommand,
  testChain,
  testFolder,
  until,
} from "./network.ts";
import { startMeshOf, type TestMesh } from "./validators.ts";

// Four validators share the machine with whatever else runs on it.
vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

const chain = testChain();
const { genesis, accountSeeds } = chain;
const [alice, bob, carol] = accountSeeds as [SecretSeed, SecretSeed, SecretSeed];
const aliceKey = keyOf(100);
const order = limitOrder({ instrument: 1, side: "buy", priceTicks: 119_000 });
const faucet: CommandBody = { kind: "faucet", asset: 0, amount: 1_00000000n as Money };
const authorize = (number: number, lifeMs: number): CommandBody => ({
  kind: "authorizeKey",
  sessionKey: keyOf(number),
  scopes: scopes.trade,
  expiresAtMs: (Date.now() + lifeMs) as TimeMs,
});
const sign = (seed: SecretSeed, body: CommandBody = order, fields: Partial<UnsignedCommand> = {}): Uint8Array =>
  signCommand(genesis, seed, body, fields);

const patienceMs = 120_000;
let nextId = 1;
async function wordOf(client: DoorClient, encoded: Uint8Array): Promise<AdmissionRefusal> {
  const reply = await client.ask({ kind: "submit", id: nextId++, command: encoded });
  if (reply.kind !== "submitted") throw new Error(`an answer to a submission is ${reply.kind}`);
  return reply.refusal;
}

describe("four validators", () => {
  let mesh: TestMesh;
  let follower: Follower;
  let doors: readonly DoorClient[];
  const words = (encoded: Uint8Array) => Promise.all(doors.map((door) => wordOf(door, encoded)));
  const allSay = (word: AdmissionRefusal): readonly AdmissionRefusal[] => doors.map(() => word);
  /** On a busy machine a validator may be behind for a moment, and then lets pass what it does not know. */
  const wordsWhenUpToDate = async (make: () => Uint8Array): Promise<readonly AdmissionRefusal[]> => {
    for (const deadline = Date.now() + patienceMs; ; ) {
      const said = await words(make());
      if (!said.includes("none") || deadline < Date.now()) return said;
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
  };
  /** Carries it out everywhere: what follows is judged by every validator after it. */
  const executeEverywhere = async (encoded: Uint8Array): Promise<string> => {
    const outcome = await follower.submit(encoded);
    if (outcome.kind !== "final") return outcome.kind === "refused" ? outcome.refusal : outcome.kind;
    const isThere = (): boolean => mesh.validators.every((one) => outcome.block.height <= one.status().executedHeight);
    await until(isThere, "all have executed the block", patienceMs);
    const [event] = outcome.events;
    // Some commands have no event that names them when they are carried out.
    return event?.kind === "refused" ? event.reason : (event?.kind ?? "done");
  };

  beforeAll(async () => {
    mesh = await startMeshOf(chain);
    follower = await mesh.startFollower();
    await follower.caughtUp;
    await until(() => follower.query.instruments()[0]?.markPrice !== 0, "prices", patienceMs);
    await until(() => mesh.validators.every((one) => 3 <= one.status().executedHeight), "blocks", patienceMs);
    doors = await Promise.all(mesh.validators.map(({ doorPort }) => openDoorClient(doorPort)));
  });
  afterAll(async () => {
    for (const door of doors ?? []) door.close();
    await mesh?.stop();
  });

  test("refuse accounts that do not exist, each of them, before anything waits", async () => {
    const before = follower.query.height();
    expect(await wordsWhenUpToDate(() => sign(seedOf(5_000)))).toEqual(allSay("account-unknown"));
    expect(await wordsWhenUpToDate(() => sign(alice, order, { subaccount: 3 }))).toEqual(allSay("account-unknown"));
    expect(await wordsWhenUpToDate(() => sign(seedOf(5_000), order, { account: aliceKey }))).toEqual(
      allSay("key-not-authorized"),
    );
    const prices: CommandBody = { kind: "prices", sequence: 1, sourceMs: 1 as TimeMs, indexes: [], curves: [] };
    expect(await words(sign(alice, prices))).toEqual(allSay("validator-unknown"));
    await until(() => before + 2 < follower.query.height(), "blocks", patienceMs);
    expect(follower.query.accountNumber(keyOf(5_000), 0)).toBeUndefined();
  });

  test("refuse a session key that was revoked, has expired, or lacks the scope", async () => {
    const account = aliceKey;
    expect(await wordsWhenUpToDate(() => sign(seedOf(5_100), order, { account }))).toEqual(
      allSay("key-not-authorized"),
    );
    expect(await executeEverywhere(sign(alice, authorize(5_100, 60_000)))).toBe("done");
    expect(await executeEverywhere(sign(seedOf(5_100), order, { account }))).toBe("order");
    const revoke: CommandBody = { kind: "revokeKey", sessionKey: keyOf(5_100) };
    expect(await wordsWhenUpToDate(() => sign(seedOf(5_100), revoke, { account }))).toEqual(allSay("scope-missing"));
    expect(await executeEverywhere(sign(alice, revoke))).toBe("done");
    expect(await wordsWhenUpToDate(() => sign(seedOf(5_100), order, { account }))).toEqual(
      allSay("key-not-authorized"),
    );
    expect(await executeEverywhere(sign(alice, authorize(5_101, 1_500)))).toBe("done");
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    // Blocks come at least once a second, and their time ends the key.
    expect(await executeEverywhere(sign(alice))).toBe("order");
    expect(await wordsWhenUpToDate(() => sign(seedOf(5_101), order, { account }))).toEqual(allSay("key-expired"));
  });

  test("refuse a nonce that is used, or below the window", async () => {
    const nonce = BigInt(Date.now()) * 2_000n;
    expect(await executeEverywhere(sign(bob, order, { nonce }))).toBe("order");
    expect(await words(sign(bob, limitOrder({ instrument: 1, side: "buy", priceTicks: 118_000 }), { nonce }))).toEqual(
      allSay("nonce-reused"),
    );
    const window = BigInt(limits.nonceWindowSize);
    expect(await words(sign(bob, order, { nonce: nonce - window }))).toEqual(allSay("nonce-too-old"));
    expect(await executeEverywhere(sign(bob, order, { nonce: nonce - window + 1n }))).toBe("order");
  });

  test("take orders of an account from the moment its faucet command is submitted, and as soon as it is final", async () => {
    for (let round = 0; round < 10; round++) {
      const newcomer = seedOf(5_200 + round);
      const commands = [faucet, order, order].map((body) => sign(newcomer, body));
      const outcomes = await Promise.all(commands.map((encoded) => follower.submit(encoded)));
      expect(outcomes.map(({ kind }) => kind)).toEqual(["final", "final", "final"]);
      const events = outcomes.map((outcome) => (outcome.kind === "final" ? outcome.events[0]?.kind : outcome.kind));
      expect(events).toEqual([undefined, "order", "order"]);
      // At once to every validator, whether it has executed the block or not.
      expect(await words(sign(newcomer))).toEqual(allSay("none"));
    }
  });

  test("take orders of a session key in the same turn as its authorisation", async () => {
    const trading = sign(seedOf(5_300), order, { account: aliceKey });
    const [authorized, traded] = await Promise.all([
      follower.submit(sign(alice, authorize(5_300, 60_000))),
      follower.submit(trading),
    ]);
    expect([authorized.kind, traded.kind]).toEqual(["final", "final"]);
    expect(traded.kind === "final" && traded.events[0]?.kind).toBe("order");
  });

  test("let a trader trade while 20,000 fresh keys flood every door", async () => {
    const strangers = Array.from({ length: 20_000 }, (_, index) =>
      sign(seedOf(10_000 + index), index % 2 === 0 ? order : faucet),
    );
    const flooders = await Promise.all(mesh.validators.map(({ doorPort }) => openFlooder(doorPort)));
    let mempoolCountMost = 0;
    let sent = 0;
    const flood = async (): Promise<void> => {
      for (const frame of framesOf(strangers)) {
        for (const flooder of flooders) flooder.send(frame.bytes);
        sent += frame.count;
        await until(
          () => flooders.every(({ answers }) => sent - 4_000 < answers.count),
          "answers to the flood",
          patienceMs,
        );
        for (const validator of mesh.validators)
          mempoolCountMost = Math.max(mempoolCountMost, validator.status().mempoolCount);
      }
      await until(() => flooders.every(({ answers }) => answers.count === strangers.length), "all answers", patienceMs);
    };
    const kinds: string[] = [];
    const trade = async (): Promise<void> => {
      while (sent < strangers.length || kinds.length === 0) {
        const outcome = await follower.submit(sign(carol));
        kinds.push(outcome.kind === "final" ? outcome.events[0]!.kind : JSON.stringify(outcome));
      }
    };
    await Promise.all([flood(), trade()]);
    expect(kinds.filter((kind) => kind !== "order")).toEqual([]);
    expect(mempoolCountMost).toBeLessThanOrEqual(limits.mempoolCommonCommandsCountMax + 100);
    for (const { answers, close } of flooders) {
      // A validator that falls behind lets orders of strangers into the common quota, and refuses them there.
      const words = [...answers.words.keys()].sort();
      expect(["none", "account-unknown", "common-quota"]).toEqual(expect.arrayContaining(words));
      expect(answers.words.get("account-unknown")).toBeGreaterThan(0);
      close();
    }
  });
});

/** Commands in frames of a size that a door takes. */
function* framesOf(commands: readonly Uint8Array[]): Generator<{ readonly bytes: Uint8Array; readonly count: number }> {
  const countMax = 200;
  for (let from = 0; from < commands.length; from += countMax) {
    const some = commands.slice(from, from + countMax).map((command, index) => ({ id: from + index, command }));
    yield { bytes: encodeDoorRequest({ kind: "submitToAll", commands: some }), count: some.length };
  }
}

/** Counts answers and does nothing else: what it costs would be taken from the validators, which run in the same process. */
async function openFlooder(port: number) {
  const { socket, close } = await openDoorClient(port);
  const answers = { count: 0, words: new Map<AdmissionRefusal, number>() };
  const count = (word: AdmissionRefusal, added: number): void => {
    answers.count += added;
    answers.words.set(word, (answers.words.get(word) ?? 0) + added);
  };
  socket.on("message", (data: Buffer) => {
    const reply = decodeDoorReply(data);
    if (reply?.kind === "submitted") count(reply.refusal, 1);
    if (reply?.kind === "admitted") count("none", reply.ids.length);
  });
  return { answers, close, send: (bytes: Uint8Array) => socket.send(bytes) };
}

test("a validator that no block comes to tells all the same what it has taken", async () => {
  const folder = testFolder();
  // Without prices: their answers, which are awaited, would take the word along.
  const alone = await startValidator({
    ...{ genesis, seed: chain.validatorSeeds[0]!, dataFolder: join(folder.path, "validator-0"), peers: [] },
    ...{ mesh: localhost(), door: localhost(), metrics: localhost() },
  });
  const door = await openDoorClient(alone.doorPort);
  door.socket.send(encodeDoorRequest({ kind: "submitToAll", commands: [{ id: 7, command: sign(alice) }] }));
  await until(() => door.replies.length === 1, "the word that it is taken", 20_000);
  expect(door.replies).toEqual([{ kind: "admitted", ids: [7] }]);
  expect(alone.status().height).toBe(0);
  door.close();
  await alone.stop();
  folder.remove();
});

describe("a validator that starts again", () => {
  test("knows at once who may speak for which account, what was used, and the last commands by name", async () => {
    const single = testChain({ validatorsCount: 1, accountsCount: 2 });
    const folder = testFolder();
    const signHere = (seed: SecretSeed, body: CommandBody, fields: Partial<UnsignedCommand> = {}): Uint8Array =>
      signCommand(single.genesis, seed, body, fields);
    const start = () =>
      startValidator(
        {
          genesis: single.genesis,
          seed: single.validatorSeeds[0]!,
          dataFolder: join(folder.path, "validator"),
          mesh: localhost(),
          door: localhost(),
          metrics: localhost(),
          peers: [],
          storage: { snapshotBlocks: 5 },
        },
        { priceSource: flatPrices },
      );
    const nonce = 77_000n;
    const first = signHere(bob, order, { nonce });
    const commands = [signHere(seedOf(6_000), faucet), signHere(alice, authorize(6_001, 60_000)), first];
    let node = await start();
    let door = await openDoorClient(node.doorPort);
    for (const encoded of commands) {
      expect(await wordOf(door, encoded)).toBe("none");
      const { height } = node.status();
      await until(() => height + 1 < node.status().executedHeight, "executed", patienceMs);
    }
    door.close();
    await node.stop();

    node = await start();
    door = await openDoorClient(node.doorPort);
    // The same bytes again are known; another command with their nonce is not taken.
    expect(await wordOf(door, first)).toBe("none");
    expect(await wordOf(door, signHere(bob, { kind: "cancel", order: 1 }, { nonce }))).toBe("nonce-reused");
    expect(await wordOf(door, signHere(seedOf(6_001), order, { account: aliceKey }))).toBe("none");
    expect(await wordOf(door, signHere(seedOf(6_000), order))).toBe("none");
    // As soon as it has executed a block of its own time, it refuses what it does not know.
    const { executedHeight } = node.status();
    await until(() => executedHeight < node.status().executedHeight, "a block", patienceMs);
    await vi.waitFor(
      async () => expect(await wordOf(door, signHere(seedOf(6_002), order))).toBe("account-unknown"),
      patienceMs,
    );
    door.close();
    await node.stop();
    folder.remove();
  });
});
