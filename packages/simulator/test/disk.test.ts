import { expect, test } from "vitest";
import { createPrng } from "@stoa/base/prng";
import { zeroDigest } from "@stoa/base/hash";
import type { PublicKey, Signature } from "@stoa/base/signature";
import type { View } from "@stoa/base/units";
import type { DurableRecord } from "@stoa/consensus/effect";
import type { ValidatorIndex } from "@stoa/protocol/primitives";
import { createVolume } from "@stoa/simulator/disk";
import { createStore, losePower, openStore } from "@stoa/simulator/store";
import "@stoa/simulator/run";

const identity = { chainId: zeroDigest, key: new Uint8Array(32) as unknown as PublicKey, epoch: 0 };
const silent = (): void => undefined;

const nullify = (view: number): DurableRecord => ({
  kind: "voted",
  vote: {
    kind: "nullify",
    epoch: 0,
    view: view as View,
    signer: 0 as ValidatorIndex,
    signature: new Uint8Array(64).fill(view) as Signature,
  },
  header: undefined,
  payload: undefined,
});
const viewsOf = (records: readonly DurableRecord[]): number[] =>
  records.flatMap((one) => (one.kind === "voted" ? [one.vote.view] : []));

/** A vote log with synced votes of views 1 to `count`. */
function storeWith(seed: number, count: number) {
  const store = createStore(createPrng(seed));
  const { voteLog } = openStore(store, identity, silent);
  for (let view = 1; view <= count; view++) voteLog.append([nullify(view)], true);
  store.votes.settle(store.votes.epoch());
  return { store, voteLog };
}

test("what was synced survives a crash, what was not survives in part, and the shipped log tells them apart", () => {
  const lasts = new Set<number>();
  for (let seed = 1; seed <= 60; seed++) {
    const { store, voteLog } = storeWith(seed, 20);
    voteLog.append([nullify(21), nullify(22), nullify(23), nullify(24)], true);
    losePower(store, createPrng(seed).stream("crash"));
    const views = viewsOf(openStore(store, identity, silent).voteLog.records);
    expect(views).toEqual(Array.from({ length: views.length }, (_, index) => index + 1));
    expect(views.length).toBeGreaterThanOrEqual(20);
    lasts.add(views.length);
  }
  // Torn groups lose a part, whole ones nothing: both happen.
  expect(lasts.size).toBeGreaterThan(1);
});

test("nothing that was written after a sync is there without what was written before it", () => {
  for (let seed = 1; seed <= 60; seed++) {
    const volume = createVolume(createPrng(seed));
    const file = volume.files.open("a/file");
    file.append(new Uint8Array(2_000).fill(1));
    file.sync();
    file.append(new Uint8Array(2_000).fill(2));
    volume.losePower(createPrng(seed).stream("crash"));
    const bytes = volume.files.exists("a/file") ? volume.files.read("a/file") : new Uint8Array(0);
    if (bytes.includes(2)) expect(bytes.subarray(0, 2_000).every((byte) => byte === 1)).toBe(true);
  }
});

test("a disk that confirms syncs and does nothing loses what it confirmed", () => {
  const { store, voteLog } = storeWith(1, 5);
  store.votes.faults.lyingSync = true;
  for (let view = 6; view <= 30; view++) {
    voteLog.append([nullify(view)], true);
    store.votes.settle(store.votes.epoch());
  }
  store.votes.faults.lyingSync = false;
  losePower(store, createPrng(2));
  expect(viewsOf(openStore(store, identity, silent).voteLog.records).length).toBeLessThan(30);
});

test.for(["lost", "misdirected"] as const)(
  "a log with a %s write in its middle is given up when it is opened",
  (kind) => {
    let lostCount = 0;
    for (let seed = 1; seed <= 20; seed++) {
      const { store, voteLog } = storeWith(seed, 60);
      store.votes.faults[kind] = 1;
      for (let view = 61; view <= 90; view++) {
        voteLog.append([nullify(view)], true);
        store.votes.settle(store.votes.epoch());
      }
      losePower(store, createPrng(seed).stream("crash"));
      const { loss, records } = openStore(store, identity, silent).voteLog;
      if (loss === undefined) {
        // A misdirected write may land where it should have, or where nothing is read.
        expect(viewsOf(records).length).toBe(90);
        continue;
      }
      lostCount++;
      expect(loss).toContain("the vote log is damaged");
    }
    expect(lostCount).toBeGreaterThan(15);
  },
);

test("a log with a flipped bit is given up, or the bit was where nothing is read; a vote that was synced is never cut off", () => {
  let lostCount = 0;
  for (let seed = 1; seed <= 60; seed++) {
    const { store } = storeWith(seed, 60);
    store.votes.flipBits(createPrng(seed).stream("flip"), 1);
    store.votes.restore(store.votes.platter());
    const { loss, records } = openStore(store, identity, silent).voteLog;
    if (loss === undefined) {
      expect(viewsOf(records)).toEqual(Array.from({ length: 60 }, (_, index) => index + 1));
      continue;
    }
    lostCount++;
    expect(loss).toContain("the vote log is damaged");
  }
  expect(lostCount).toBeGreaterThan(20);
});
