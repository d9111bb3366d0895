/**
 * What a pool and its workers say to each other: units of work in their canonical bytes, and partials in theirs or the refusal. The
 * only thing known here of threads is that values are copied between them.
 */
import { decodeOrThrow, encode } from "@stoa/base/codec";
import { partialCodec, type Partial } from "../monte-carlo/partial.ts";
import { createSimulation, type Simulation } from "../monte-carlo/simulation.ts";
import { workDigest, workUnitCodec } from "../monte-carlo/work.ts";
import { toHex } from "@stoa/base/bytes";
import { PricingRefusal, type RefusalReason } from "../refusal.ts";

/** A unit for a worker. */
export type Task = { readonly task: number; readonly unit: Uint8Array };

/** What it says to that. A `failure` is an error that is no refusal: a defect of this library. */
export type Answer =
  | { readonly kind: "partial"; readonly task: number; readonly partial: Uint8Array }
  | {
      readonly kind: "refusal";
      readonly task: number;
      readonly argument: string;
      readonly reason: RefusalReason;
      readonly value: unknown;
      readonly message: string;
    }
  | { readonly kind: "failure"; readonly task: number; readonly message: string };

/** Answers tasks one after another; what does not depend on the range is kept while tasks are of the same work. */
export function createResponder(): (task: Task) => Answer {
  let ready: { readonly digest: string; readonly simulation: Simulation } | undefined;
  return ({ task, unit }) => {
    try {
      const decoded = decodeOrThrow(workUnitCodec, unit);
      const digest = toHex(workDigest(decoded));
      if (ready?.digest !== digest) ready = { digest, simulation: createSimulation(decoded) };
      return { kind: "partial", task, partial: encode(partialCodec, ready.simulation.run(decoded)) };
    } catch (error) {
      if (!(error instanceof PricingRefusal)) return { kind: "failure", task, message: String(error) };
      const { argument, reason, value, message } = error;
      // What cannot be copied between threads is said in words.
      const plain = typeof value === "object" || typeof value === "function" ? String(value) : value;
      return { kind: "refusal", task, argument, reason, value: plain, message };
    }
  };
}

/** The partial of an answer; throws what the worker threw. */
export function partialOf(answer: Answer): Partial {
  switch (answer.kind) {
    case "partial":
      return decodeOrThrow(partialCodec, answer.partial);
    case "refusal": {
      const { argument, reason, value, message } = answer;
      const rule = message.slice(argument.length + 1, message.length - `: ${String(value)}`.length);
      throw new PricingRefusal(argument, reason, value, rule);
    }
    case "failure":
      throw new Error(`a worker failed: ${answer.message}`);
    default:
      return answer satisfies never;
  }
}
