/**
 * The second guard, at the key (consensus.md 3.8): every vote passes here before it is signed, and what contradicts an earlier
 * one is refused, whatever the replica believes. It reads the bytes that it signs, and trusts nobody's word about them.
 *
 * It keeps its own file, apart from the vote log, and so tells what neither file could alone:
 *
 * - The log is lost or damaged: nothing is signed up to the last view that was reserved, 16 ahead at most. That a higher one
 *   is reserved is on disk before the first vote in it, so this holds after a power cut, too.
 * - The log is an older copy of itself: it lacks a session, a record that had been written to it, or a vote that was signed and
 *   logged. Then it counts as lost.
 * - This file is lost, or an older copy: it is made again from the log, which has everything that was ever sent.
 *
 * Votes are written here in one piece with the word that their group was logged: after that, and before any of it is sent. What
 * was signed and is in neither file when the process dies was never sent. With both lost, what protects is the quorum of the
 * others (consensus.md 3.9).
 */
import { join } from "node:path";
import { equalBytes } from "@stoa/base/bytes";
import type { Digest } from "@stoa/base/hash";
import type { PublicKey } from "@stoa/base/signature";
import type { View } from "@stoa/base/units";
import type { DurableRecord } from "@stoa/consensus/effect";
import {
  emptySigningTable,
  enterSigned,
  isSigned,
  raiseSigningFloor,
  signedVotes,
  signingConflict,
  type SigningTable,
  type VoteSubject,
} from "@stoa/consensus/signing-table";
import { readConsensusSignBytes } from "@stoa/protocol/finality/vote";
import { NodeError } from "./failure.ts";
import { systemFiles, type Files } from "./storage/files.ts";
import { openSignerFile, type SignerEntry } from "./storage/signer-file.ts";
import type { FoundLog, VoteLog } from "./storage/vote-log.ts";

export interface SignerOptions {
  readonly folder: string;
  readonly chainId: Digest;
  readonly key: PublicKey;
  readonly epoch: number;
  /** Makes the signature. */
  readonly sign: (message: Uint8Array) => Uint8Array;
  readonly report: (fact: string) => void;
  readonly files?: Files;
}

export interface Signer {
  /** The last start that is remembered, 0 for none. */
  readonly session: number;
  /** Without the vote log, nothing at or below this view is signed. */
  readonly keyFloor: View;
  /** What a vote log lacks of what is remembered here, in words. */
  readonly missingIn: (found: FoundLog, finalView: View) => string | undefined;
  /** The vote log is open: what is remembered becomes what it holds and what is remembered besides. Comes before `signVote`. */
  readonly begin: (log: Pick<VoteLog, "session" | "records" | "loss" | "synced">) => void;
  /** Throws when the vote contradicts an earlier one. */
  readonly signVote: (message: Uint8Array) => Uint8Array;
  /** Records are about to be logged: floors among them hold here first. */
  readonly logging: (records: readonly DurableRecord[]) => void;
  /** The vote log is on disk up to the record of this number, so votes in it may be sent. */
  readonly logged: (number: number) => void;
  readonly close: () => void;
}

/** Reserved beyond the view of a vote when it is above what was reserved: one sync for so many views. */
const reservedViews = 16;
const fileSizeMax = 1024 * 1024;

export function openSigner(options: SignerOptions): Signer {
  const { chainId, sign } = options;
  const file = openSignerFile({ ...options, files: options.files ?? systemFiles });
  const memory = memoryOf(file.entries, options.epoch);
  const { table } = memory;
  let { session, reserved, logged } = memory;
  /** Signed in this process, and in no file before `logged`. */
  let unwritten: SignerEntry[] = [];

  const rewrite = (): void => {
    unwritten = [];
    file.begin([
      { kind: "session", session },
      { kind: "reserved", view: reserved },
      { kind: "floor", view: table.floor },
      ...signedVotes(table).map(entryOf),
      { kind: "logged", number: logged },
    ]);
  };

  return {
    session: memory.session,
    keyFloor: memory.session === 0 ? (0 as View) : keyFloorOf(memory),
    missingIn: (found, finalView) => missingIn(memory, found, finalView),
    begin({ session: now, records, loss, synced }) {
      // A key that never signed has nothing to be silent about: then the others alone say where the floor is.
      if (loss !== undefined && 0 < session) raiseSigningFloor(table, keyFloorOf({ table, reserved }));
      restoreFrom(table, records);
      session = now;
      logged = synced();
      reserved = Math.max(reserved, table.floor, ...signedVotes(table).map(({ view }) => view)) as View;
      rewrite();
    },
    signVote(message) {
      const subject = readConsensusSignBytes(message);
      if (subject?.kind !== "notarize" && subject?.kind !== "nullify" && subject?.kind !== "finalize")
        return sign(message);
      const vote = { kind: subject.kind, epoch: subject.epoch, view: subject.view, digest: subject.digest };
      const conflict = equalBytes(subject.chainId, chainId) ? signingConflict(table, vote) : "it is for another chain";
      if (conflict !== undefined) throw refusal(vote, conflict);
      if (isSigned(table, vote)) return sign(message);
      if (reserved < vote.view) {
        reserved = (vote.view + reservedViews) as View;
        file.append([{ kind: "reserved", view: reserved }]);
        file.sync();
      }
      unwritten.push(entryOf(vote));
      enterSigned(table, vote);
      return sign(message);
    },
    logging(records) {
      for (const one of records) {
        if (one.kind === "finalized") raiseSigningFloor(table, one.view);
        if (one.kind !== "floor") continue;
        raiseSigningFloor(table, one.view);
        file.append([{ kind: "floor", view: table.floor }]);
        file.sync();
      }
    },
    logged(number) {
      if (number <= logged) return;
      logged = number;
      file.append([...unwritten, { kind: "logged", number }]);
      unwritten = [];
      if (fileSizeMax < file.size()) rewrite();
    },
    close: file.close,
  };
}

