/** Several replicas together: agreement, faults, crash and return. Each test cites its criterion of `spec/consensus.md`. */
import { expect, test } from "vitest";
import { equalBytes, toHex } from "@stoa/base/bytes";
import { headerDigest, type Header } from "@stoa/protocol/finality/header";
import { verifyFinality } from "@stoa/protocol/finality/proof";
import { limits } from "@stoa/base/limits";
import type { View } from "@stoa/base/units";
import { encodeMessage } from "@stoa/consensus/message";
import { craftHeader, craftProposal, craftVote, leaderIn, payloadOf } from "./craft.ts";
import { decoded, genesisRoots, Network, type Node } from "./network.ts";

const holds = (node: Node, text: string): boolean => {
  const wanted = toHex(payloadOf(text));
  return node.blocks.some(({ payload }) => String.fromCharCode(...payload).includes(wanted));
};

function expectAgreement(network: Network): void {
  for (const node of network.nodes) {
    expect(node.halted).toEqual([]);
    node.blocks.forEach((block, index) => {
      expect(block.header.height).toBe(index + 1);
      expect(verifyFinality(network.nodes[0]!.replica.scheme, network.set, block)).toBe(true);
      const other = network.nodes.find((one) => index < one.blocks.length)!.blocks[index]!;
      expect(equalBytes(headerDigest(other.header), headerDigest(block.header))).toBe(true);
    });
  }
}

test("a waiting command is final on all four after three message delays (BFT-002)", () => {
  const network = new Network({ delayMs: 10 }).start();
  network.run(100);
  network.submit("hello");
  const startMs = network.nowMs;
  network.until(() => network.nodes.every((node) => holds(node, "hello")), 1_000);
  expect(network.nowMs - startMs).toBe(30);
  expectAgreement(network);
});

test("a command that comes as the one before becomes final waits no longer than that one (BFT-002)", () => {
  const network = new Network({ delayMs: 10 }).start();
  network.run(100);
  for (let count = 0; count < 8; count++) {
    const startMs = network.nowMs;
    network.submit(`command-${count}`);
    network.until(() => network.nodes.every(({ mempool }) => mempool.length === 0), 1_000);
    expect(network.nowMs - startMs).toBe(30);
  }
});

test("an idle network makes a block a second and nullifies nothing (BFT-003)", () => {
  const network = new Network({ delayMs: 5 }).start();
  network.run(10_500);
  expect(network.heights()).toEqual([10, 10, 10, 10]);
  expect(network.nodes.map(({ replica }) => replica.view)).toEqual([11, 11, 11, 11]);
  expect(network.sent.some(({ message }) => message.kind === "vote" && message.vote.kind === "nullify")).toBe(false);
  expectAgreement(network);
});

test("commands that arrive while a block is under way go into the next, each once (BFT-002)", () => {
  const network = new Network({ delayMs: 10 }).start();
  for (let count = 0; count < 40; count++) {
    network.submit(`command-${count}`);
    network.run(7);
  }
  network.run(2_000);
  const commands = network.nodes[2]!.blocks.flatMap(({ payload }) => String.fromCharCode(...payload).split(" "));
  const filled = commands.filter((command) => command !== "");
  expect(new Set(filled).size).toBe(40);
  expect(filled.length).toBe(40);
  expectAgreement(network);
});

test("a silent leader costs twice the patience, and its turn passes to the next (BFT-031)", () => {
  const network = new Network({ delayMs: 5 });
  const silent = leaderIn(network.set, 1);
  network.start([0, 1, 2, 3].filter((index) => index !== silent));
  network.submit("hello");
  network.until(() => network.nodes.every((node) => !node.running || holds(node, "hello")), 2_000);
  expect(network.nowMs).toBe(2 * 150 + 5 + 15);
  expectAgreement(network);
});

test("a leader that was not heard of for 32 views is not waited for (BFT-033)", () => {
  const network = new Network({ delayMs: 1 });
  const silent = leaderIn(network.set, 1);
  network.start([0, 1, 2, 3].filter((index) => index !== silent));
  const viewReached = (view: number) => () =>
    network.nodes.every(({ running, replica }) => !running || view <= replica.view);
  let count = 0;
  const load = (view: number) => {
    while (!viewReached(view)()) {
      network.submit(`command-${count++}`);
      network.run(2);
    }
  };
  load(41);
  const before = network.nowMs;
  load(61);
  // Five of these twenty views are the silent one's; waiting for it would cost 300 ms each.
  expect(network.nowMs - before).toBeLessThan(300);
  expectAgreement(network);
});

