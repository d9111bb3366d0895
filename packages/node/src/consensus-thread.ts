/**
 * The thread that agrees: the replica, its vote log, the mesh and the mempool live here together, so that between a vote
 * that arrives and the vote that answers it there is one fdatasync and no other thread. Signatures of commands are checked
 * on threads of the pool; final blocks go to the execution thread and to the door.
 */
import { parentPort, workerData, type MessagePort } from "node:worker_threads";
import { assert, present } from "@stoa/base/assert";
import { decode, encode } from "@stoa/base/codec";
import { limits } from "@stoa/base/limits";
import type { SecretSeed } from "@stoa/base/signature";
import type { Effect } from "@stoa/consensus/effect";
import { quarantineOf } from "@stoa/consensus/quarantine";
import type { Message } from "@stoa/consensus/message";
import { step } from "@stoa/consensus/replica";
import type { Replica } from "@stoa/consensus/state";
import { leader } from "@stoa/consensus/view";
import { finalBlock } from "@stoa/protocol/block";
import { chainIdOf, decodeGenesis, type Genesis } from "@stoa/protocol/genesis";
import { encodePayload } from "@stoa/protocol/payload";
import { admissionRefusals, type AdmissionRefusal } from "@stoa/protocol/door";
import type { ValidatorIndex } from "@stoa/protocol/primitives";
import { createAdmission } from "./admission.ts";
import { installBatchingCrypto } from "./batching-crypto.ts";
import { createAnnouncer, finalizationOf, type Announcer } from "./announcer.ts";
import { createBlockSize, type BlockSize } from "./block-size.ts";
import { createIntake, type Intake } from "./command-intake.ts";
import { createChecker } from "./checker.ts";
import { weightMaxAt } from "./command-weight.ts";
import { createCommitGate } from "./commit-gate.ts";
import { createDriver, type Driver } from "./consensus-driver.ts";
import { errorToData } from "./failure.ts";
import { fencedError, haltedError } from "./halt-words.ts";
import { collectWhenIdle } from "./idle-collector.ts";
import { createLanes, type Lanes, type LanesParts } from "./lanes.ts";
import { createMempool, type Mempool } from "./mempool.ts";
import { installNativeCrypto } from "./native-crypto.ts";
import { startMesh, type Address, type Mesh } from "./network/mesh.ts";
import { createAlarmLog, createViewWatch, type ViewWatch } from "./network/view-watch.ts";
import { openReplica } from "./open-replica.ts";
import type { LaneUse } from "./own-lane.ts";
import { quarantineWords } from "./quarantine-words.ts";
import { payloadCommands } from "./payload-names.ts";
import { startSignaturePool, type SignaturePool } from "./signature-pool.ts";
import type { VoteLog } from "./storage/vote-log.ts";
import type {
  ConsensusProgress,
  ConsensusToExecution,
  ConsensusToMain,
  ExecutionToConsensus,
  MainToConsensus,
  SubmitAnswers,
  SubmittedCommands,
} from "./thread-message.ts";

export interface ConsensusThreadData {
  readonly genesis: Uint8Array;
  readonly seed: SecretSeed;
  readonly self: ValidatorIndex;
  readonly folder: string;
  readonly mesh: Address;
  readonly peers: readonly (Address | undefined)[];
  readonly initialTimeoutMs: number;
  readonly votesLost: boolean;
  readonly signatureWorkersCount: number;
  readonly lanes: LaneUse;
  readonly execution: MessagePort;
}

/** Commands that wait longer than this many others are checked again when their block is final. */
const verdictsCountMax = 16_384;
const progressIntervalMs = 250;
/** Answers that nobody waits for, kept for the next final block. */
const answersCountMax = 1_024;
/** With more checks than this ahead, those of a proposal wait until its block is final. */
const anticipateBacklogMax = limits.payloadCommandsCountMax;
/** Commands sent to peers in one frame. */
const forwardSizeMax = limits.frameSizeMax / 4;

