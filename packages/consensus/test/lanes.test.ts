/** Lanes among four replicas: batches are sent, ordered by tips, and final on every disk (BFT-080 to BFT-092). */
import { describe, expect, test } from "vitest";
import { toHex, toUtf8 } from "@stoa/base/bytes";
import { limits } from "@stoa/base/limits";
import { createPrng } from "@stoa/base/prng";
import type { Message } from "@stoa/consensus/message";
import { payloadMatches } from "@stoa/protocol/finality/lane-payload";
import { leaderIn } from "./craft.ts";
import { commandsIn, decoded, Network } from "./network.ts";

const hex = (text: string): string => toHex(toUtf8(text));
const ordered = (network: Network, index: number): string[] =>
  network.nodes[index]!.blocks.flatMap(({ payload }) => commandsIn(payload));
const timesOrdered = (network: Network, text: string): number[] =>
  network.nodes.map((_, index) => ordered(network, index).filter((one) => one === hex(text)).length);
const isFinalOnAll = (network: Network, text: string): boolean =>
  network.nodes.every(({ index, running }) => !running || ordered(network, index).includes(hex(text)));
const kinds = (network: Network): string[] => network.sent.map(({ message }) => message.kind);

describe("a batch", () => {
  test("is final on all four one delay and three more after it was made, whoever made it (BFT-080)", () => {
    for (const owner of [0, 1, 2, 3]) {
      const network = new Network().start();
      network.run(50);
      const made = network.nowMs;
      network.submitToLane(owner, "one");
      network.until(() => isFinalOnAll(network, "one"), 300);
      const isLeader = leaderIn(network.set, 1) === owner;
      expect(network.nowMs - made).toBeLessThanOrEqual(isLeader ? 31 : 41);
      expect(timesOrdered(network, "one")).toEqual([1, 1, 1, 1]);
      const [block] = network.nodes[0]!.blocks;
      expect(block!.header.payload.form).toBe("lanes");
      expect(payloadMatches(block!.header, block!.payload)).toBe(true);
    }
  });

  test("crosses every link once when nothing is lost (BFT-080)", () => {
    const network = new Network().start();
    network.run(50);
    for (const owner of [0, 1, 2, 3]) network.submitToLane(owner, `of ${owner}`);
    network.until(() => [0, 1, 2, 3].every((owner) => isFinalOnAll(network, `of ${owner}`)));
    network.run(3_000);
    expect(kinds(network).filter((kind) => kind === "batch").length).toBe(12);
    expect(kinds(network)).not.toContain("batchesWanted");
  });

  test("is ordered with those of other lanes and with loose commands, each once (BFT-080, BFT-085)", () => {
    const network = new Network().start();
    network.run(50);
    for (let round = 0; round < 20; round++) {
      for (const owner of [0, 1, 2, 3]) network.submitToLane(owner, `${owner}/${round}`);
      network.submit(`loose ${round}`);
      network.run(7);
    }
    network.until(
      () => isFinalOnAll(network, "loose 19") && [0, 1, 2, 3].every((o) => isFinalOnAll(network, `${o}/19`)),
    );
    for (let round = 0; round < 20; round++) {
      for (const owner of [0, 1, 2, 3]) expect(timesOrdered(network, `${owner}/${round}`)).toEqual([1, 1, 1, 1]);
      expect(timesOrdered(network, `loose ${round}`)).toEqual([1, 1, 1, 1]);
    }
    const [all] = network.nodes.map((_, index) => ordered(network, index).join());
    for (const index of [1, 2, 3]) expect(ordered(network, index).join()).toBe(all);
    expect(network.nodes.flatMap(({ facts }) => facts)).toEqual([]);
    // A lane keeps its order.
    const own = ordered(network, 0).filter((one) => one.startsWith(hex("2/")));
    expect(own).toEqual(Array.from({ length: 20 }, (_, round) => hex(`2/${round}`)));
  });

  test("makes the tips of every later block stand for it (BFT-081)", () => {
    const network = new Network().start();
    network.submitToLane(2, "one");
    network.until(() => isFinalOnAll(network, "one"));
    network.submit("later");
    network.until(() => isFinalOnAll(network, "later"));
    const last = network.nodes[0]!.blocks.at(-1)!.header;
    expect(last.payload.form).toBe("inline");
    expect(last.tips.map(({ sequence }) => sequence)).toEqual([0, 0, 1, 0]);
    expect(last.ranges).toEqual([]);
  });
});