test("with one of four killed an order waits twice the patience at most, and soon no longer (BFT-031, BFT-033)", () => {
  const network = new Network({ delayMs: 5 }).start();
  network.run(500);
  network.crash(leaderIn(network.set, network.nodes[0]!.replica.view));
  const waitMs = (count: number): number => {
    const startMs = network.nowMs;
    network.submit(`order-${count}`);
    network.until(() => network.nodes.every((node) => !node.running || holds(node, `order-${count}`)), 2_000);
    return network.nowMs - startMs;
  };
  const waits = Array.from({ length: 60 }, (_, count) => waitMs(count));
  expect(Math.max(...waits)).toBeLessThanOrEqual(2 * 150 + 5 + 20);
  expect(Math.max(...waits.slice(40))).toBeLessThanOrEqual(25);
  expectAgreement(network);
});

test("a validator that stopped and starts again votes on, and catches up (BFT-050, BFT-060)", () => {
  const network = new Network({ delayMs: 5 }).start();
  network.run(2_000);
  network.crash(1);
  for (let count = 0; count < 300; count++) {
    network.submit(`command-${count}`);
    network.run(20);
  }
  const ahead = network.nodes[0]!.blocks.length;
  expect(ahead - network.nodes[1]!.blocks.length).toBeGreaterThan(100);
  expect(network.restart(1)).toBeUndefined();
  network.until(() => ahead <= network.nodes[1]!.blocks.length, 5_000);
  network.run(3_000);
  const last = network.nodes.map(({ blocks }) => blocks.length);
  expect(Math.max(...last) - Math.min(...last)).toBeLessThanOrEqual(1);
  const votes = decoded(network.nodes[1]!).filter(
    (record) => record.kind === "voted" && ahead <= record.vote.view && record.vote.kind === "finalize",
  );
  expect(votes.length).toBeGreaterThan(0);
  expectAgreement(network);
});

test("all four stop at once at any moment, and no delivered block is lost (BFT-051, BFT-020, BFT-021)", () => {
  for (let stopMs = 0; stopMs < 60; stopMs++) {
    const network = new Network({ delayMs: 10 }).start();
    network.run(20);
    network.submit("first");
    network.run(stopMs);
    network.submit("second");
    network.run(5);
    const delivered = network.heights();
    for (const index of [0, 1, 2, 3]) network.crash(index);
    network.run(50);
    for (const index of [0, 1, 2, 3]) expect(network.restart(index)).toBeUndefined();
    network.submit("third");
    network.until(() => network.nodes.every((node) => holds(node, "third")), 5_000);
    network.nodes.forEach(({ blocks }, index) => expect(delivered[index]).toBeLessThanOrEqual(blocks.length));
    expectAgreement(network);
    expectOneVoteEach(network);
  }
});

/** BFT-020 and BFT-021 on the wire: per signer and view one notarize, and one of nullify and finalize. */
function expectOneVoteEach(network: Network): void {
  const seen = new Map<string, string>();
  for (const { from, message } of network.sent) {
    if (message.kind !== "vote") continue;
    const { vote } = message;
    const slot = vote.kind === "notarize" ? "notarize" : "nullify or finalize";
    const key = `${from} ${vote.view} ${slot}`;
    const bytes = toHex(encodeMessage(message));
    expect(seen.get(key) ?? bytes).toBe(bytes);
    seen.set(key, bytes);
  }
}

test("a leader that tells each half another story costs its view, not agreement (BFT-043, BFT-023)", () => {
  const network = new Network({ delayMs: 5 });
  const liar = leaderIn(network.set, 1);
  const honest = [0, 1, 2, 3].filter((index) => index !== liar);
  network.start(honest);
  const proposals = ["one", "two"].map((text) => {
    const payload = payloadOf(toHex(payloadOf(text)));
    return craftProposal(network.set, craftHeader(network.set, 1, payload), payload);
  });
  network.nodes[liar]!.replica.peers.forEach((peer) => (peer.connected = true));
  honest.forEach((index, position) => {
    const proposal = proposals[position % 2]!;
    network.transmit(liar, index, { kind: "proposal", proposal });
    for (const one of proposals) {
      const vote = craftVote(network.set, "notarize", 1, liar, headerDigest(one.header));
      network.transmit(liar, index, { kind: "vote", vote });
    }
  });
  network.run(20);
  network.submit("hello");
  network.until(() => honest.every((index) => holds(network.nodes[index]!, "hello")), 5_000);
  network.run(2_000);
  expectAgreement(network);
  expect(
    honest.some((index) => network.nodes[index]!.facts.some((fact) => fact.includes("notarized two blocks"))),
  ).toBe(true);
});