const main = present(parentPort, "consensus runs on a thread of its own");
const data = workerData as ConsensusThreadData;
const toMain = (message: ConsensusToMain): void => main.postMessage(message);
const toExecution = (message: ConsensusToExecution): void => data.execution.postMessage(message);
const report = (fact: string): void => toMain({ kind: "report", level: "warn", fact });

type Recovered = Extract<ExecutionToConsensus, { kind: "recovered" }>;

data.execution.once("message", (message: ExecutionToConsensus) => {
  assert(message.kind === "recovered", "execution says first where the chain stands");
  installNativeCrypto();
  installBatchingCrypto();
  collectWhenIdle();
  start(message).catch(fail);
});

function fail(error: unknown): void {
  toMain({ kind: "failed", error: errorToData(error) });
}

async function start(recovered: Recovered): Promise<void> {
  const genesis = present(decodeGenesis(data.genesis), "the main thread has decoded the same genesis");
  const chainId = chainIdOf(genesis);
  const keys = genesis.validators.map(({ key }) => key);
  const opened = openReplica({ ...data, genesis, recovered, report });
  const { replica, voteLog } = opened;
  const pool = startSignaturePool(data.signatureWorkersCount, fail);
  const checker = createChecker(verdictsCountMax, pool);
  const admission = createAdmission({ validatorKeys: keys, hasFaucet: genesis.faucet.enabled });
  admission.executed(recovered.authorities);
  const mempool = createMempool({ chainId, validatorKeys: keys, admission });
  mempool.finalized(recovered.finals, recovered.authorities.timeMs);
  const watch = createViewWatch(stakesOf(genesis), data.self, performance.now());
  const progress = createProgress(watch, () => silenceOf(replica, genesis));
  const gate = createCommitGate(checker, ({ payload }, encoded, signaturesValid) =>
    toExecution({ kind: "block", encoded, signaturesValid, digests: payloadCommands(payload).packedDigests }),
  );
  const forwards = createForwards(() => mesh);
  const announcer = createAnnouncements(keys.length, () => mesh);
  let executedHeight: number = recovered.executed.at(-1)!.height;
  let finalHeight = executedHeight;
  const blockSize = createBlockSize(limits.payloadSizeMax);
  /** Whether this turn has been told that there is work. */
  let workSaid = false;
  const isCalm = (): boolean => pool.backlog() < anticipateBacklogMax;
  const lanes = lanesOf(keys.length, mempool, blockSize, {
    seal: (payload) => driver.put({ kind: "batch", payload }),
    anticipate(payload) {
      if (isCalm()) gate.anticipate(payload);
    },
  });
  const intake = createIntake({
    mempool,
    checker,
    lane: lanes.choice,
    wallMs: Date.now,
    answer: answers.put,
    forward: forwards.put,
    forged: (from) => mesh.offended(from, "sent a command that nobody signed"),
    arrived() {
      if (workSaid || !mempool.hasWork()) return;
      workSaid = true;
      driver.put({ kind: "workPending", pending: true });
    },
  });

  /** For changes after which nothing may be waiting any more. */
  const changeWork = (change: () => void): void => {
    const hadWork = mempool.hasWork();
    change();
    if (hadWork && !mempool.hasWork()) driver.put({ kind: "workPending", pending: false });
  };

  const driver: Driver = createDriver({
    // What a peer sent before it was cut off may still be queued.
    step: (input) => (input.kind === "message" && mesh.isBanned(input.from) ? [] : step(replica, input)),
    clock: { monotonicMs: () => performance.now(), wallMs: Date.now },
    persist(records, barrier) {
      const startMs = performance.now();
      opened.persist(records, barrier);
      if (barrier) progress.persisted(performance.now() - startMs);
    },
    send: (to, message) => mesh.send(to, { kind: "consensus", message }),
    broadcast(message) {
      const finalization = finalizationOf(message);
      if (finalization !== undefined) return announcer.put(finalization);
      mesh.broadcast({ kind: "consensus", message });
    },
    flush() {
      mesh.flush();
      workSaid = false;
    },
    payloadFor: (wanted) => payloadFor({ mempool, lanes, blockSize }, wanted, finalHeight - executedHeight),
    lane: lanes.observe,
    ordered({ header, payload }) {
      finalHeight = header.height;
      blockSize.final(header.view, performance.now());
      const commands = lanes.commandsOf(payload);
      lanes.ordered(header);
      admission.ordered(header.height, commands);
      intake.ordered(commands.count);
      changeWork(() => mempool.finalized(commands.packedDigests, header.timeMs));
    },
    deliver(block) {
      const encoded = encode(finalBlock, block);
      const { height, timeMs } = block.header;
      toMain({ kind: "final", height, timeMs, encoded, answers: answers.take() });
      gate.put(block, encoded);
    },
    readBlocks: ({ to, request, from, through }) => toExecution({ kind: "read", to, request, from, through }),
    observe(effect) {
      if (effect.kind === "progress") return progress.observe(effect);
      if (effect.kind === "diverged") return toMain({ kind: "diverged", divergence: effect.divergence });
      if (effect.kind === "evidence") return toMain(effect);
      if (effect.provable) return mesh.offended(effect.peer, effect.fact);
      report(`validator ${effect.peer}: ${effect.fact}`);
    },
    halted: (fact) => fail(haltedError(fact)),
    failed: fail,
  });

  const mesh: Mesh = await startMesh({
    chainId,
    keys,
    self: data.self,
    seed: data.seed,
    session: voteLog.session,
    listen: data.mesh,
    onMessage(from, message) {
      if (message.kind === "commands") return message.commands.forEach((encoded) => intake.fromPeer(from, encoded));
      if (isAwaited(replica, from, message.message) && isCalm()) gate.anticipate(message.message.proposal.payload);
      if (message.message.kind === "status") watch.reported(from, message.message.status.view, performance.now());
      const finalization = finalizationOf(message.message);
      if (finalization !== undefined) announcer.heard(finalization);
      driver.put({ kind: "message", from, message: message.message });
    },
    onPeer(peer, connected) {
      lanes.setHere(peer, connected);
      watch.peerChanged(peer, connected, performance.now());
      driver.put({ kind: "peer", peer, connected });
    },
    onFenced(session) {
      driver.stop();
      fail(fencedError(session, voteLog.session));
    },
    report,
  });
  const parts: Parts = { driver, close: opened.close, voteLog, intake, mesh, pool, progress, mempool, watch };
  data.execution.on("message", (message: ExecutionToConsensus) => {
    if (message.kind === "executed") {
      executedHeight = message.roots.height;
      admission.executed(message.authorities);
      changeWork(() => mempool.judgeAgain(Date.now()));
    }
    onExecution(message, parts);
  });
  serveMain(parts);
  const { convicted } = replica.lastFinal;
  toMain({ kind: "started", meshPort: mesh.port, session: voteLog.session, convicted });
  driver.put({ kind: "start" });
}

