/**
 * Simulation on many threads: a range is cut into units, each worker takes the next one when it has answered the last, and partials
 * are merged as they come. Sums are exact integers, so the bits are those of one thread however the units fall. How a worker is
 * started is given (`node-workers.ts`, `browser-workers.ts`); this file knows neither Node nor browsers.
 *
 * A worker that dies gives its unit to the others; when none is left the simulation fails with {@link WorkersLost}. It never waits
 * for a worker that is not there.
 */
import { assert } from "@stoa/base/assert";
import { encode } from "@stoa/base/codec";
import { mergePartials, type Partial } from "../monte-carlo/partial.ts";
import {
  blockSize,
  checkedRange,
  checkedWork,
  sampleBlockSize,
  workUnitCodec,
  type PathRange,
  type Work,
} from "../monte-carlo/work.ts";
import { integer } from "../refusal.ts";
import { partialOf, type Answer, type Task } from "./messages.ts";

/** A running worker. */
export interface WorkerPort {
  readonly post: (task: Task) => void;
  /** Stops it at once; resolves when it is gone. */
  readonly end: () => Promise<void>;
}

export type WorkerEvents = {
  readonly onAnswer: (answer: Answer) => void;
  /** It died or could not start; called at most once, and not after `end`. */
  readonly onDeath: (reason: string) => void;
};

export type StartWorker = (events: WorkerEvents) => WorkerPort;

/** Every worker has died. */
export class WorkersLost extends Error {
  override readonly name = "WorkersLost";
}

/** The caller cancelled, or ended the pool. */
export class SimulationCancelled extends Error {
  override readonly name = "SimulationCancelled";
}

/** What of an `AbortSignal` is needed. */
export interface CancelSignal {
  readonly aborted: boolean;
  readonly addEventListener: (type: "abort", listener: () => void) => void;
  readonly removeEventListener: (type: "abort", listener: () => void) => void;
}

export interface WorkerPool {
  /**
   * The partial of a range: the same bits as `simulate` on one thread. Rejects with the {@link PricingRefusal} that names the
   * argument, with {@link WorkersLost}, or with {@link SimulationCancelled}; workers go on to the next simulation after each of
   * the three but the second.
   */
  readonly simulate: (work: Work, range: PathRange, signal?: CancelSignal) => Promise<Partial>;
  /** Ends all workers; what is running is cancelled. */
  readonly end: () => Promise<void>;
}

type Job = {
  readonly settle: (outcome: { readonly partial: Partial } | { readonly error: unknown }) => void;
  waiting: PathRange[];
  readonly work: Work;
  unanswered: number;
  merged: Partial | undefined;
};
type Unit = { readonly job: Job; readonly range: PathRange };
type Member = { readonly port: WorkerPort; current: { readonly task: number; readonly unit: Unit } | undefined };

export const workersCountMax = 256;

export function createWorkerPool(start: StartWorker, workerCount: number): WorkerPool {
  integer("workerCount", workerCount, 1, workersCountMax);
  const members = new Set<Member>();
  const jobs = new Set<Job>();
  let taskCount = 0;
  let ended = false;

  const finish = (job: Job, outcome: Parameters<Job["settle"]>[0]): void => {
    if (!jobs.delete(job)) return;
    job.waiting = [];
    job.settle(outcome);
  };
  const assign = (member: Member): void => {
    const job = [...jobs].find(({ waiting }) => 0 < waiting.length);
    const range = job?.waiting.shift();
    if (job === undefined || range === undefined) return;
    member.current = { task: taskCount++, unit: { job, range } };
    member.port.post({ task: member.current.task, unit: encode(workUnitCodec, { ...job.work, ...range }) });
  };
  const take = (member: Member, answer: Answer): void => {
    const { current } = member;
    assert(current?.task === answer.task, "a worker answers the task that it has");
    member.current = undefined;
    const { job } = current!.unit;
    try {
      const partial = partialOf(answer);
      if (jobs.has(job)) {
        job.merged = job.merged === undefined ? partial : mergePartials(job.merged, partial);
        if (--job.unanswered === 0) finish(job, { partial: job.merged });
      }
    } catch (error) {
      finish(job, { error });
    }
    assign(member);
  };
  const lose = (member: Member, reason: string): void => {
    members.delete(member);
    if (member.current !== undefined) member.current.unit.job.waiting.unshift(member.current.unit.range);
    if (members.size === 0) {
      for (const job of [...jobs])
        finish(job, { error: new WorkersLost(`every worker has died; the last one: ${reason}`) });
    }
    for (const other of members) if (other.current === undefined) assign(other);
  };
  for (let index = 0; index < workerCount; index++) {
    const member: Member = {
      port: start({ onAnswer: (answer) => take(member, answer), onDeath: (reason) => lose(member, reason) }),
      current: undefined,
    };
    members.add(member);
  }

  return {
    async simulate(work, range, signal) {
      const { model, payoff, method, seed } = checkedWork(work);
      checkedRange(work, range);
      if (ended || signal?.aborted === true) throw new SimulationCancelled("cancelled before it began");
      if (members.size === 0) throw new WorkersLost("every worker of the pool has died; make another one");
      const waiting = unitsOf(range, workerCount);
      const outcome = Promise.withResolvers<Partial>();
      const job: Job = {
        settle: (one) => ("partial" in one ? outcome.resolve(one.partial) : outcome.reject(one.error)),
        waiting,
        work: { model, payoff, method, seed },
        unanswered: waiting.length,
        merged: undefined,
      };
      const cancel = (): void => finish(job, { error: new SimulationCancelled("cancelled by its signal") });
      signal?.addEventListener("abort", cancel);
      jobs.add(job);
      for (const member of members) if (member.current === undefined) assign(member);
      try {
        return await outcome.promise;
      } finally {
        signal?.removeEventListener("abort", cancel);
      }
    },
    async end() {
      ended = true;
      for (const job of [...jobs]) finish(job, { error: new SimulationCancelled("the pool was ended") });
      const ports = [...members].map(({ port }) => port);
      members.clear();
      await Promise.all(ports.map((port) => port.end()));
    },
  };
}

/** Enough units that workers end together, few enough that their cost is the paths; cut at blocks, so that no block is walked twice. */
const unitsPerWorker = 8;

function unitsOf({ firstPath, pathCount }: PathRange, workerCount: number): PathRange[] {
  const wanted = Math.ceil(pathCount / (unitsPerWorker * workerCount));
  const grain = wanted < sampleBlockSize ? sampleBlockSize : Math.ceil(wanted / sampleBlockSize) * sampleBlockSize;
  assert(grain % blockSize === 0, "units end where blocks do");
  const units: PathRange[] = [];
  const end = firstPath + pathCount;
  for (let from = firstPath; from < end; ) {
    const next = (Math.floor(from / grain) + 1) * grain;
    const to = next < end ? next : end;
    units.push({ firstPath: from, pathCount: to - from });
    from = to;
  }
  return units;
}
