/**
 * Checks each command once, whoever asks and however often: an answer that is known is given at once, one that is on its way
 * is shared. What a final block waits for does not queue behind a crowd that wants to be admitted.
 */
import { digestSize } from "@stoa/base/hash";
import { absent, createDigestTable } from "./digest-table.ts";
import { createQueue } from "./queue.ts";
import { createRecentDigests } from "./recent-digests.ts";
import type { SignaturePool } from "./signature-pool.ts";
import type { Verdict } from "./verdict.ts";

export interface NamedCommand {
  readonly digest: Uint8Array;
  readonly encoded: Uint8Array;
}

/** Who wants a verdict; `token` tells it which. */
export interface CheckListener {
  readonly judged: (token: number, verdict: Verdict) => void;
}

/** For checks whose verdict is wanted later. */
export const nobody: CheckListener = { judged: () => undefined };

export interface Checker {
  /** The verdict on the command whose digest is at `offset` (0 unless said), if it is known. */
  readonly known: (digests: Uint8Array, offset?: number) => Verdict | undefined;
  /** Tells the listener once; at once when the verdict is known. The command's bytes must stay as they are until then. */
  readonly check: (command: NamedCommand, urgent: boolean, listener: CheckListener, token: number) => void;
}

type Asked = Parameters<Checker["check"]>;

/** With more than this many commands ahead of it, an urgent check is asked for again rather than waited for. */
const patienceCount = 256;
/** Checks that are on their way at once; with more, the next ones wait here. */
const checksCountMaxUsual = 65_536;

/** Remembers the verdicts on the last `verdictsCountMax` commands. */
export function createChecker(
  verdictsCountMax: number,
  pool: Pick<SignaturePool, "serve" | "check" | "backlog">,
  checksCountMax = checksCountMaxUsual,
): Checker {
  const verdicts = createRecentDigests(verdictsCountMax);
  /** A number for each check; what follows is kept by number. */
  const checking = createDigestTable({ countMax: checksCountMax });
  /** The bytes; `undefined` once there is a verdict. */
  const commands: (Uint8Array | undefined)[] = [];
  /** How many requests the pool has: the number is no other's before they are back. */
  const requestsCounts: number[] = [];
  const listeners: CheckListener[] = [];
  const tokens: number[] = [];
  /** Those who asked while it was on its way. */
  const others = new Map<number, [CheckListener, number][]>();
  const deferred = createQueue<Asked>();

  const known = (digests: Uint8Array, offset?: number) => verdicts.get(digests, offset) as Verdict | undefined;

  const check = (...[command, urgent, listener, token]: Asked): void => {
    const verdict = known(command.digest);
    if (verdict !== undefined) return listener.judged(token, verdict);
    const number = checking.add(command.digest);
    if (number === absent) return deferred.put([command, urgent, listener, token]);
    const isNew = commands[number] === undefined;
    if (isNew) {
      commands[number] = command.encoded;
      listeners[number] = listener;
      tokens[number] = token;
    } else {
      const late = others.get(number);
      if (late === undefined) others.set(number, [[listener, token]]);
      else late.push([listener, token]);
    }
    // An urgent request overtakes an ordinary one of the same command, which then finds that nobody waits.
    if (!isNew && !(urgent && patienceCount < pool.backlog())) return;
    requestsCounts[number] = (requestsCounts[number] ?? 0) + 1;
    pool.check(number, urgent);
  };

  const settle = (number: number, verdict: Verdict): void => {
    commands[number] = undefined;
    verdicts.set(checking.keys, verdict, digestSize * number);
    const late = others.get(number);
    others.delete(number);
    listeners[number]!.judged(tokens[number]!, verdict);
    for (const [listener, token] of late ?? []) listener.judged(token, verdict);
  };

  /** A request of this number has left the pool. */
  const returned = (number: number): void => {
    requestsCounts[number]!--;
    if (0 < requestsCounts[number]! || commands[number] !== undefined) return;
    checking.remove(number);
    while (0 < deferred.count() && checking.count() < checksCountMax) check(...deferred.take()!);
  };

  pool.serve({
    take(number) {
      const encoded = commands[number];
      if (encoded === undefined) returned(number);
      return encoded;
    },
    judged(number, verdict) {
      if (commands[number] !== undefined) settle(number, verdict);
      returned(number);
    },
  });

  return { known, check };
}
