/** The guard at the key and its file: what survives what, and what the two memories tell together (BFT-057). */
import { readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { sha256, zeroDigest, type Digest } from "@stoa/base/hash";
import type { View } from "@stoa/base/units";
import type { DurableRecord } from "@stoa/consensus/effect";
import { consensusSignBytes, readConsensusSignBytes, signedKinds, type VoteKind } from "@stoa/protocol/finality/vote";
import type { ValidatorIndex } from "@stoa/protocol/primitives";
import { openAppendFile } from "../src/storage/append-file.ts";
import { systemFiles, type Files } from "../src/storage/files.ts";
import { openSigner, type Signer } from "../src/signer.ts";
import { keyOf, testFolder } from "./network.ts";

const one = sha256(Uint8Array.of(1));
const other = sha256(Uint8Array.of(2));
let folder: ReturnType<typeof testFolder>;
let reports: string[];
beforeEach(() => {
  folder = testFolder();
  reports = [];
});
afterEach(() => folder.remove());

const open = (files: Files = systemFiles): Signer =>
  openSigner({
    folder: folder.path,
    chainId: zeroDigest,
    key: keyOf(1),
    epoch: 0,
    sign: (bytes) => sha256(bytes),
    report: (fact) => reports.push(fact),
    files,
  });
/** A vote log that ends with the record of this number. */
const logOf = (records: readonly DurableRecord[] = [], session = 1, loss?: string) => ({
  records,
  session,
  loss,
  synced: () => 1,
});
const found = (records: readonly DurableRecord[], session = 1, next = 100) => ({ records, session, next });
const begun = (records: readonly DurableRecord[] = [], session = 1): Signer => {
  const signer = open();
  signer.begin(logOf(records, session));
  return signer;
};
const bytesOf = (kind: VoteKind, view: number, digest: Digest = one, chainId: Digest = zeroDigest): Uint8Array =>
  consensusSignBytes({ kind, chainId, epoch: 0, view: view as View, digest: kind === "nullify" ? undefined : digest });
const recordOf = (kind: VoteKind, view: number, digest: Digest = one): DurableRecord => {
  const common = { epoch: 0, view: view as View, signer: 1 as ValidatorIndex, signature: sha256(bytesOf(kind, view)) };
  const vote = kind === "nullify" ? { kind, ...common } : { kind, ...common, digest };
  return { kind: "voted", vote, header: undefined, payload: undefined };
};
const newest = (): string => join(folder.path, readdirSync(folder.path).sort().at(-1)!);

describe("the guard at the key (BFT-057)", () => {
  test("reads what it signs from the bytes, and refuses what excludes an earlier vote", () => {
    const signer = begun();
    expect(signer.signVote(bytesOf("notarize", 5))).toEqual(sha256(bytesOf("notarize", 5)));
    expect(signer.signVote(bytesOf("notarize", 5))).toEqual(sha256(bytesOf("notarize", 5)));
    signer.signVote(bytesOf("finalize", 5));
    expect(() => signer.signVote(bytesOf("notarize", 5, other))).toThrow("notarize vote in view 5 for another block");
    expect(() => signer.signVote(bytesOf("nullify", 5))).toThrow("it has signed a finalize vote in view 5");
    expect(() => signer.signVote(bytesOf("nullify", 6, one, other))).toThrow("another chain");
    // What is no vote is not its business.
    const proposal = consensusSignBytes({
      kind: "proposal",
      chainId: zeroDigest,
      epoch: 0,
      view: 5 as View,
      digest: other,
    });
    expect(signer.signVote(proposal)).toEqual(sha256(proposal));
    signer.close();
  });

  test("the bytes that are signed can be read back, for every kind", () => {
    for (const kind of Object.keys(signedKinds) as (keyof typeof signedKinds)[]) {
      const input = { kind, chainId: one, epoch: 7, view: (2 ** 40) as View, digest: other };
      expect(readConsensusSignBytes(consensusSignBytes(input))).toEqual(input);
    }
    expect(readConsensusSignBytes(bytesOf("nullify", 3))?.digest).toBeUndefined();
    expect(readConsensusSignBytes(one)).toBeUndefined();
  });

  test("remembers after kill -9 what was logged, and forgets what cannot have been sent", () => {
    const first = begun();
    first.signVote(bytesOf("notarize", 5));
    first.signVote(bytesOf("finalize", 4));
    first.logged(2);
    first.signVote(bytesOf("nullify", 6));
    // The process dies here: nothing is closed, and the last group never reached the vote log.
    const second = open();
    const log = [recordOf("notarize", 5), recordOf("finalize", 4)];
    expect(second.missingIn(found(log), 0 as View)).toBeUndefined();
    second.begin(logOf(log, 2));
    expect(() => second.signVote(bytesOf("nullify", 4))).toThrow("finalize vote in view 4");
    second.signVote(bytesOf("finalize", 6));
    second.close();
  });

  test("knows a vote log that lacks a vote, or a whole start, for an old copy", () => {
    const first = begun([], 3);
    first.signVote(bytesOf("notarize", 5));
    first.logged(3);
    first.close();
    const again = open();
    expect(again.session).toBe(3);
    expect(again.missingIn(found([], 3), 0 as View)).toContain("its notarize vote of view 5 is missing");
    expect(again.missingIn(found([recordOf("notarize", 5, other)], 3), 0 as View)).toContain("is missing");
    expect(again.missingIn(found([recordOf("notarize", 5)], 2), 0 as View)).toContain("ends with start 2");
    // A batch or an acknowledgement may be missing, which this file knows nothing of but their number.
    expect(again.missingIn(found([recordOf("notarize", 5)], 3, 3), 0 as View)).toContain("record 3 had been written");
    // What is final may have been dropped from the log.
    expect(again.missingIn(found([], 3), 5 as View)).toBeUndefined();
    again.close();
  });

  test("without the log, signs nothing up to what was reserved, and more is never reserved in secret", () => {
    const syncs: number[] = [];
    const counting: Files = {
      ...systemFiles,
      open(path, options) {
        const file = openAppendFile(path, options);
        return { ...file, sync: () => (syncs.push(file.size()), file.sync()) };
      },
    };
    const first = open(counting);
    first.begin(logOf());
    const before = syncs.length;
    for (let view = 1; view <= 40; view++) {
      first.signVote(bytesOf("notarize", view));
      first.signVote(bytesOf("finalize", view));
      first.logged(1 + view);
    }
    // One sync for 17 views.
    expect(syncs.length - before).toBe(3);
    first.close();
    // The power goes: only what was synced is there.
    writeFileSync(newest(), readFileSync(newest()).subarray(0, syncs.at(-1)));
    const second = open();
    expect(second.keyFloor).toBe(51);
    second.begin(logOf([{ kind: "logLost", fact: "gone", keyFloor: second.keyFloor }], 2, "gone"));
    expect(() => second.signVote(bytesOf("notarize", 40, other))).toThrow("at or below view 51");
    expect(() => second.signVote(bytesOf("notarize", 51))).toThrow("at or below view 51");
    second.signVote(bytesOf("notarize", 52));
    second.logged(99);
    second.close();
    // The floor is there after the next start, too.
    const third = open();
    third.begin(logOf([], 3));
    expect(() => third.signVote(bytesOf("nullify", 51))).toThrow("at or below view 51");
    third.close();
  });

  test("takes the floor of a quarantine before it is logged", () => {
    const signer = begun();
    signer.logging([{ kind: "floor", view: 9 as View }]);
    // The process dies before the log has it.
    const again = open();
    again.begin(logOf([], 2));
    expect(() => again.signVote(bytesOf("nullify", 9))).toThrow("at or below view 9");
    again.close();
  });

  test("is made again from the vote log when its file is gone, damaged, or an old copy", () => {
    const log = [recordOf("notarize", 5), recordOf("finalize", 5)];
    const old = begun(log);
    old.signVote(bytesOf("notarize", 6));
    old.logged(6);
    old.close();
    const copy = readFileSync(newest());
    for (const lose of [
      () => rmSync(newest()),
      () => writeFileSync(newest(), copy.subarray(0, 30)),
      () => writeFileSync(newest(), Buffer.concat([Buffer.alloc(100), copy.subarray(100)])),
      () => writeFileSync(newest(), copy),
    ]) {
      lose();
      const signer = open();
      const longer = [...log, recordOf("notarize", 6), recordOf("nullify", 7)];
      expect(signer.missingIn(found(longer), 0 as View)).toBeUndefined();
      signer.begin(logOf(longer, signer.session + 1));
      expect(() => signer.signVote(bytesOf("nullify", 5))).toThrow("finalize vote in view 5");
      expect(() => signer.signVote(bytesOf("finalize", 7))).toThrow("nullify vote in view 7");
      signer.close();
    }
  });

  test("a file of another chain or key is refused", () => {
    begun().close();
    const options = { folder: folder.path, epoch: 0, sign: sha256, report: () => undefined };
    expect(() => openSigner({ ...options, chainId: one, key: keyOf(1) })).toThrow("another chain");
    expect(() => openSigner({ ...options, chainId: zeroDigest, key: keyOf(2) })).toThrow("another validator key");
  });

  test("its file stays small however long it runs", () => {
    const signer = begun();
    for (let view = 1; view <= 12_000; view++) {
      signer.signVote(bytesOf("notarize", view));
      signer.signVote(bytesOf("finalize", view));
      signer.logging([{ kind: "finalized", height: 1, view: (view - 2) as View, digest: one, tips: [] } as never]);
      signer.logged(1 + view);
    }
    expect(readdirSync(folder.path)).toHaveLength(1);
    expect(readFileSync(newest()).length).toBeLessThan(1_200_000);
    expect(() => signer.signVote(bytesOf("nullify", 11_999))).toThrow("finalize vote");
    expect(() => signer.signVote(bytesOf("nullify", 100))).toThrow("at or below");
    signer.close();
  }, 60_000);
});
