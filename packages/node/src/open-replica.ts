/**
 * Opening what a validator remembers of its own votes: the guard at the key, the vote log, and the replica that they tell of.
 * A log that is lost, damaged, contradicts itself, or is older than what the guard remembers is put aside; the replica then
 * begins in quarantine (consensus.md 3.9). A chain that does not fit to itself is refused.
 */
import { randomBytes, randomInt } from "node:crypto";
import { join } from "node:path";
import { activeEd25519 } from "@stoa/base/active-signature";
import { present } from "@stoa/base/assert";
import { decode } from "@stoa/base/codec";
import type { Digest } from "@stoa/base/hash";
import type { SecretSeed } from "@stoa/base/signature";
import type { View } from "@stoa/base/units";
import type { DurableRecord } from "@stoa/consensus/effect";
import { parametersOf } from "@stoa/consensus/parameters";
import { recover, type Recovered } from "@stoa/consensus/recovery";
import type { Replica } from "@stoa/consensus/state";
import { finalBlock } from "@stoa/protocol/block";
import { certifiersOf } from "@stoa/protocol/finality/scheme";
import type { Genesis } from "@stoa/protocol/genesis";
import type { ValidatorIndex } from "@stoa/protocol/primitives";
import { NodeError } from "./failure.ts";
import { openSigner, signerFolder, type Signer } from "./signer.ts";
import { openVoteLog, type VoteLog, type VoteLogOptions } from "./storage/vote-log.ts";
import type { ExecutionToConsensus } from "./thread-message.ts";

export interface OpenReplicaOptions {
  readonly genesis: Genesis;
  readonly seed: SecretSeed;
  readonly self: ValidatorIndex;
  readonly folder: string;
  readonly initialTimeoutMs: number;
  /** The operator's word that this key has voted before. */
  readonly votesLost: boolean;
  readonly recovered: Extract<ExecutionToConsensus, { kind: "recovered" }>;
  readonly report: (fact: string) => void;
}

const sessionStepMax = 1_000;

export interface OpenedReplica {
  readonly replica: Replica;
  readonly voteLog: VoteLog;
  /** Appends one group to the vote log, and lets the guard at the key know before and after. */
  readonly persist: (records: readonly DurableRecord[], barrier: boolean) => void;
  readonly close: () => void;
}

export function openReplica(options: OpenReplicaOptions): OpenedReplica {
  const { genesis, seed, self, report, recovered } = options;
  const { set, scheme } = certifiersOf(genesis);
  const { executed, genesisRoots } = recovered;
  const tip = recovered.tip === undefined ? undefined : present(decode(finalBlock, recovered.tip), "an own block");
  const owner = { chainId: set.chainId, key: set.validators[self]!.key, epoch: set.epoch, report };
  const signer = openSigner({
    ...owner,
    folder: signerFolder(options.folder),
    sign: (bytes) => scheme.signVote(bytes, seed),
  });
  const recoverWith = (records: readonly DurableRecord[], session: number) =>
    recover(
      {
        set,
        self,
        sign: (bytes) => activeEd25519.sign(bytes, seed),
        signVote: signer.signVote,
        verify: activeEd25519.verify,
        scheme,
        parameters: parametersOf(
          { genesisTimeMs: genesis.timeMs, genesisRoots, session },
          { initialTimeoutMs: options.initialTimeoutMs },
        ),
        nonce: Uint8Array.from(randomBytes(32)) as Digest,
      },
      { records, tip, executed },
    );
  const folder = join(options.folder, "votes");
  const voteLog = openVotes({
    ...owner,
    folder,
    signer,
    ranBefore: options.votesLost || tip !== undefined || executed.at(-1)!.height > 0,
    finalView: (tip?.header.view ?? 0) as View,
    nowMs: Date.now(),
    // Two machines that start from one copy of a disk get different sessions, so that one of them is fenced.
    sessionStep: randomInt(1, sessionStepMax + 1),
    recoverWith,
  });
  if (voteLog.loss !== undefined) report(lossWords(voteLog.loss, folder));
  const recovery = recoverWith(voteLog.records, voteLog.session);
  if (recovery.kind === "refused") {
    throw new NodeError(
      "block-log-damaged",
      `what is stored of the chain contradicts itself: ${recovery.fact}. Move the folders blocks, events and snapshots away, ` +
        `all three (the folders votes and signer must stay), and start the node again: it fetches its chain from the others.`,
      { file: options.folder },
    );
  }
  return { replica: recovery.replica, voteLog, ...memoryOf(voteLog, signer) };
}

export interface OpenVotesOptions extends Omit<VoteLogOptions, "historyExists" | "sessionMin" | "keyFloor" | "judge"> {
  readonly signer: Signer;
  /** Whether blocks or snapshots show that this validator has run before. */
  readonly ranBefore: boolean;
  /** View of the last stored block. */
  readonly finalView: View;
  /** The wall clock. */
  readonly nowMs: number;
  /** The replica that these records make. */
  readonly recoverWith: (records: readonly DurableRecord[], session: number) => Recovered;
}

/** Opens the vote log and holds it against what the guard at the key remembers; both know the same when this returns. */
export function openVotes(options: OpenVotesOptions): VoteLog {
  const { signer, ranBefore, finalView, nowMs, recoverWith, ...rest } = options;
  const voteLog = openVoteLog({
    ...rest,
    historyExists: ranBefore || 0 < signer.session,
    // Without the guard's memory the clock tells a session that no earlier start had.
    sessionMin: 0 < signer.session ? signer.session + 1 : nowMs,
    keyFloor: signer.keyFloor,
    judge(found) {
      const dry = recoverWith(found.records, found.session);
      if (dry.kind === "refused" && dry.about === "votes") return `the vote log contradicts itself: ${dry.fact}`;
      return signer.missingIn(found, finalView);
    },
  });
  signer.begin(voteLog);
  return voteLog;
}

function memoryOf(voteLog: VoteLog, signer: Signer): Pick<OpenedReplica, "persist" | "close"> {
  return {
    persist(records, barrier) {
      signer.logging(records);
      voteLog.append(records, barrier);
      if (barrier) signer.logged(voteLog.synced());
    },
    close() {
      voteLog.close();
      signer.close();
    },
  };
}

const lossWords = (loss: string, folder: string): string =>
  `${loss}. This validator does not know what it signed, so it is in quarantine: it signs nothing until the other validators ` +
  `have shown that they are past every view in which it can have voted. What was in ${folder} is kept there under names that ` +
  `end in .lost-N.`;