describe("batches that do not come", () => {
  /** Batches of `owner` reach only `reached`. */
  const withheld =
    (owner: number, reached: readonly number[]) =>
    (from: number, to: number, message: Message): boolean =>
      from === owner && message.kind === "batch" && !reached.includes(to);

  test("are fetched from the proposer, and their owner is proposed with proofs only for a while (BFT-084, BFT-086)", () => {
    const network = new Network();
    const owner = (leaderIn(network.set, 1) + 1) % 4;
    const victim = [0, 1, 2, 3].find((one) => one !== owner && one !== leaderIn(network.set, 1))!;
    network.lose = withheld(
      owner,
      [0, 1, 2, 3].filter((one) => one !== victim),
    );
    network.start().run(50);
    network.submitToLane(owner, "one");
    network.until(() => isFinalOnAll(network, "one"));
    const asked = network.sent.filter(({ from, message }) => from === victim && message.kind === "batchesWanted");
    expect(asked.length).toBe(1);
    expect(network.nodes[victim]!.replica.lanes.all[owner]!.blamedThrough).toBeGreaterThan(limits.laneBlameBlocks - 1);
    for (const { index, replica } of network.nodes) {
      if (index !== victim) expect(replica.lanes.all[owner]!.blamedThrough).toBe(0);
    }
    // While it blames the owner, the victim still orders its batches: those that are proven.
    network.lose = () => false;
    for (let round = 0; round < 8; round++) {
      network.submitToLane(owner, `later ${round}`);
      network.until(() => isFinalOnAll(network, `later ${round}`));
    }
    const byVictim = network.nodes[0]!.blocks.filter(({ header }) => header.proposer === victim);
    expect(byVictim.length).toBeGreaterThan(0);
    for (const { header } of byVictim) for (const { proof } of header.ranges) expect(proof).toBeDefined();
  });

  test("cost one view at most when only the leader has them and answers nobody (BFT-086)", () => {
    const network = new Network();
    const first = leaderIn(network.set, 1);
    const owner = (first + 1) % 4;
    network.lose = (from, to, message) =>
      withheld(owner, [first])(from, to, message) || (from === first && message.kind === "batches");
    network.start().run(50);
    network.submit("other");
    network.submitToLane(owner, "spoiled");
    network.until(() => isFinalOnAll(network, "other"), 5_000);
    const nullified = network.nodes.flatMap(({ replica }) =>
      [...replica.certificates.entries()].filter(([, held]) => held.nullification !== undefined).map(([view]) => view),
    );
    expect([...new Set(nullified)].length).toBeLessThanOrEqual(1);
    // Repeated by its owner, it becomes final after all.
    network.lose = () => false;
    network.until(() => isFinalOnAll(network, "spoiled"), 10_000);
  });

  test("are fetched from those who proved them before a finalize vote is cast (BFT-087)", () => {
    const network = new Network();
    const first = leaderIn(network.set, 1);
    const owner = (first + 1) % 4;
    const victim = (first + 2) % 4;
    const other = (first + 3) % 4;
    // The victim hears nothing of the lane but what it asks for.
    network.lose = (from, to, message) =>
      withheld(owner, [first, other])(from, to, message) || (to === victim && message.kind === "availability");
    network.start().run(50);
    network.submitToLane(owner, "one");
    network.until(() => isFinalOnAll(network, "one"));
    const records = decoded(network.nodes[victim]!);
    const view = network.nodes[victim]!.blocks.find(({ header }) => header.ranges.length > 0)!.header.view;
    const batchAt = records.findIndex(({ kind }) => kind === "batch");
    const voteAt = records.findIndex(
      (one) => one.kind === "voted" && one.vote.kind === "finalize" && view <= one.vote.view,
    );
    expect(batchAt).toBeGreaterThanOrEqual(0);
    if (0 <= voteAt) expect(batchAt).toBeLessThan(voteAt);
  });

  test("and messages of all kinds that are lost by chance stop nothing (BFT-035, BFT-088)", () => {
    for (const seed of [1, 2, 3, 4]) {
      const prng = createPrng(seed);
      const network = new Network();
      network.lose = () => prng.below(4) === 0;
      network.start().run(50);
      for (let round = 0; round < 12; round++) {
        for (const owner of [0, 1, 2, 3]) {
          if (0 < network.nodes[owner]!.laneRoom) network.submitToLane(owner, `${owner}/${round}`);
        }
        network.run(40);
      }
      network.lose = () => false;
      network.until(() => [0, 1, 2, 3].every((owner) => isFinalOnAll(network, `${owner}/11`)), 60_000);
      for (const owner of [0, 1, 2, 3]) {
        expect(timesOrdered(network, `${owner}/3`), `seed ${seed}`).toEqual([1, 1, 1, 1]);
      }
    }
  });
});

