/**
 * Drives a replica by the rule of `consensus/effect`: inputs queue, a turn feeds all of them to `step`, then what must be
 * durable goes to disk in one group with one fdatasync, and only then do messages and blocks leave. Sockets, disks, clocks
 * and commands are handed in, so a test can watch the order. A turn that fails releases nothing and ends the driver.
 */
import { unreachable } from "@stoa/base/assert";
import type { TimeMs } from "@stoa/base/units";
import type { DurableRecord, Effect, Input, TimerKind } from "@stoa/consensus/effect";
import type { Message } from "@stoa/consensus/message";
import type { FinalBlock } from "@stoa/protocol/block";
import type { ValidatorIndex } from "@stoa/protocol/primitives";
import { createDeadlines } from "./deadlines.ts";

type WithoutTime<T> = T extends unknown ? Omit<T, "at"> : never;
/** An input before the driver has stamped it. */
export type DriverInput = WithoutTime<Input>;
type InputOf<K extends DriverInput["kind"]> = Extract<DriverInput, { kind: K }>;
type EffectOf<K extends Effect["kind"]> = Extract<Effect, { kind: K }>;

export interface DriverParts {
  /** The replica's step, bound to it. */
  readonly step: (input: Input) => readonly Effect[];
  readonly clock: { readonly monotonicMs: () => number; readonly wallMs: () => number };
  /** Appends one group; with `barrier`, returns when it is on disk. */
  readonly persist: (records: readonly DurableRecord[], barrier: boolean) => void;
  readonly send: (to: ValidatorIndex, message: Message) => void;
  readonly broadcast: (message: Message) => void;
  /** Everything sent in this turn may leave now. */
  readonly flush: () => void;
  readonly payloadFor: (wanted: EffectOf<"payloadWanted">) => Omit<InputOf<"payload">, "kind" | "view">;
  /** A block has become final; said at once, so that a payload of the same turn leaves its commands out. */
  readonly ordered: (block: FinalBlock) => void;
  /** The same block, when all that the turn made durable is on disk. */
  readonly deliver: (block: FinalBlock) => void;
  /** Said at once, so that a payload of the same turn leaves out what a batch holds. */
  readonly lane: (effect: EffectOf<"laneRoom" | "batchHeld" | "batchDropped">) => void;
  readonly readBlocks: (wanted: EffectOf<"readBlocks">) => void;
  readonly observe: (effect: EffectOf<"progress" | "misbehaviour" | "diverged" | "evidence">) => void;
  /** The replica must not go on, for `fact`. */
  readonly halted: (fact: string) => void;
  readonly failed: (error: unknown) => void;
}

export interface Driver {
  /** Queues an input for the next turn, which runs when the event loop has read what is there to read. */
  readonly put: (input: DriverInput) => void;
  /** Nothing is fed to the replica after this. */
  readonly stop: () => void;
}

export function createDriver(parts: DriverParts): Driver {
  let inbox: DriverInput[] = [];
  let scheduled = false;
  let stopped = false;
  const deadlines = createDeadlines<TimerKind, EffectOf<"schedule">>(({ timer, view }) =>
    put({ kind: "timer", timer, view }),
  );

  const put = (input: DriverInput): void => {
    if (stopped) return;
    inbox.push(input);
    if (scheduled) return;
    scheduled = true;
    setImmediate(turn);
  };

  const stop = (): void => {
    stopped = true;
    deadlines.clear();
  };

  const turn = (): void => {
    scheduled = false;
    if (stopped || inbox.length === 0) return;
    try {
      runTurn();
    } catch (error) {
      stop();
      parts.failed(error);
    }
  };

  const runTurn = (): void => {
    const records: DurableRecord[] = [];
    const outbox: Extract<Effect, { kind: "send" | "broadcast" | "deliver" }>[] = [];
    let barrier = false;
    let haltFact: string | undefined;
    // The answer to `payloadWanted` joins the same turn, so a proposal and the leader's own vote share one fdatasync.
    for (let index = 0; index < inbox.length && haltFact === undefined; index++) {
      const at = { monotonicMs: parts.clock.monotonicMs(), wallMs: parts.clock.wallMs() as TimeMs };
      for (const effect of parts.step({ ...inbox[index]!, at } as Input)) {
        switch (effect.kind) {
          case "persist":
            records.push(effect.record);
            barrier ||= effect.barrier;
            break;
          case "deliver":
            parts.ordered(effect.block);
            outbox.push(effect);
            break;
          case "send":
          case "broadcast":
            outbox.push(effect);
            break;
          case "schedule":
            deadlines.set(effect.timer, effect.delayMs, effect);
            break;
          case "payloadWanted":
            inbox.push({ kind: "payload", view: effect.view, ...parts.payloadFor(effect) });
            break;
          case "readBlocks":
            parts.readBlocks(effect);
            break;
          case "misbehaviour":
          case "evidence":
          case "progress":
          case "diverged":
            parts.observe(effect);
            break;
          case "laneRoom":
          case "batchHeld":
          case "batchDropped":
            parts.lane(effect);
            break;
          case "halt":
            haltFact = effect.fact;
            break;
          default:
            unreachable(effect);
        }
      }
    }
    inbox = [];
    if (records.length > 0) parts.persist(records, barrier);
    for (const effect of outbox) {
      if (effect.kind === "send") parts.send(effect.to, effect.message);
      else if (effect.kind === "broadcast") parts.broadcast(effect.message);
      else parts.deliver(effect.block);
    }
    parts.flush();
    if (haltFact === undefined) return;
    stop();
    parts.halted(haltFact);
  };

  return { put, stop };
}