test("replicas that gave up and replicas that saw the notarization meet again (BFT-034)", () => {
  const network = new Network({ delayMs: 5 });
  const leader = leaderIn(network.set, 1);
  const others = [0, 1, 2, 3].filter((index) => index !== leader);
  const [late] = others;
  // One never sees the proposal or votes of view 1 and gives it up; the others may not tell each other it is final.
  network.lose = (_, to, message) =>
    (to === late && message.kind !== "status" && network.nowMs < 290) ||
    (message.kind === "vote" && message.vote.kind === "finalize" && message.vote.view === 1 && network.nowMs < 2_000);
  network.start();
  network.submit("hello");
  network.until(() => network.nodes.every((node) => holds(node, "hello")), 10_000);
  network.run(3_000);
  expectAgreement(network);
  expectOneVoteEach(network);
});

test("half saw the notarization, half gave up: the block becomes final with a later one (BFT-034, BFT-040)", () => {
  const network = new Network({ delayMs: 5 });
  const leader = leaderIn(network.set, 1);
  const early = [leader, (leader + 1) % 4];
  // To the late half nothing gets through but the proposal, until both of them have given view 1 up.
  network.lose = (_, to, message) => {
    const first = message.kind === "proposal" && message.proposal.header.view === 1;
    return !early.includes(to) && !first && network.nowMs < 600;
  };
  network.start();
  network.submit("hello");
  network.run(599);
  expect(network.nodes.map(({ replica }) => replica.view)).toEqual(
    [0, 1, 2, 3].map((index) => (early.includes(index) ? 2 : 1)),
  );
  network.until(() => network.nodes.every((node) => holds(node, "hello")), 10_000);
  expect(network.nodes[leader]!.blocks[0]!.header.view).toBe(1);
  expect(network.nodes[leader]!.blocks[0]!.descendants.length).toBeGreaterThan(0);
  network.run(2_000);
  expectAgreement(network);
  expectOneVoteEach(network);
});

test("one saw the notarization, a quorum nullified: the block is skipped and its command ordered again (BFT-034)", () => {
  const network = new Network({ delayMs: 5 });
  const lone = leaderIn(network.set, 2);
  // Notarize votes of view 1 reach the next leader only, and what it says of them nobody.
  network.lose = (from, to, message) => {
    if (2_000 < network.nowMs) return false;
    const vote = message.kind === "vote" && message.vote.kind === "notarize" && message.vote.view === 1;
    return (vote && to !== lone) || (from === lone && !(message.kind === "vote" && message.vote.kind === "nullify"));
  };
  network.start();
  network.submit("hello");
  network.until(() => network.nodes.every((node) => holds(node, "hello")), 20_000);
  network.run(3_000);
  expect(network.nodes[lone]!.replica.certificates.get(1 as View)).toMatchObject({
    notarization: {},
    nullification: {},
  });
  expect(network.nodes[lone]!.blocks[0]!.header.view).toBeGreaterThan(1);
  expectAgreement(network);
  expectOneVoteEach(network);
});

test("nullify votes that were lost once are repeated, even to peers whose other votes arrived (BFT-035)", () => {
  const network = new Network({ delayMs: 5 });
  const leader = leaderIn(network.set, 1);
  const [lucky, unlucky] = [(leader + 1) % 4, (leader + 2) % 4];
  // Two notarize and hear of each other, the third sees no proposal and is heard, the fourth is down. The first nullify votes of
  // the two are lost: now each has some vote of each other, and nobody has a quorum of anything.
  const lost = new Set<string>();
  network.lose = (from, to, message) => {
    if (message.kind === "proposal" && message.proposal.header.view === 1) return to !== lucky;
    if (message.kind !== "vote" || message.vote.kind !== "nullify" || message.vote.view !== 1) return false;
    const key = `${from} ${to}`;
    return from !== unlucky && !lost.has(key) && lost.add(key) !== undefined;
  };
  network.start([leader, lucky, unlucky]);
  network.submit("hello");
  network.until(() => [leader, lucky, unlucky].every((index) => holds(network.nodes[index]!, "hello")), 5_000);
  expect(lost.size).toBeGreaterThan(0);
  expectAgreement(network);
  expectOneVoteEach(network);
});

