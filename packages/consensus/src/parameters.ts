/** What a replica is told once: where the chain begins and how patient it is. All times in milliseconds. */
import { limits } from "@stoa/base/limits";
import type { TimeMs } from "@stoa/base/units";
import type { ExecutedRoots } from "@stoa/protocol/finality/header";

export interface Parameters {
  /** Time of genesis: block 1 is later. */
  readonly genesisTimeMs: TimeMs;
  /** Roots of genesis, height 0: what block 1 carries as executed. */
  readonly genesisRoots: ExecutedRoots;
  /** Number of this start of the node, growing; told to peers. */
  readonly session: number;
  /** D of consensus.md 3.6 while blocks become final: a leader has 2 D to propose, a view 3 D. */
  readonly initialTimeoutMs: number;
  readonly timeoutMsMax: number;
  readonly retryMsMin: number;
  /** Without work a leader waits this long before it proposes. */
  readonly idleMs: number;
  readonly statusMs: number;
  /** How long an unanswered request waits before another peer is asked. */
  readonly repairMs: number;
  /** How long acknowledgements of batches wait for more of them. */
  readonly acknowledgeMs: number;
  /** How long a batch that is needed may be on its way before it is asked for. */
  readonly fetchMs: number;
  readonly payloadSizeMax: number;
}

/** The parameters of a chain with the usual patience; `overrides` replaces any of them. */
export function parametersOf(
  chain: Pick<Parameters, "genesisTimeMs" | "genesisRoots" | "session">,
  overrides: Partial<Parameters> = {},
): Parameters {
  return {
    initialTimeoutMs: 150,
    timeoutMsMax: limits.viewTimeoutMsMax,
    retryMsMin: 250,
    idleMs: limits.idleBlockMs,
    statusMs: 1_000,
    repairMs: 1_000,
    acknowledgeMs: 50,
    fetchMs: 30,
    payloadSizeMax: limits.payloadSizeMax,
    ...chain,
    ...overrides,
  };
}