describe("an owner", () => {
  test("goes no further than its window, and on when its batches are proven or final (BFT-083)", () => {
    const network = new Network();
    network.start().run(50);
    network.lose = (_, __, message) => message.kind !== "batch";
    const owner = network.nodes[1]!;
    let made = 0;
    while (0 < owner.laneRoom) network.submitToLane(1, `of ${made++}`);
    expect(made).toBe(limits.laneOwnAheadCountMax);
    // One more crosses the news that there is no room; it waits, and is sent when there is.
    network.input(1, { kind: "batch", payload: toUtf8(hex("crossed")) });
    expect(network.nodes[1]!.replica.lanes.ownTip.sequence).toBe(made);
    network.lose = () => false;
    network.until(() => isFinalOnAll(network, "crossed"), 20_000);
    expect(owner.laneRoom).toBe(Math.floor(limits.laneOwnAheadSizeMax / limits.batchPayloadSizeMax));
  });

  test("that stops and starts again goes on after its last batch, and repeats what waits (BFT-090)", () => {
    const network = new Network().start();
    network.run(50);
    network.lose = (_, __, message) => message.kind === "batch";
    network.submitToLane(1, "before");
    network.run(5);
    network.crash(1);
    network.run(100);
    network.lose = () => false;
    expect(network.restart(1)).toBeUndefined();
    network.submitToLane(1, "after");
    network.until(() => isFinalOnAll(network, "after") && isFinalOnAll(network, "before"), 10_000);
    const mine = ordered(network, 0).filter((one) => [hex("before"), hex("after")].includes(one));
    expect(mine).toEqual([hex("before"), hex("after")]);
    expect(network.nodes.flatMap(({ facts }) => facts)).toEqual([]);
  });
});

describe("a crash", () => {
  test("of all four at any moment loses no batch that is final anywhere, and none of an owner (BFT-051, BFT-090)", () => {
    for (let moment = 0; moment < 60; moment += 3) {
      const network = new Network().start();
      network.run(50);
      for (const owner of [0, 1, 2, 3]) network.submitToLane(owner, `of ${owner}`);
      network.run(moment);
      for (const index of [0, 1, 2, 3]) network.crash(index);
      const delivered = network.nodes.map(({ blocks }) => blocks.length);
      network.run(1_000);
      for (const index of [0, 1, 2, 3]) expect(network.restart(index), `${moment} ms`).toBeUndefined();
      network.until(() => [0, 1, 2, 3].every((owner) => isFinalOnAll(network, `of ${owner}`)), 20_000);
      for (const owner of [0, 1, 2, 3]) {
        expect(timesOrdered(network, `of ${owner}`), `${moment} ms`).toEqual([1, 1, 1, 1]);
      }
      expect(network.nodes.every(({ blocks }, index) => delivered[index]! <= blocks.length)).toBe(true);
      expect(network.nodes.flatMap(({ facts }) => facts)).toEqual([]);
    }
  });

  test("of one that missed everything is made good by ranges of final blocks (BFT-060)", () => {
    const network = new Network().start();
    network.run(50);
    network.crash(3);
    for (let round = 0; round < 30; round++) {
      network.submitToLane(round % 3, `of ${round}`);
      network.until(() => isFinalOnAll(network, `of ${round}`));
    }
    expect(network.restart(3)).toBeUndefined();
    network.until(() => isFinalOnAll(network, "of 29"), 20_000);
    network.submitToLane(3, "back");
    network.until(() => isFinalOnAll(network, "back"), 10_000);
  });
});
