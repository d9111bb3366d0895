/**
 * Answers to those who believe no node: final headers, parts of the state, and events of orders, each with its proof. Lives where
 * the chain is executed and is told of every block.
 *
 * The roots of a height stand in a header some blocks later, and the state can be proved only as it is now. So whoever asks for a
 * part of it waits, and with each block a proof is made for him, until a final header carries the root of one of them. Where the
 * module has not changed since the newest such header, as on a quiet chain most have not, he is answered at once.
 *
 * PERF: a proof of state costs some ten microseconds and 3 kB per block of waiting. All of it together may take a tenth of the
 * thread's time, and no asker has more than his share of that and of the places to wait in; who comes beyond that is told to ask
 * again.
 */
import { present } from "@stoa/base/assert";
import { equalBytes } from "@stoa/base/bytes";
import type { Digest } from "@stoa/base/hash";
import { limits } from "@stoa/base/limits";
import type { FinalBlock } from "@stoa/protocol/block";
import { encodeDoorReply, type DoorReply, type ProofRequest } from "@stoa/protocol/door";
import { finalityProofOf } from "@stoa/protocol/finality/proof";
import { modules } from "@stoa/protocol/state-record";
import type { ProvedRecord } from "@stoa/exchange/machine/prove";
import type { Commit } from "./commit.ts";
import { findOrderEvents } from "./order-events.ts";
import { createWorkBudget } from "./work-budget.ts";

export interface Proofs {
  /** `answer` is called once, with an encoded reply: at once, or when a coming block allows it, or when the time is up. */
  readonly ask: (request: ProofRequest, answer: Answer, asker: Asker) => void;
  /** Does other work for whoever asks, in the same share of the thread's time; `undefined` when that is used up. */
  readonly within: <T>(action: () => T, asker: Asker) => T | undefined;
  /** To be told of every executed block, and to be called now and then without one. */
  readonly executed: (block: FinalBlock | undefined) => void;
}

type Answer = (reply: Uint8Array) => void;
/** Who asks: a connection, by a number of its own. */
export type Asker = number;
type HeadersRequest = Extract<ProofRequest, { kind: "headers" }>;
type CertificatesRequest = Extract<ProofRequest, { kind: "certificates" }>;
type OrderEventsRequest = Extract<ProofRequest, { kind: "orderEvents" }>;
type StateRequest = Extract<ProofRequest, { kind: "state" }>;

interface Waiting<R> {
  readonly request: R;
  readonly answer: Answer;
  readonly untilMs: number;
}

interface WaitingState extends Waiting<StateRequest> {
  readonly asker: Asker;
  /** Proofs under the roots that the module has had since the question. */
  readonly made: { readonly root: Digest; readonly proved: ProvedRecord }[];
}

const waitingMsMax = 10_000;
const waitingStatesCountMax = 128;
const waitingHeadersCountMax = limits.connectionsCountMax;
/** Roots of a module that one question is proved under: more heights than usually lie between a block and its results. */
const proofsPerQuestionCountMax = 16;
/** Bytes of blocks that are read for one answer with headers. */
const readSizeMax = limits.repairAnswerSizeMax;
/** Heights whose certificates are in one answer. */
const certificateHeightsCountMax = 16;
/** One search for events ends after this long, with what it has found. */
const searchMsMax = 20;
/** Time for answers in each window, and the window. */
const workMsMax = 100;
const workWindowMs = 1_000;

