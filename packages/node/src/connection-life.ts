/**
 * Whether the other end of a connection to a door is still there, reads, and wants anything. One that does not read what is queued
 * for it, or gives no sign of life, is ended; one that only rests stays, until its place is wanted by another. Knows nothing of
 * what is said on the connection.
 */
import type { WebSocket } from "ws";

export interface Patience {
  /** How often connections are looked at. */
  readonly watchMs: number;
  /** What is queued for a connection must become less within this time. */
  readonly stalledMsMax: number;
  /** How often each connection is asked for a sign of life. */
  readonly pingMs: number;
  /** Without a sign of life for this long, a connection is ended, unless it is fed: then it must read. */
  readonly silenceMsMax: number;
  /** So long after its last request a connection may lose its place to another, when all places are taken. */
  readonly restMsMin: number;
}

export const patienceDefault: Patience = {
  watchMs: 1_000,
  stalledMsMax: 10_000,
  pingMs: 20_000,
  silenceMsMax: 65_000,
  restMsMin: 5_000,
};

export interface ConnectionLife {
  /** To be called for every request. */
  readonly asked: () => void;
  /** To be called every `watchMs`: asks for signs of life, and ends a connection whose other end is gone. */
  readonly watch: (isFed: boolean) => void;
  /** Since the last request, or since the beginning. */
  readonly restMs: () => number;
}

export function createConnectionLife(
  socket: WebSocket,
  patience: Patience,
  report: (fact: string) => void,
): ConnectionLife {
  const beginMs = performance.now();
  let askedMs = beginMs;
  let pingedMs = beginMs;
  let aliveMs = beginMs;
  /** When what is queued last became less. */
  let progressMs = beginMs;
  let queuedBefore = 0;
  socket.on("pong", () => (aliveMs = performance.now()));
  return {
    asked: () => (askedMs = aliveMs = performance.now()),
    watch(isFed) {
      const nowMs = performance.now();
      const queued = socket.bufferedAmount;
      if (queued === 0 || queued < queuedBefore) progressMs = nowMs;
      // What is read is a sign of life: the answer to a ping comes after all that is queued before it.
      if (queued < queuedBefore) aliveMs = nowMs;
      queuedBefore = queued;
      if (progressMs + patience.stalledMsMax <= nowMs) {
        report(`door: a client does not read, ${queued} bytes queued for it; connection closed`);
        return socket.terminate();
      }
      if (!isFed && aliveMs + patience.silenceMsMax <= nowMs) return socket.terminate();
      if (nowMs < pingedMs + patience.pingMs || socket.readyState !== socket.OPEN) return;
      pingedMs = nowMs;
      socket.ping();
    },
    restMs: () => performance.now() - askedMs,
  };
}

/** Of connections that nothing is being done for, the one that has asked for nothing for the longest time, if for long enough. */
export function longestAtRest<T extends { readonly life: ConnectionLife }>(
  idle: Iterable<T>,
  { restMsMin }: Patience,
): T | undefined {
  let longest: T | undefined;
  let longestMs = restMsMin;
  for (const one of idle) {
    const restMs = one.life.restMs();
    if (restMs < longestMs) continue;
    longest = one;
    longestMs = restMs;
  }
  return longest;
}
