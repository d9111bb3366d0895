/** The trusted head: it goes on along parents, never back, and two final headers that exclude each other end all trust. */
import { expect, test } from "vitest";
import { createHeaderTrack, type Offered } from "@stoa/client/header-track";
import { isDisbelief, type Disbelief } from "@stoa/client/verify";
import { installNativeCrypto } from "@stoa/node/native-crypto";
import { headerDigest } from "@stoa/protocol/finality/header";
import { finalize } from "./chain.ts";
import { makeProvedWorld } from "./proved-world.ts";

installNativeCrypto();

const world = makeProvedWorld();
const { trusted, chainOf } = world;
const digestOf = (height: number) => headerDigest(world.blocks[height - 1]!.header);
const checkpointAt = (height: number) => ({ height, digest: digestOf(height) });
const kindOf = (offered: Offered | Disbelief): string => (isDisbelief(offered) ? offered.fact : offered.kind);
const forkChain = (height: number) => ({ links: [], final: world.forkAt(height) });

test("headers are taken once, in order, linked to the head (LIGHT-020)", () => {
  const track = createHeaderTrack(trusted);
  expect(track.newest()).toBeUndefined();
  const first = track.offer(chainOf(3, 3));
  expect(first).toMatchObject({ kind: "advanced", headers: [{ digest: digestOf(3) }] });
  expect(track.offer(chainOf(3, 3))).toEqual({ kind: "known" });
  const more = track.offer(chainOf(2, 7));
  expect(more.kind === "advanced" && more.headers.map(({ header }) => header.height)).toEqual([4, 5, 6, 7]);
  expect(track.newest()?.digest).toEqual(digestOf(7));
  expect(track.carriedHeight()).toBe(6);
});

test("what lies beyond a gap is taken only when it is said to be a jump (LIGHT-022)", () => {
  const track = createHeaderTrack(trusted);
  track.offer(chainOf(2, 3));
  expect(track.offer(chainOf(6, 8))).toEqual({ kind: "gap", from: 4 });
  expect(track.newest()?.header.height).toBe(3);
  expect(kindOf(track.offer(chainOf(6, 8), true))).toBe("advanced");
  expect(track.newest()?.header.height).toBe(8);
});

test("the head never goes back, and old headers change nothing (LIGHT-022)", () => {
  const track = createHeaderTrack(trusted);
  track.offer(chainOf(2, 8));
  for (const old of [chainOf(1, 1), chainOf(1, 5), chainOf(8, 8)])
    expect(track.offer(old, true)).toEqual({ kind: "known" });
  expect(track.newest()?.header.height).toBe(8);
});

test("a chain that is broken, of another length or not final is not taken (LIGHT-020)", () => {
  const track = createHeaderTrack(trusted);
  const chain = chainOf(2, 6);
  const hostile = [
    { ...chain, links: chain.links.toSpliced(1, 1) },
    { ...chain, links: chain.links.toReversed() },
    { ...chain, links: [...chain.links, chain.links[0]!] },
    { ...chain, links: [world.forkAt(2).header, ...chain.links.slice(1)] },
  ];
  for (const one of hostile) expect(kindOf(track.offer(one))).toContain("does not follow");
  const { final } = chain;
  const unfinal = { ...final, finalization: finalize(trusted, final.header, [0, 1]) };
  expect(kindOf(track.offer({ ...chain, final: unfinal }))).toContain("not final");
  expect(track.newest()).toBeUndefined();
});

test("a second final header of a height is a fork, with the proofs of both (LIGHT-023)", () => {
  const track = createHeaderTrack(trusted);
  track.offer(chainOf(2, 6));
  const offered = track.offer(forkChain(5));
  expect(offered).toMatchObject({ kind: "fork", height: 5, theirs: world.forkAt(5) });
  // Our side of it: the final header that makes ours of height 5 final.
  expect(offered.kind === "fork" && offered.ours).toEqual(chainOf(6, 6).final);
  expect(kindOf(track.offer(forkChain(6), true))).toBe("fork");
});

test("a final header whose parent is not the head is a fork, and without a quorum a mere lie (LIGHT-023)", () => {
  const track = createHeaderTrack(trusted);
  track.offer(chainOf(2, 4));
  const stranger = world.blocks[4]!.header;
  const header = { ...stranger, parentDigest: digestOf(2) };
  const final = {
    header,
    descendants: [],
    finalization: finalize(trusted, header, [0, 1, 2]),
    notarization: undefined,
  };
  expect(kindOf(track.offer({ links: [], final }))).toBe("fork");
  const alone = { ...final, finalization: finalize(trusted, header, [0]) };
  expect(kindOf(track.offer({ links: [], final: alone }))).toContain("not final");
  const lie = {
    ...forkChain(4),
    final: { ...world.forkAt(4), finalization: finalize(trusted, world.forkAt(4).header, [1]) },
  };
  expect(kindOf(track.offer(lie))).toContain("not final");
});

test("a header that proved a value is held against what comes later (LIGHT-023)", () => {
  const track = createHeaderTrack(trusted);
  track.offer(chainOf(2, 3));
  expect(track.witness(world.forkAt(6))).toEqual({ kind: "known" });
  expect(track.carriedHeight()).toBe(5);
  expect(kindOf(track.offer(chainOf(4, 8)))).toBe("fork");
  expect(kindOf(track.witness(chainOf(6, 6).final))).toBe("fork");
});

test("from a checkpoint on every header is linked to it, and nothing before it is taken (LIGHT-021)", () => {
  const track = createHeaderTrack(trusted, checkpointAt(4));
  expect(track.offer(chainOf(6, 8))).toEqual({ kind: "gap", from: 4 });
  expect(kindOf(track.offer(chainOf(2, 3)))).toContain("older than the checkpoint");
  expect(kindOf(track.offer(chainOf(2, 3), true))).toContain("older than the checkpoint");
  expect(kindOf(track.offer(chainOf(3, 6)))).toBe("advanced");
  expect(track.newest()?.header.height).toBe(6);
});

test("a final header that is not the checkpoint at its height is a fork (LIGHT-021)", () => {
  const track = createHeaderTrack(trusted, checkpointAt(4));
  expect(track.offer(forkChain(4))).toMatchObject({ kind: "fork", height: 4, ours: undefined });
});