test("a third of all messages is lost, and the network still goes on (BFT-035)", () => {
  const network = new Network({ delayMs: 5 });
  let draw = 1;
  network.lose = () => {
    draw = (draw * 48_271) % 2_147_483_647;
    return draw % 3 === 0;
  };
  network.start();
  for (let count = 0; count < 20; count++) {
    network.submit(`command-${count}`);
    network.run(500);
  }
  network.lose = () => false;
  network.until(() => network.nodes.every((node) => holds(node, "command-19")), 20_000);
  expectAgreement(network);
  expectOneVoteEach(network);
});

test("final blocks keep notarization and skips, and ancestors come with their descendants (BFT-040, BFT-041)", () => {
  const network = new Network({ delayMs: 5 });
  network.lose = (_, __, message) =>
    message.kind === "vote" && message.vote.kind === "finalize" && message.vote.view < 4;
  network.start();
  for (let count = 0; count < 40; count++) {
    network.submit(`command-${count}`);
    network.run(10);
  }
  network.run(3_000);
  for (const { blocks } of network.nodes) {
    expect(blocks[0]!.descendants.length).toBeGreaterThan(0);
    expect(blocks[0]!.certificates[0]!.kind).toBe("finalization");
    expect(blocks[0]!.certificates[1]!.kind).toBe("notarization");
    expect(blocks.at(-1)!.descendants).toEqual([]);
  }
  expectAgreement(network);
});

test("headers carry the roots of genesis, then of heights two below the parent (BFT-010)", () => {
  const network = new Network({ delayMs: 5 }).start();
  network.run(6_500);
  const executed = network.nodes[0]!.blocks.map(({ header }) => header.executed);
  expect(executed.map(({ height }) => height)).toEqual([0, 0, 0, 1, 2, 3]);
  expect(executed[0]).toEqual(genesisRoots);
  expect(executed[4]).toEqual(network.nodes[3]!.executed[1]);
});

/** From `height` on the exchange of a node computes something of its own: a rounding that goes the other way. */
function miscompute(node: Node, height: number): void {
  const honest = node.execute;
  node.execute = (before, block) => {
    const roots = honest(before, block);
    return block.header.height < height ? roots : { ...roots, moduleRoots: [roots.resultsRoot] };
  };
}

/** The heights that the roots in the headers of a node's blocks are of. */
const executedHeights = ({ blocks }: Node): number[] => blocks.map(({ header }) => header.executed.height);

/** The headers that were proposed, by digest. */
function proposedHeaders(network: Network): Map<string, Header> {
  const headers = new Map<string, Header>();
  for (const { message } of network.sent) {
    if (message.kind !== "proposal") continue;
    headers.set(toHex(headerDigest(message.proposal.header)), message.proposal.header);
  }
  return headers;
}

/** The heights to which headers that a validator notarized move the roots. */
function rootsMovedBy(network: Network, signer: number): number[] {
  const headers = proposedHeaders(network);
  return network.sent.flatMap(({ from, message }) => {
    if (from !== signer || message.kind !== "vote" || message.vote.kind !== "notarize") return [];
    const { executed, parentDigest } = headers.get(toHex(message.vote.digest))!;
    const before = headers.get(toHex(parentDigest))?.executed.height ?? 0;
    return before < executed.height ? [executed.height] : [];
  });
}

test("a validator whose exchange computed something else says where, and goes on ordering (BFT-070)", () => {
  const network = new Network({ delayMs: 5 });
  const odd = network.nodes[2]!;
  miscompute(odd, 3);
  network.start();
  network.until(() => odd.divergences.length === 1, 20_000);
  const [divergence] = odd.divergences;
  expect(divergence).toMatchObject({ certified: true, sameThrough: 2, own: { height: 3 }, agreed: { height: 3 } });
  expect(divergence!.agreed.moduleRoots[0]).toEqual(network.nodes[0]!.executed[2]!.moduleRoots[0]);
  expect(divergence!.own.moduleRoots[0]).toEqual(odd.executed[2]!.moduleRoots[0]);
  const height = odd.blocks.length;
  network.run(12_000);
  expectAgreement(network);
  expect(odd.blocks.length).toBeGreaterThan(height + 8);
  expect(odd.halted).toEqual([]);
  expect(odd.divergences.length).toBe(1);
  // The others' roots went on, and not one of its votes helped them.
  expect(executedHeights(odd).at(-1)).toBeGreaterThan(8);
  expect(Math.max(...rootsMovedBy(network, 0))).toBeGreaterThan(8);
  expect(Math.max(...rootsMovedBy(network, 2))).toBeLessThan(3);
  // What it proposes carries the roots of the parent.
  const headers = proposedHeaders(network);
  const own = [...headers.values()].filter(({ proposer, height: at }) => proposer === 2 && height < at);
  expect(own.length).toBeGreaterThan(1);
  for (const { executed, parentDigest } of own) {
    expect(executed).toEqual(headers.get(toHex(parentDigest))!.executed);
  }
});

