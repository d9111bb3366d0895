/**
 * Checks each command once, whoever asks and however often: an answer that is known is given at once, one that is on its way
 * is shared. What a final block waits for does not queue behind a crowd that wants to be admitted.
 */
import type { SignaturePool } from "./signature-pool.ts";
import type { Verdict, VerdictCache } from "./verdict.ts";

export interface Checker {
  readonly known: (name: string) => Verdict | undefined;
  /** Calls back once with the verdict; at once when it is known. */
  readonly check: (name: string, encoded: Uint8Array, urgent: boolean, done: (verdict: Verdict) => void) => void;
}

/** With more than this many commands ahead of it, an urgent check is asked for again rather than waited for. */
const patienceCount = 256;

export function createChecker(verdicts: VerdictCache, pool: Pick<SignaturePool, "check" | "backlog">): Checker {
  const waiting = new Map<string, ((verdict: Verdict) => void)[]>();
  const settle = (name: string, verdict: Verdict): void => {
    verdicts.set(name, verdict);
    const callbacks = waiting.get(name) ?? [];
    waiting.delete(name);
    for (const callback of callbacks) callback(verdict);
  };
  return {
    known: verdicts.get,
    check(name, encoded, urgent, done) {
      const verdict = verdicts.get(name);
      if (verdict !== undefined) return done(verdict);
      const others = waiting.get(name);
      if (others === undefined) waiting.set(name, [done]);
      else others.push(done);
      if (others !== undefined && !(urgent && patienceCount < pool.backlog())) return;
      // An urgent request overtakes an ordinary one of the same command, which then finds the verdict there.
      pool.check(
        encoded,
        urgent,
        (found) => settle(name, found),
        () => verdicts.get(name) !== undefined,
      );
    },
  };
}
