/**
 * Asking a door single questions, each with its answer or the reason why there is none. For what a node needs of doors beside
 * following blocks: where states part, and snapshots. Believes nothing; whoever asks checks the answer.
 */
import type { DoorReply, DoorRequest } from "@stoa/protocol/door";
import { openDoorLink } from "./door-link.ts";
import type { Address } from "./network/mesh.ts";

type Asked = Extract<DoorRequest, { kind: "changesWanted" | "snapshotWanted" | "chunkWanted" | "status" }>;
type Question = Asked extends infer R ? (R extends { readonly id: number } ? Omit<R, "id"> : never) : never;
type Answered = Extract<DoorReply, { readonly id: number }>;

export interface DoorQuestions {
  readonly address: Address;
  /** Rejects with what the door says, with what is wrong with its answer, or when it does not answer in time. */
  readonly ask: <K extends Answered["kind"]>(question: Question, kind: K) => Promise<Extract<Answered, { kind: K }>>;
  readonly stop: () => void;
}

const answerTimeoutMs = 10_000;
const connectTimeoutMs = 5_000;

interface Waiting {
  readonly settle: (reply: Answered) => void;
  readonly refuse: (reason: string) => void;
}

export function openDoorQuestions(address: Address, timeoutMs = answerTimeoutMs): DoorQuestions {
  const waiting = new Map<number, Waiting>();
  let next = 1;
  let up = Promise.withResolvers<void>();
  const stopped = Promise.withResolvers<never>();
  // Whoever asks hears of it; when nobody does, it is no failure.
  stopped.promise.catch(() => undefined);
  const link = openDoorLink(address, {
    onUp: () => up.resolve(),
    wants: () => true,
    onDown() {
      up = Promise.withResolvers<void>();
      for (const { refuse } of waiting.values()) refuse("it closed the connection");
    },
    onReply(reply) {
      if (!("id" in reply)) return;
      waiting.get(reply.id)?.settle(reply);
    },
  });

  return {
    address,
    async ask(question, kind) {
      await withinTime(
        Promise.race([stopped.promise, up.promise]),
        Math.min(timeoutMs, connectTimeoutMs),
        "it cannot be reached",
      );
      const id = next++;
      const answer = Promise.withResolvers<Answered>();
      waiting.set(id, { settle: answer.resolve, refuse: (reason) => answer.reject(new Error(reason)) });
      try {
        link.send({ ...question, id } as DoorRequest);
        const reply = await withinTime(answer.promise, timeoutMs, "it does not answer");
        if (reply.kind === kind) return reply as never;
        throw new Error(reply.kind === "failure" ? reply.reason : `it answers ${reply.kind} to ${question.kind}`);
      } finally {
        waiting.delete(id);
      }
    },
    stop() {
      stopped.reject(new Error("this node stops"));
      for (const { refuse } of waiting.values()) refuse("this node stops");
      link.stop();
    },
  };
}

async function withinTime<T>(promise: Promise<T>, timeoutMs: number, fact: string): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error(`${fact} within ${timeoutMs} ms`)), timeoutMs);
  try {
    return await Promise.race([promise, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

export const addressText = ({ host, port }: Address): string => `${host}:${port}`;
