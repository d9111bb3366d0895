/**
 * Checks each command once, whoever asks and however often: an answer that is known is given at once, one that is on its way
 * is shared. What a final block waits for does not queue behind a crowd that wants to be admitted.
 */
import { digestSize } from "@stoa/base/hash";
import { limits } from "@stoa/base/limits";
import { absent, createDigestTable } from "./digest-table.ts";
import { createRecentDigests } from "./recent-digests.ts";
import type { SignaturePool } from "./signature-pool.ts";
import type { Verdict } from "./verdict.ts";

type Done = (verdict: Verdict) => void;

export interface Checker {
  /** The verdict on the command whose digest is at `offset` (0 unless said), if it is known. */
  readonly known: (digests: Uint8Array, offset?: number) => Verdict | undefined;
  /** Calls back once with the verdict; at once when it is known. `encoded` must stay as it is until then. */
  readonly check: (digest: Uint8Array, encoded: Uint8Array, urgent: boolean, done: Done) => void;
}

/** A command that is being checked, and who waits for it. */
interface Check {
  readonly number: number;
  readonly waiting: Done[];
  settled: boolean;
}

/** With more than this many commands ahead of it, an urgent check is asked for again rather than waited for. */
const patienceCount = 256;
/** More checks than this on their way are not shared any more. */
const sharedChecksCountMax = 4 * limits.payloadCommandsCountMax;

/** Remembers the verdicts on the last `verdictsCountMax` commands. */
export function createChecker(verdictsCountMax: number, pool: Pick<SignaturePool, "check" | "backlog">): Checker {
  const verdicts = createRecentDigests(verdictsCountMax);
  const checking = createDigestTable({ countMax: sharedChecksCountMax });
  const checks: (Check | undefined)[] = [];
  const known = (digests: Uint8Array, offset?: number) => verdicts.get(digests, offset) as Verdict | undefined;

  const settle = (check: Check, verdict: Verdict): void => {
    if (check.settled) return;
    check.settled = true;
    verdicts.set(checking.keys, verdict, digestSize * check.number);
    checking.remove(check.number);
    checks[check.number] = undefined;
    for (const done of check.waiting) done(verdict);
  };

  return {
    known,
    check(digest, encoded, urgent, done) {
      const verdict = known(digest);
      if (verdict !== undefined) return done(verdict);
      const number = checking.add(digest);
      if (number === absent) return pool.check(encoded, urgent, done);
      const before = checks[number];
      const check = before ?? { number, waiting: [], settled: false };
      checks[number] = check;
      check.waiting.push(done);
      if (before !== undefined && !(urgent && patienceCount < pool.backlog())) return;
      // An urgent request overtakes an ordinary one of the same command, which then finds that nobody waits.
      pool.check(
        encoded,
        urgent,
        (found) => settle(check, found),
        () => check.settled,
      );
    },
  };
}
