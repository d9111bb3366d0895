/**
 * A TCP relay in this process that makes a link worse: delay, less bandwidth, bytes that are held in one direction or both, and
 * connections that are reset. It carries bytes in order or not at all, as TCP does, and does not look into them. What it holds is
 * bounded: a side that sends more is made to wait.
 */
import { connect, createServer, type Server, type Socket } from "node:net";

export interface Target {
  readonly host: string;
  readonly port: number;
}

/** What a link is like now; changed while connections are open. */
export interface Weather {
  /** One way. */
  delayMs: number;
  /** Of each direction of each connection; absent: no limit. */
  bytesPerSecond: number | undefined;
  /** How many faults hold what the dialer sends, and what it is sent. */
  heldToTarget: number;
  heldToSource: number;
}

export interface Relay {
  readonly port: number;
  readonly weather: Weather;
  /** Call after a change of `weather`. */
  readonly changed: () => void;
  /** Resets every connection that is open; new ones are taken. */
  readonly reset: () => void;
  readonly connectionsCount: () => number;
  readonly close: () => Promise<void>;
}

const queueSizeMax = 1024 * 1024;

/** Listens on `host` and carries every connection to `target`, which may move between two connections. */
export async function openRelay(host: string, target: () => Target | undefined): Promise<Relay> {
  const weather: Weather = { delayMs: 0, bytesPerSecond: undefined, heldToTarget: 0, heldToSource: 0 };
  const pairs = new Set<Pair>();
  const server = createServer((source) => {
    const address = target();
    if (address === undefined) return void source.resetAndDestroy();
    const pair = carry(source, connect(address), weather);
    pairs.add(pair);
    source.once("close", () => pairs.delete(pair));
  });
  const port = await listen(server, host);
  return {
    port,
    weather,
    changed: () => pairs.forEach(({ flush }) => flush()),
    reset: () => pairs.forEach(({ reset }) => reset()),
    connectionsCount: () => pairs.size,
    close() {
      pairs.forEach(({ reset }) => reset());
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

function listen(server: Server, host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, host, () => resolve((server.address() as { port: number }).port));
  });
}

interface Pair {
  readonly flush: () => void;
  readonly reset: () => void;
}

function carry(source: Socket, target: Socket, weather: Weather): Pair {
  const toTarget = pump(source, target, weather, () => 0 < weather.heldToTarget);
  const toSource = pump(target, source, weather, () => 0 < weather.heldToSource);
  const reset = (): void => {
    for (const socket of [source, target]) if (!socket.destroyed) socket.resetAndDestroy();
  };
  for (const socket of [source, target]) {
    socket.setNoDelay(true);
    // An error is followed by a close, and a close of one side is the end of both.
    socket.on("error", () => undefined);
    socket.once("close", reset);
  }
  const flush = (): void => {
    toTarget();
    toSource();
  };
  return { flush, reset };
}

/** Carries one direction; returns what looks again at what waits. */
function pump(from: Socket, to: Socket, weather: Weather, isHeld: () => boolean): () => void {
  const queue: { readonly bytes: Buffer; readonly dueMs: number }[] = [];
  let size = 0;
  let lastMs = 0;
  let ended = false;
  let timer: NodeJS.Timeout | undefined;
  const flush = (): void => {
    clearTimeout(timer);
    timer = undefined;
    while (0 < queue.length && !isHeld()) {
      const waitMs = queue[0]!.dueMs - performance.now();
      // Timers are exact to a millisecond.
      if (1 <= waitMs) {
        timer = setTimeout(flush, waitMs);
        return;
      }
      const { bytes } = queue.shift()!;
      size -= bytes.length;
      if (!to.destroyed) to.write(bytes);
    }
    if (size < queueSizeMax && from.isPaused()) from.resume();
    if (ended && queue.length === 0 && !to.destroyed) to.end();
  };
  from.on("data", (bytes: Buffer) => {
    const { delayMs, bytesPerSecond } = weather;
    const sendingMs = bytesPerSecond === undefined ? 0 : (1_000 * bytes.length) / bytesPerSecond;
    lastMs = Math.max(performance.now() + delayMs, lastMs) + sendingMs;
    queue.push({ bytes, dueMs: lastMs });
    size += bytes.length;
    if (queueSizeMax <= size) from.pause();
    flush();
  });
  from.once("end", () => {
    ended = true;
    flush();
  });
  from.once("close", () => clearTimeout(timer));
  return flush;
}
