/**
 * The thread that executes: opens the stored chain, tells consensus where it stands, then takes final blocks from it one by
 * one, in order. Reads of stored blocks and receipts are answered here too, between blocks, because the logs live here.
 */
import { readlinkSync } from "node:fs";
import { setPriority } from "node:os";
import { parentPort, workerData, type MessagePort } from "node:worker_threads";
import { assert, present } from "@stoa/base/assert";
import { decode, encode } from "@stoa/base/codec";
import { limits } from "@stoa/base/limits";
import { finalBlock } from "@stoa/protocol/block";
import { decodeDoorRequest, isProofRequest } from "@stoa/protocol/door";
import { eventsCountOf, eventsOfKinds } from "@stoa/protocol/event";
import { decodeGenesis } from "@stoa/protocol/genesis";
import { rowChunks, rowsOfChanges } from "./authority-rows.ts";
import { openCommit } from "./commit.ts";
import type { StorageConfig } from "./config.ts";
import { errorToData } from "./failure.ts";
import { createExpiryList } from "./expiry-list.ts";
import { collectWhenIdle } from "./idle-collector.ts";
import { installNativeCrypto } from "./native-crypto.ts";
import { payloadCommands } from "./payload-names.ts";
import { finalDigestsCountMax } from "./mempool.ts";
import { lastDigests, recentCommandsOf } from "./recent-commands.ts";
import { createProofs } from "./proofs.ts";
import { busyReceipt, createReceipts, receiptsCountMax } from "./receipts.ts";
import type { ConsensusToExecution, ExecutionToConsensus, ExecutionToMain, MainToExecution } from "./thread-message.ts";

export interface ExecutionThreadData {
  readonly genesis: Uint8Array;
  readonly folder: string;
  readonly storage: StorageConfig;
  readonly consensus: MessagePort;
}

const executionNiceness = 5;
const syncIntervalMs = 2_000;
/** How late the status and the metrics may be: the main thread is not woken for each block. */
const executedWordIntervalMs = 50;
/** Bytes of blocks in one answer, so that it fits a frame. */
const readSizeMax = limits.frameSizeMax / 2;

const main = present(parentPort, "execution runs on a thread of its own");
const data = workerData as ExecutionThreadData;
const toMain = (message: ExecutionToMain): void => main.postMessage(message);
const toConsensus = (message: ExecutionToConsensus): void => data.consensus.postMessage(message);

try {
  run();
} catch (error) {
  toMain({ kind: "failed", error: errorToData(error) });
}

/** Lets the threads that vote go first where there are fewer processors than threads. */
function yieldToConsensus(): void {
  try {
    // On Linux a thread has a number and a priority of its own.
    const thread = Number(readlinkSync("/proc/thread-self").split("/").at(-1));
    setPriority(thread, executionNiceness);
  } catch {
    // Elsewhere all threads are equal.
  }
}

