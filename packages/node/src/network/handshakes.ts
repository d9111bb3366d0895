/**
 * The step before the mesh: which connections may begin a handshake. A handshake costs a millisecond of the thread that votes, so
 * connections are taken in as raw sockets and most of a flood is closed before a byte of theirs is read. Addresses of
 * validators (configured ones, and those from which one has proved who it is) have a budget each; all other addresses share a
 * small one. How many may be under way at once is limited too; beyond that the oldest of whoever has most goes, so that
 * connections which only stay open keep nobody out. Every handshake has a deadline, up to the peer's hello.
 */
import { lookup } from "node:dns/promises";
import { isIP, type Socket } from "node:net";
import { createTokenBucket, type TokenBucket } from "./token-bucket.ts";

export interface Handshakes {
  /** Whether this connection may go on; it is closed when not. */
  readonly admit: (socket: Socket) => boolean;
  /** The connection has said who it is, from this address and port: it counts no longer. */
  readonly done: (socket: Endpoint) => void;
  /** Validators are to be found at this host, which may be a name. */
  readonly expect: (host: string) => void;
  /** A connection turned out to be no validator's. */
  readonly noteRefused: (fact: string) => void;
  readonly refusedCount: () => number;
  readonly pendingCount: () => number;
  readonly stop: () => void;
}

export interface Endpoint {
  readonly remoteAddress?: string | undefined;
  readonly remotePort?: number | undefined;
}

interface Pending {
  readonly socket: Socket;
  readonly address: string;
  readonly deadline: NodeJS.Timeout;
}

export const handshakeMsMax = 5_000;
/** Handshakes that all addresses without a known validator may begin in a second, together. */
const strangersPerSecond = 8;
const strangersBurst = 16;
/** How long known addresses take to get their whole budget back. */
const refillSeconds = 5;
const reportMsMin = 10_000;

export function createHandshakes(validatorsCount: number, report: (fact: string) => void): Handshakes {
  // All validators may come from one address and connect anew at once, on three channels.
  const pendingCountMax = 3 * validatorsCount + 16;
  const pending = new Map<string, Pending>();
  const known = new Map<string, TokenBucket>();
  const knownCountMax = 4 * validatorsCount + 16;
  const startMs = performance.now();
  const strangers = createTokenBucket({ perSecond: strangersPerSecond, burst: strangersBurst }, startMs);
  let refusedCount = 0;
  let reportedCount = 0;
  let reportedMs = -Infinity;
  let stopped = false;

  /** A flood must not fill the log: one line now and then says how many there were. */
  const noteRefused = (fact: string): void => {
    refusedCount++;
    const nowMs = performance.now();
    if (nowMs < reportedMs + reportMsMin) return;
    report(`mesh: ${refusedCount - reportedCount} connections refused, the last: ${fact}`);
    reportedMs = nowMs;
    reportedCount = refusedCount;
  };
  const refuse = (socket: Socket, address: string, why: string): false => {
    socket.destroy();
    noteRefused(`${address}: ${why}`);
    return false;
  };

  /** The oldest handshake under way of the address that has most of them. */
  const evict = (): void => {
    const counts = new Map<string, number>();
    for (const { address } of pending.values()) counts.set(address, 1 + (counts.get(address) ?? 0));
    const most = Math.max(...counts.values());
    for (const { socket, address } of pending.values()) {
      if (counts.get(address) === most) return void refuse(socket, address, `${pending.size} were under way`);
    }
  };

  const know = (address: string): void => {
    if (known.has(address)) return;
    const rate = { perSecond: pendingCountMax / refillSeconds, burst: pendingCountMax };
    known.set(address, createTokenBucket(rate, performance.now()));
    // A validator that comes from ever new addresses makes this forget old ones, and nothing else.
    for (const oldest of known.keys()) if (knownCountMax < known.size) known.delete(oldest);
  };

  const forget = (endpoint: string): void => {
    clearTimeout(pending.get(endpoint)?.deadline);
    pending.delete(endpoint);
  };

  return {
    admit(socket) {
      if (stopped) {
        socket.destroy();
        return false;
      }
      const address = addressOf(socket);
      const budget = known.get(address) ?? strangers;
      socket.on("error", () => undefined);
      if (!budget.trySpend(1, performance.now())) return refuse(socket, address, "too many in a short time");
      if (pendingCountMax <= pending.size) evict();
      const endpoint = endpointOf(socket);
      const deadline = setTimeout(() => refuse(socket, address, "it did not say who it is in time"), handshakeMsMax);
      pending.set(endpoint, { socket, address, deadline });
      socket.once("close", () => forget(endpoint));
      return true;
    },
    done(socket) {
      forget(endpointOf(socket));
      know(addressOf(socket));
    },
    expect(host) {
      if (isIP(host) !== 0) return know(host);
      // A name that cannot be looked up now is dialed later anyway; its validator is then known by its own hello.
      lookup(host, { all: true }).then(
        (found) => stopped || found.forEach(({ address }) => know(address)),
        () => undefined,
      );
    },
    noteRefused,
    refusedCount: () => refusedCount,
    pendingCount: () => pending.size,
    stop() {
      stopped = true;
      for (const { socket } of pending.values()) socket.destroy();
    },
  };
}

const endpointOf = (socket: Endpoint): string => `${addressOf(socket)} ${socket.remotePort}`;

/** IPv4 addresses look the same whichever way they come. */
const addressOf = ({ remoteAddress }: Endpoint): string => (remoteAddress ?? "").replace(/^::ffff:/, "");