test("with a diverged validator and one that is down, what carries no new roots still becomes final (BFT-072)", () => {
  const network = new Network({ delayMs: 5 });
  miscompute(network.nodes[2]!, 3);
  network.start();
  network.until(() => network.nodes[2]!.divergences.length === 1, 20_000);
  network.crash(0);
  const height = network.nodes[1]!.blocks.length;
  const roots = Math.max(...executedHeights(network.nodes[1]!));
  network.submit("hello");
  network.until(() => [1, 2, 3].every((index) => holds(network.nodes[index]!, "hello")), 30_000);
  network.run(60_000);
  expectAgreement(network);
  expectOneVoteEach(network);
  expect(network.nodes[1]!.blocks.length).toBeGreaterThan(height + 10);
  // Only two can tell what is right: new roots have no quorum.
  expect(Math.max(...executedHeights(network.nodes[1]!))).toBeLessThan(roots + 4);
});

test("when over a third parts with the rest the roots stop, then the payloads, and nothing forks (BFT-072)", () => {
  const network = new Network({ delayMs: 5, parameters: { idleMs: 20, initialTimeoutMs: 30 } });
  for (const index of [1, 2]) miscompute(network.nodes[index]!, 3);
  network.start();
  const count = 40 + limits.executionLagMax;
  for (let waves = 0; waves < 200 && network.lowest() < count; waves++) {
    network.submit(`command-${waves}`);
    network.run(500);
  }
  expectAgreement(network);
  expectOneVoteEach(network);
  expect(network.lowest()).toBeGreaterThanOrEqual(count);
  const [first] = network.nodes;
  expect(Math.max(...executedHeights(first!))).toBe(2);
  expect(first!.blocks.some(({ payload }) => payload.length > 0)).toBe(true);
  const late = first!.blocks.filter(({ header }) => 2 + limits.executionLagMax < header.height);
  expect(late.length).toBeGreaterThan(30);
  expect(late.every(({ header, payload }) => header.payload.form === "none" && payload.length === 0)).toBe(true);
  for (const node of network.nodes) {
    expect(node.halted).toEqual([]);
    // No quorum decided, so each side is told what validators of the other one propose, each of them once.
    const proposers = node.divergences.map(({ header }) => header.proposer);
    const others = [1, 2].includes(node.index) ? [0, 3] : [1, 2];
    expect(node.divergences.every(({ certified, sameThrough }) => !certified && sameThrough === 2)).toBe(true);
    expect(new Set(proposers).size).toBe(proposers.length);
    expect(proposers.length).toBeGreaterThan(0);
    expect(proposers.every((proposer) => others.includes(proposer))).toBe(true);
  }
});

test("stake decides: three of ten may be silent, four may not (BFT-024)", () => {
  const weights = [4, 3, 2, 1];
  const live = new Network({ stakes: weights }).start([0, 1, 2]);
  live.run(10_000);
  expect(live.nodes[0]!.blocks.length).toBeGreaterThan(3);
  const stuck = new Network({ stakes: weights }).start([1, 2, 3]);
  stuck.run(10_000);
  expect(stuck.nodes[1]!.blocks.length).toBe(0);
  expect(stuck.nodes[1]!.replica.view).toBe(1 as View);
  const enough = new Network({ stakes: weights }).start([0, 1]);
  enough.run(10_000);
  expect(enough.nodes[0]!.blocks.length).toBeGreaterThan(3);
});

test.for([1, 2, 3, 7, 20])("%s validators agree (BFT-002)", (count) => {
  const network = new Network({ stakes: new Array<number>(count).fill(1), delayMs: 5 }).start();
  network.submit("hello");
  network.until(() => network.nodes.every((node) => holds(node, "hello")), 1_000);
  expect(network.nowMs).toBeLessThanOrEqual(15);
  network.run(3_000);
  expect(network.lowest()).toBeGreaterThanOrEqual(3);
  expectAgreement(network);
});
