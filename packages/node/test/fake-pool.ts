/** A signature pool that a test answers by hand: each check is told as it comes, and settled when the test says so. */
import type { Checks, SignaturePool } from "../src/signature-pool.ts";
import type { Verdict } from "../src/verdict.ts";

export interface FakeCheck {
  readonly encoded: Uint8Array;
  readonly urgent: boolean;
  readonly done: (verdict: Verdict) => void;
}

export function fakePool(asked: (check: FakeCheck) => void, backlog: () => number): Omit<SignaturePool, "stop"> {
  let checks: Checks | undefined;
  return {
    serve: (served) => void (checks = served),
    check(number, urgent) {
      const encoded = checks!.take(number);
      if (encoded !== undefined) asked({ encoded, urgent, done: (verdict) => checks!.judged(number, verdict) });
    },
    backlog,
  };
}
