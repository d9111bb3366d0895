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
  checkedRange,
  checkedWork,
  sampleBlockSize,
  workUnitCodec,
  type PathRange,
  type Work,
} from "../monte-carlo/work.ts";
import { observationCount } from "../monte-carlo/payoff.ts";
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
  readonly work: Work;
  /** Paths that no worker has yet: what dead workers gave back, and the rest of the range. */
  readonly returned: PathRange[];
  rest: PathRange;
  readonly grain: number;
  unansweredPaths: number;
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
    if (jobs.delete(job)) job.settle(outcome);
  };
  const assign = (member: Member): void => {
    for (const job of jobs) {
      const range = job.returned.shift() ?? nextUnit(job);
      if (range === undefined) continue;
      member.current = { task: taskCount++, unit: { job, range } };
      member.port.post({ task: member.current.task, unit: encode(workUnitCodec, { ...job.work, ...range }) });
      return;
    }
  };
  const take = (member: Member, answer: Answer): void => {
    const { current } = member;
    assert(current?.task === answer.task, "a worker answers the task that it has");
    member.current = undefined;
    const { job, range } = current!.unit;
    try {
      const partial = partialOf(answer);
      if (jobs.has(job)) {
        job.merged = job.merged === undefined ? partial : mergePartials(job.merged, partial);
        job.unansweredPaths -= range.pathCount;
        if (job.unansweredPaths === 0) finish(job, { partial: job.merged });
      }
    } catch (error) {
      finish(job, { error });
    }
    assign(member);
  };
  const lose = (member: Member, reason: string): void => {
    members.delete(member);
    if (member.current !== undefined) member.current.unit.job.returned.push(member.current.unit.range);
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
      const outcome = Promise.withResolvers<Partial>();
      const job: Job = {
        settle: (one) => ("partial" in one ? outcome.resolve(one.partial) : outcome.reject(one.error)),
        work: { model, payoff, method, seed },
        returned: [],
        rest: range,
        grain: grainOf(work, range.pathCount, workerCount),
        unansweredPaths: range.pathCount,
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

/** So many units a worker that all end together. */
const unitsPerWorker = 8;
/** So many steps of paths a unit at most: some tenths of a second, after which a worker is free again when its job was cancelled. */
const unitStepsMax = 2_097_152;

/** Paths a unit: a multiple of 4,096, so that no block is walked twice and every method may be cut there. */
function grainOf({ payoff, method }: Work, pathCount: number, workerCount: number): number {
  const stepCount = observationCount(payoff) * method.stepsPerObservation;
  const wanted = Math.min(pathCount / (unitsPerWorker * workerCount), unitStepsMax / stepCount);
  return sampleBlockSize * Math.max(1, Math.floor(wanted / sampleBlockSize));
}

/** Takes the next unit off the rest of the range; it ends on a multiple of the grain. */
function nextUnit(job: Job): PathRange | undefined {
  const { firstPath, pathCount } = job.rest;
  if (pathCount === 0) return undefined;
  const next = (Math.floor(firstPath / job.grain) + 1) * job.grain;
  const taken = Math.min(next - firstPath, pathCount);
  job.rest = { firstPath: firstPath + taken, pathCount: pathCount - taken };
  return { firstPath, pathCount: taken };
}
