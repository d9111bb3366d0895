/**
 * One answer from several nodes that may be slow, silent or dishonest: the first is asked, then another whenever one fails or takes
 * long, and the first answer that satisfies wins. Nobody is asked in vain where the first one serves.
 */
import type { DoorConnection } from "./connect.ts";
import { ClientError } from "./failure.ts";

export interface Patience {
  readonly timeoutMs: number;
  /** How long one node is waited for before the next is asked beside it. */
  readonly patienceMs: number;
  /** Told of nodes that lied. */
  readonly report: ((error: ClientError) => void) | undefined;
}

/** `attempt` rejects when its node's answer does not satisfy. Rejects when no node has an answer, or none in time. */
export function firstAnswer<T>(
  doors: readonly DoorConnection[],
  { timeoutMs, patienceMs, report }: Patience,
  attempt: (door: DoorConnection, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const given = new AbortController();
  const answer = Promise.withResolvers<T>();
  let asked = 0;
  let failed = 0;
  let worst: unknown;
  let timer: ReturnType<typeof setTimeout> | undefined;

  const askNext = (): void => {
    clearTimeout(timer);
    const door = doors[asked];
    if (door === undefined) return;
    asked++;
    if (asked < doors.length) timer = setTimeout(askNext, patienceMs);
    attempt(door, given.signal).then(answer.resolve, (error: unknown) => {
      if (given.signal.aborted) return;
      const isLie = error instanceof ClientError && error.code === "dishonest";
      if (isLie) report?.(error);
      // A lie says more than that another node had no answer.
      if (worst === undefined || isLie) worst = error;
      failed++;
      if (error instanceof ClientError && error.code === "fork") return answer.reject(error);
      if (failed === doors.length) return answer.reject(worst);
      askNext();
    });
  };
  const deadline = setTimeout(() => {
    const fact = `no node gave a proof within ${timeoutMs} ms`;
    answer.reject(worst ?? new ClientError("unavailable", fact));
  }, timeoutMs);
  if (doors.length === 0) answer.reject(new ClientError("unavailable", "no doors to ask"));
  askNext();
  return answer.promise.finally(() => {
    clearTimeout(timer);
    clearTimeout(deadline);
    given.abort(new ClientError("closed", "the answer is known"));
  });
}