function lanesOf(
  validatorsCount: number,
  mempool: Mempool,
  blockSize: BlockSize,
  parts: Pick<LanesParts, "seal" | "anticipate">,
): Lanes {
  return createLanes({
    mode: data.lanes,
    self: data.self,
    validatorsCount,
    mempool,
    isLinkShort: () => blockSize.isLinkShort(performance.now()),
    wallMs: Date.now,
    ...parts,
  });
}

/** Why this validator signs nothing for now, in words. */
const silenceOf = (replica: Replica, { validators }: Genesis): ReturnType<typeof quarantineWords> =>
  quarantineWords(
    quarantineOf(replica),
    validators.map(({ name }) => name),
  );

interface Parts {
  /** Closes what votes are remembered in. */
  readonly close: () => void;
  readonly driver: Driver;
  readonly voteLog: VoteLog;
  readonly intake: Intake;
  readonly mesh: Mesh;
  readonly pool: SignaturePool;
  readonly progress: Progress;
  readonly mempool: Mempool;
  readonly watch: ViewWatch;
}

/** A proposal of now by its leader: others, however many a validator sends, must not make the signature queue grow. */
function isAwaited(
  replica: Replica,
  from: ValidatorIndex,
  message: Message,
): message is Extract<Message, { kind: "proposal" }> {
  if (message.kind !== "proposal") return false;
  const { view } = message.proposal.header;
  return replica.view <= view && view <= replica.view + 1 && leader(replica, view) === from;
}