function run(): void {
  installNativeCrypto();
  collectWhenIdle();
  yieldToConsensus();
  const genesis = present(decodeGenesis(data.genesis), "the main thread has decoded the same genesis");
  const commit = openCommit({
    folder: data.folder,
    genesis,
    ...data.storage,
    report: (fact) => toMain({ kind: "report", level: "warn", fact }),
  });
  const expiries = createExpiryList();
  expiries.listed(commit.query.instruments().map((view) => view.instrument));
  const recent = recentCommandsOf(commit.blocks, Math.max(receiptsCountMax, finalDigestsCountMax));
  const receipts = createReceipts(commit, recent);
  const proofs = createProofs(commit);
  let storedHeight = 0;
  let stopped = false;

  const block = commit.blocks.read(commit.blocks.last())?.block;
  toMain({ kind: "recovered", height: commit.height() });
  toConsensus({
    kind: "recovered",
    tip: block === undefined ? undefined : encode(finalBlock, block),
    executed: commit.rootsKnown(),
    genesisRoots: commit.genesisRoots,
    authorities: {
      height: commit.height(),
      timeMs: commit.query.timeMs(),
      rows: [...rowChunks(commit.authorities())],
    },
    finals: lastDigests(recent, finalDigestsCountMax),
  });
  const executedWord = createExecutedWord(toMain);
  executedWord.add({
    height: commit.height(),
    commandsCount: 0,
    tradesCount: 0,
    expiries: expiries.changes(commit.query.timeMs()),
  });
  executedWord.flush();

  const apply = ({ encoded, signaturesValid, digests }: Extract<ConsensusToExecution, { kind: "block" }>): void => {
    const final = present(decode(finalBlock, encoded), "consensus hands over canonical blocks");
    const startMs = performance.now();
    // Known from here on: consensus has hashed every command already.
    payloadCommands(final.payload, { packedDigests: digests });
    const applied = commit.apply(final, encoded, signaturesValid);
    if (applied === undefined) return;
    const { height, timeMs } = applied.committed;
    const authorities = { height, timeMs, rows: [rowsOfChanges(applied.authoritiesChanged())] };
    toConsensus({ kind: "executed", roots: applied.roots, authorities });
    const commandsCount = receipts.executed(final);
    proofs.executed(final);
    const events = applied.encodedEvents;
    expiries.listed(eventsOfKinds(events, "instrumentListed").map(({ instrument }) => instrument));
    executedWord.add({
      height,
      commandsCount,
      tradesCount: eventsCountOf(events, "trade"),
      durationMs: performance.now() - startMs,
      expiries: expiries.changes(timeMs),
    });
  };

  let replies: { readonly id: number; readonly reply: Uint8Array }[] = [];
  /** Answers that are given in one turn cross in one message. */
  const changes = ({ wanted, asker }: Extract<MainToExecution, { kind: "changes" }>) =>
    asker === undefined ? commit.changes(wanted) : proofs.within(() => commit.changes(wanted), asker);

  const prove = ({ id, request, asker }: Extract<MainToExecution, { kind: "prove" }>): void => {
    const decoded = present(decodeDoorRequest(request), "the door hands over canonical requests");
    assert(isProofRequest(decoded), "only what is to be proved comes here");
    proofs.ask(
      decoded,
      (reply) => {
        if (replies.push({ id, reply }) > 1) return;
        setImmediate(() => {
          toMain({ kind: "proved", replies });
          replies = [];
        });
      },
      asker,
    );
  };

  const sync = (): void => {
    guard(() => proofs.executed(undefined));
    commit.syncLater().then((height) => {
      if (storedHeight < height && !stopped) toConsensus({ kind: "stored", height });
      storedHeight = Math.max(storedHeight, height);
    }, failed);
  };

  const failed = (error: unknown): void => {
    if (stopped) return;
    stopped = true;
    clearInterval(timer);
    data.consensus.close();
    toMain({ kind: "failed", error: errorToData(error) });
  };
  const guard = (action: () => void): void => {
    if (stopped) return;
    try {
      action();
    } catch (error) {
      failed(error);
    }
  };
  const timer = setInterval(sync, syncIntervalMs);

  data.consensus.on("message", (message: ConsensusToExecution) =>
    guard(() => {
      if (message.kind === "block") return apply(message);
      const countMax = Math.min(limits.repairItemsCountMax, message.through - message.from + 1);
      const blocks = commit.blocks.readRange(message.from, countMax, readSizeMax).map((one) => encode(finalBlock, one));
      toConsensus({ kind: "read", to: message.to, request: message.request, blocks });
    }),
  );
  main.on("message", (message: MainToExecution) =>
    guard(() => {
      switch (message.kind) {
        case "read": {
          const found = commit.blocks.readRange(message.from, message.countMax, readSizeMax);
          const blocks = found.map((one) => encode(finalBlock, one));
          return toMain({ kind: "read", id: message.id, blocks, first: commit.blocks.first() });
        }
        case "changes":
          return toMain({ kind: "changes", id: message.id, answer: changes(message) });
        case "snapshot":
          return void commit.offers.manifest().then((manifest) => {
            const [firstHeight, lastHeight] = [commit.blocks.first(), commit.blocks.last()];
            toMain({ kind: "snapshot", id: message.id, answer: { firstHeight, lastHeight, manifest } });
          }, failed);
        case "chunk":
          return toMain({ kind: "chunk", id: message.id, bytes: commit.offers.chunk(message.manifest, message.index) });
        case "distrust":
          return commit.distrust();
        case "receipt":
          return toMain({
            kind: "receipt",
            id: message.id,
            answer: proofs.within(() => receipts.find(message.digest), message.asker) ?? busyReceipt,
          });
        case "prove":
          return prove(message);
        case "stop":
          stopped = true;
          clearInterval(timer);
          executedWord.flush();
          commit.sync();
          commit.snapshot();
          commit.close();
          data.consensus.close();
          return main.close();
      }
    }),
  );
}

/** What is told of executed blocks, many in one message. */
function createExecutedWord(tell: (message: ExecutionToMain) => void) {
  type Word = Extract<ExecutionToMain, { kind: "executed" }>;
  type Executed = Omit<Word, "kind" | "durationsMs"> & { readonly durationMs?: number };
  let word: Word | undefined;
  let timer: NodeJS.Timeout | undefined;
  const flush = (): void => {
    clearTimeout(timer);
    timer = undefined;
    if (word !== undefined) tell(word);
    word = undefined;
  };
  return {
    flush,
    add({ height, commandsCount, tradesCount, durationMs, expiries }: Executed): void {
      word = {
        kind: "executed",
        height,
        commandsCount: commandsCount + (word?.commandsCount ?? 0),
        tradesCount: tradesCount + (word?.tradesCount ?? 0),
        durationsMs: [...(word?.durationsMs ?? []), ...(durationMs === undefined ? [] : [durationMs])],
        expiries: expiries ?? word?.expiries,
      };
      timer ??= setTimeout(flush, executedWordIntervalMs);
    },
  };
}