export const signerFolder = (dataFolder: string): string => join(dataFolder, "signer");

interface Memory {
  readonly session: number;
  readonly reserved: View;
  /** Number of the last record that the vote log had on disk. */
  readonly logged: number;
  readonly table: SigningTable;
}

/** What was signed and logged; what was signed alone was never sent. */
function memoryOf(entries: readonly SignerEntry[], epoch: number): Memory {
  const table = emptySigningTable(epoch);
  let session = 0;
  let reserved = 0;
  let logged = 0;
  let unlogged: VoteSubject[] = [];
  for (const entry of entries) {
    if (entry.kind === "session") session = entry.session;
    else if (entry.kind === "reserved") reserved = Math.max(reserved, entry.view);
    else if (entry.kind === "floor") raiseSigningFloor(table, entry.view);
    else if (entry.kind === "logged") {
      logged = entry.number;
      for (const vote of unlogged) if (table.epoch <= vote.epoch) enterSigned(table, vote);
      unlogged = [];
    } else if (entry.kind !== "owner") unlogged.push(entry);
  }
  return { session, reserved: reserved as View, logged, table };
}

/** Above it no vote was ever signed. */
const keyFloorOf = ({ table, reserved }: Pick<Memory, "table" | "reserved">): View =>
  Math.max(reserved, table.floor, ...signedVotes(table).map(({ view }) => view)) as View;

function missingIn({ session, logged, table }: Memory, log: FoundLog, finalView: View): string | undefined {
  if (log.session < session) {
    return `the vote log is an old copy: it ends with start ${log.session} of this validator, and its key was used in start ${session}`;
  }
  if (log.next <= logged) {
    return `the vote log is an old copy: it ends with record ${log.next - 1}, and record ${logged} had been written to it`;
  }
  const held = emptySigningTable(table.epoch);
  restoreFrom(held, log.records);
  const gone = signedVotes(table).find((vote) => vote.view > Math.max(held.floor, finalView) && !isSigned(held, vote));
  if (gone === undefined) return undefined;
  return `the vote log is an old copy: its ${gone.kind} vote of view ${gone.view} is missing, which was signed and sent`;
}

/** Enters the own votes and the floors of a vote log. */
function restoreFrom(table: SigningTable, records: readonly DurableRecord[]): void {
  for (const record of records) {
    if (record.kind === "floor" || record.kind === "finalized") raiseSigningFloor(table, record.view);
    if (record.kind !== "voted") continue;
    const { vote } = record;
    const { kind, epoch, view } = vote;
    const subject = { kind, epoch, view, digest: vote.kind === "nullify" ? undefined : vote.digest };
    if (epoch < table.epoch || (epoch === table.epoch && view <= table.floor)) continue;
    if (signingConflict(table, subject) === undefined) enterSigned(table, subject);
  }
}

const entryOf = ({ kind, epoch, view, digest }: VoteSubject): SignerEntry => ({ kind, epoch, view, digest });

const refusal = ({ kind, view }: VoteSubject, conflict: string): NodeError =>
  new NodeError(
    "signer-refused",
    `the key of this validator refused a ${kind} vote in view ${view}: ${conflict}. Two such votes would convict it, so it ` +
      `stopped. Make sure that no other process uses this key, and start it again.`,
  );