export function createProofs(commit: Commit, nowMs: () => number = () => performance.now()): Proofs {
  const work = createWorkBudget({ workMsMax, windowMs: workWindowMs }, nowMs);
  let newest = commit.blocks.read(commit.height())?.block;
  let rootsNow = rootsOf(commit);
  let states: WaitingState[] = [];
  let headers: Waiting<HeadersRequest>[] = [];

  /** Adds a proof of now when the module has changed since the last one, and answers when a final header carries one's root. */
  const settleState = (one: WaitingState): boolean => {
    const { request, made } = one;
    const root = rootsNow[modules.indexOf(request.module)]!;
    const isNew = made.length === 0 || !equalBytes(made.at(-1)!.root, root);
    if (isNew && made.length < proofsPerQuestionCountMax)
      made.push({ root, proved: commit.prove(request.module, request.key) });
    const carried = newest?.header.executed.moduleRoots[modules.indexOf(request.module)];
    const fitting = made.find((each) => carried !== undefined && equalBytes(each.root, carried));
    if (newest === undefined || fitting === undefined) return false;
    const { id, module, key } = request;
    const proof = { module, key, ...fitting.proved, executed: finalityProofOf(newest) };
    one.answer(encodeDoorReply({ kind: "state", id, proof }));
    return true;
  };

  const askState = (request: StateRequest, answer: Answer, asker: Asker): void => {
    const one: WaitingState = { request, answer, asker, untilMs: nowMs() + waitingMsMax, made: [] };
    if (settleState(one)) return;
    // Nobody takes more places than he leaves: the first has half, and there is room for others after him.
    const ownCount = states.filter((other) => other.asker === asker).length;
    if (ownCount < waitingStatesCountMax - states.length) states.push(one);
    else answer(refusal(request.id, "too many wait for proofs of state here", true));
  };

  const askHeaders = (request: HeadersRequest, answer: Answer): void => {
    const { id, from } = request;
    const last = newest?.header.height ?? 0;
    if (from !== undefined && last < from) {
      if (waitingHeadersCountMax <= headers.length) return answer(refusal(id, "too many wait for headers here", true));
      headers.push({ request, answer, untilMs: nowMs() + waitingMsMax });
      return;
    }
    if (newest === undefined) return answer(refusal(id, "no block is final yet", true));
    answer(headersReply(commit, newest, request));
  };

  const askOrderEvents = (request: OrderEventsRequest, answer: Answer): void => {
    const untilMs = nowMs() + searchMsMax;
    const isLate = (): boolean => untilMs <= nowMs();
    answer(encodeDoorReply(findOrderEvents(commit, newest?.header.executed.height ?? 0, request, isLate)));
  };

  /** Whoever waited for headers waits for the newest one, and most get the same bytes. */
  const settleHeaders = (block: FinalBlock): void => {
    const waiting = headers;
    headers = waiting.filter(({ request }) => block.header.height < request.from!);
    const next = waiting.filter(({ request }) => request.from === block.header.height);
    const shared = next.length === 0 ? undefined : headersReply(commit, block, next[0]!.request);
    for (const one of next) one.answer(withId(shared!, one.request.id));
    for (const one of waiting)
      if (one.request.from! < block.header.height) one.answer(headersReply(commit, block, one.request));
  };

  const dropLate = <R extends ProofRequest>(waiting: Waiting<R>[]): void => {
    for (const { request, answer, untilMs } of waiting)
      if (untilMs <= nowMs()) answer(refusal(request.id, "nothing that proves it became final meanwhile", true));
  };
  const inTime = ({ untilMs }: Waiting<ProofRequest>): boolean => nowMs() < untilMs;

  return {
    ask(request, answer, asker) {
      if (!work.allows(asker)) return answer(refusal(request.id, "this node is busy with other proofs", true));
      work.spend(() => {
        switch (request.kind) {
          case "headers":
            return askHeaders(request, answer);
          case "state":
            return askState(request, answer, asker);
          case "orderEvents":
            return askOrderEvents(request, answer);
          case "accountNumber": {
            const account = commit.query.accountNumber(request.owner, request.subaccount);
            return answer(encodeDoorReply({ kind: "accountNumber", id: request.id, account }));
          }
          case "certificates":
            return answer(encodeDoorReply(certificatesReply(commit, request)));
        }
      }, asker);
    },
    within: <T>(action: () => T, asker: Asker): T | undefined =>
      work.allows(asker) ? work.spend(action, asker) : undefined,
    executed(block) {
      work.spend(() => {
        if (block !== undefined) {
          newest = block;
          rootsNow = rootsOf(commit);
          settleHeaders(block);
          states = states.filter((one) => !settleState(one));
        }
        dropLate(states);
        dropLate(headers);
        states = states.filter(inTime);
        headers = headers.filter(inTime);
      });
    },
  };
}

const rootsOf = (commit: Commit): readonly Digest[] =>
  present(commit.rootsAt(commit.height()), "the roots of the last height are known").moduleRoots;

/** From the height that was asked for, as many as are read at once; `newest` alone where none was. */
function headersReply(commit: Commit, newest: FinalBlock, { id, from, countMax }: HeadersRequest): Uint8Array {
  const first = commit.blocks.first();
  if (from !== undefined && from < first) return refusal(id, `headers below ${first} are pruned at this node`, false);
  const isNewest = from === undefined || from === newest.header.height;
  const count = Math.max(1, Math.min(countMax, limits.repairItemsCountMax));
  const blocks = isNewest ? [newest] : commit.blocks.readRange(from, count, readSizeMax);
  const last = blocks.at(-1);
  if (last === undefined) return refusal(id, `block ${from} is not stored yet`, true);
  const links = blocks.slice(0, -1).map(({ header }) => header);
  return encodeDoorReply({ kind: "headers", id, chain: { links, final: finalityProofOf(last) } });
}

/** What the blocks of these heights hold, as far as they are stored. */
function certificatesReply(commit: Commit, { id, from, through }: CertificatesRequest): DoorReply {
  const count = Math.max(0, Math.min(through - from + 1, certificateHeightsCountMax));
  const heights = Array.from({ length: count }, (_, index) => Math.max(1, from) + index);
  const certificates = heights.flatMap((height) => commit.blocks.read(height)?.block.certificates ?? []);
  return { kind: "certificates", id, certificates: certificates.slice(0, limits.certificatesPerAnswerCountMax) };
}

function refusal(id: number, reason: string, retry: boolean): Uint8Array {
  return encodeDoorReply({ kind: "failure", id, reason, retry } satisfies DoorReply);
}

/** The same reply under another number, which stands behind the tag. */
function withId(reply: Uint8Array, id: number): Uint8Array {
  const copy = reply.slice();
  new DataView(copy.buffer).setUint32(1, id, true);
  return copy;
}