const stakesOf = (genesis: Genesis): number[] => genesis.validators.map(({ stake }) => stake);

function payloadFor(
  { mempool, lanes, blockSize }: Pick<Parts, "mempool"> & { readonly lanes: Lanes; readonly blockSize: BlockSize },
  { view, timeMs, sizeMax: sizeAllowed, batchesSize, ancestors }: Extract<Effect, { kind: "payloadWanted" }>,
  lagBlocks: number,
): { readonly payload: Uint8Array; readonly work: boolean; readonly batchesSizeMax: number } {
  const excluded = ancestors.map(({ payload }) => lanes.commandsOf(payload).packedDigests);
  // What batches weigh is not known before they are checked: the last commands tell about.
  const batchesSizeMax = Math.floor(weightMaxAt(lagBlocks) / mempool.density());
  const weightMax = weightMaxAt(lagBlocks) - Math.min(batchesSize, batchesSizeMax) * mempool.density();
  const sizeMax = Math.min(sizeAllowed, blockSize.max());
  const { commands, work } = mempool.build({ sizeMax, timeMs, excluded, weightMax });
  const payload = commands.length === 0 ? new Uint8Array(0) : encodePayload(commands);
  blockSize.proposed(view, payload.length);
  return { payload, work, batchesSizeMax };
}

/** Serves the main thread: commands, addresses, reports, the end. */
function serveMain({ driver, close, intake, mesh, pool, progress, mempool, watch }: Parts): void {
  data.peers.forEach((address, peer) => {
    if (address !== undefined) mesh.setAddress(peer as ValidatorIndex, address);
  });
  const tellAlarms = createAlarmLog((level, fact) => toMain({ kind: "report", level, fact }));
  const reporting = setInterval(() => {
    intake.tick();
    answers.flush();
    const alarms = watch.alarms(performance.now());
    tellAlarms(alarms);
    const now = { mempoolCount: mempool.count(), peersConnected: mesh.connectedCount() };
    toMain({ kind: "progress", progress: progress.take({ ...now, network: mesh.counts(), alarms }) });
  }, progressIntervalMs);
  main.on("message", (message: MainToConsensus) => {
    if (message.kind === "submit") return onSubmit(message.commands, intake);
    if (message.kind === "address") return mesh.setAddress(message.peer as ValidatorIndex, message.address);
    clearInterval(reporting);
    driver.stop();
    close();
    void Promise.all([mesh.stop(), pool.stop()]).then(() => {
      data.execution.close();
      main.close();
    });
  });
}

function onExecution(message: ExecutionToConsensus, { driver, voteLog }: Parts): void {
  switch (message.kind) {
    case "executed":
      return driver.put({ kind: "executed", roots: message.roots });
    case "read": {
      const blocks = message.blocks.map((encoded) => present(decode(finalBlock, encoded), "an own block"));
      return driver.put({ kind: "blocksRead", to: message.to as ValidatorIndex, request: message.request, blocks });
    }
    case "stored":
      return voteLog.blocksStored(message.height);
    case "recovered":
      return;
  }
}

function onSubmit({ bytes, ends, ids, toAll }: SubmittedCommands, intake: Intake): void {
  for (let index = 0; index < ends.length; index++) {
    const start = index === 0 ? 0 : ends[index - 1]!;
    intake.fromClient(ids[index]!, bytes.subarray(start, ends[index]), toAll[index] === 1);
  }
}

/**
 * Answers that are awaited cross the thread together with the others of their turn; the rest goes with the next final block, or
 * when `flush` is called now and then: the main thread is not woken for it.
 */
const answers = createAnswers();

interface Answers {
  readonly put: (id: number, refusal: AdmissionRefusal, isAwaited: boolean) => void;
  /** What has not been sent, if there is anything. */
  readonly take: () => SubmitAnswers | undefined;
  readonly flush: () => void;
}

function createAnswers(): Answers {
  let ids: number[] = [];
  let refusals: number[] = [];
  let isScheduled = false;
  const take = (): SubmitAnswers | undefined => {
    if (ids.length === 0) return undefined;
    const taken = { ids: Float64Array.from(ids), refusals: Uint8Array.from(refusals) };
    ids = [];
    refusals = [];
    return taken;
  };
  const flush = (): void => {
    isScheduled = false;
    const taken = take();
    if (taken !== undefined) toMain({ kind: "submitted", answers: taken });
  };
  return {
    put(id, refusal, isAwaited) {
      refusals.push(admissionRefusals.indexOf(refusal));
      ids.push(id);
      if (isScheduled || !(isAwaited || answersCountMax <= ids.length)) return;
      isScheduled = true;
      setImmediate(flush);
    },
    take,
    flush,
  };
}

function createAnnouncements(validatorsCount: number, mesh: () => Mesh): Announcer {
  return createAnnouncer({
    self: data.self,
    validatorsCount,
    announce(certificate) {
      mesh().broadcast({ kind: "consensus", message: { kind: "certificate", certificate } });
      mesh().flush();
    },
  });
}

/** Collects what is put during one turn of the event loop and hands it over at its end. */
function createBatch<T>(flush: (items: readonly T[]) => void): { readonly put: (item: T) => void } {
  let items: T[] = [];
  return {
    put(item) {
      if (items.push(item) > 1) return;
      setImmediate(() => {
        const batch = items;
        items = [];
        flush(batch);
      });
    },
  };
}

/** Commands for the other validators; those admitted in one turn travel in one frame per peer. */
function createForwards(mesh: () => Mesh) {
  const batch = createBatch<{ readonly encoded: Uint8Array; readonly knownBy: readonly ValidatorIndex[] }>((items) => {
    const everyone = items.filter(({ knownBy }) => knownBy.length === 0).map(({ encoded }) => encoded);
    for (const commands of portions(everyone)) mesh().broadcast({ kind: "commands", commands });
    for (const { encoded, knownBy } of items)
      if (0 < knownBy.length) mesh().broadcast({ kind: "commands", commands: [encoded] }, knownBy);
    mesh().flush();
  });
  return {
    // A copy: the command may leave the mempool, and its place go to another, before the turn ends.
    put: (encoded: Uint8Array, knownBy: readonly ValidatorIndex[]) =>
      batch.put({ encoded: Uint8Array.from(encoded), knownBy }),
  };
}

function* portions(commands: readonly Uint8Array[]): Generator<readonly Uint8Array[]> {
  let part: Uint8Array[] = [];
  let size = 0;
  for (const encoded of commands) {
    part.push(encoded);
    size += encoded.length;
    if (size < forwardSizeMax) continue;
    yield part;
    part = [];
    size = 0;
  }
  if (part.length > 0) yield part;
}

interface Progress {
  readonly observe: (effect: Extract<Effect, { kind: "progress" }>) => void;
  readonly persisted: (durationMs: number) => void;
  /** What has happened since it was taken last. */
  readonly take: (now: MomentaryProgress) => ConsensusProgress;
}
type MomentaryProgress = Pick<ConsensusProgress, "mempoolCount" | "peersConnected" | "network" | "alarms">;

function createProgress(watch: ViewWatch, quarantine: () => string | undefined): Progress {
  let view = 0;
  let leader = 0;
  let nullifiedViews = 0;
  let persistMs: number[] = [];
  let silentFor: string | undefined;
  /** Told when it changes, too: a quarantine is nothing that an operator should have to look for. */
  const quarantineNow = (): string | undefined => {
    const now = quarantine();
    if (now !== silentFor) report(now ?? "the quarantine is over: this validator votes again");
    silentFor = now;
    return now;
  };
  return {
    observe(effect) {
      if (effect.event === "nullified") nullifiedViews++;
      if (effect.event !== "entered") return;
      view = effect.view;
      leader = effect.leader;
      watch.entered(effect.view, performance.now());
    },
    persisted: (durationMs) => void persistMs.push(durationMs),
    take(now) {
      const taken = { ...now, view, leader, nullifiedViews, persistMs, quarantine: quarantineNow() };
      persistMs = [];
      return taken;
    },
  };
}
