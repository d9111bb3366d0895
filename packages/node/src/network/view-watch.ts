/**
 * Watches whether this validator may be cut off from the others, which it cannot see from inside the protocol: a view that does
 * not advance looks like a quiet network. Two signs are told to the operator, each after five seconds: validators with a third of
 * the stake say that they are in later views, or those that are connected are no quorum. Nothing is done about it here; the
 * replica goes on, and both signs go away by themselves.
 */
import type { View } from "@stoa/base/units";
import type { ValidatorIndex } from "@stoa/protocol/primitives";

export const networkAlarms = ["view-behind", "quorum-out-of-reach"] as const;
export type NetworkAlarm = (typeof networkAlarms)[number];

export interface RaisedAlarm {
  readonly kind: NetworkAlarm;
  /** What an operator reads. */
  readonly fact: string;
}

export interface ViewWatch {
  readonly entered: (view: View, nowMs: number) => void;
  readonly peerChanged: (peer: ValidatorIndex, connected: boolean, nowMs: number) => void;
  /** A peer says, over its own connection, in which view it is. */
  readonly reported: (peer: ValidatorIndex, view: View, nowMs: number) => void;
  readonly alarms: (nowMs: number) => readonly RaisedAlarm[];
}

export const alarmAfterMs = 5_000;
/** Validators say where they are once a second; what is older than this says nothing of now. */
const reportAgeMsMax = 5_000;

export function createViewWatch(stakes: readonly number[], self: ValidatorIndex, startMs: number): ViewWatch {
  const total = stakes.reduce((sum, stake) => sum + stake, 0);
  const connected = new Set<ValidatorIndex>([self]);
  const reports = new Map<ValidatorIndex, { readonly view: View; readonly atMs: number }>();
  let view = 0;
  let enteredMs = startMs;

  const stakeOf = (peers: Iterable<ValidatorIndex>): number => {
    let sum = 0;
    for (const peer of peers) sum += stakes[peer] ?? 0;
    return sum;
  };
  const hasQuorum = (): boolean => 2 * total < 3 * stakeOf(connected);
  let quorumLostMs = hasQuorum() ? undefined : startMs;

  const behind = (nowMs: number): RaisedAlarm | undefined => {
    if (nowMs < enteredMs + alarmAfterMs) return undefined;
    const later = [...reports].filter(([, report]) => view < report.view && nowMs <= report.atMs + reportAgeMsMax);
    const stake = stakeOf(later.map(([peer]) => peer));
    if (3 * stake < total) return undefined;
    const highest = Math.max(...later.map(([, report]) => report.view));
    const fact =
      `view ${view} has not ended for ${Math.round((nowMs - enteredMs) / 1000)} s, while validators with ${stake} of ${total} ` +
      `stake are in later views (up to ${highest}): what they send does not all arrive here; look at this validator's network`;
    return { kind: "view-behind", fact };
  };

  const isolated = (nowMs: number): RaisedAlarm | undefined => {
    if (quorumLostMs === undefined || nowMs < quorumLostMs + alarmAfterMs) return undefined;
    const fact =
      `only ${connected.size} of ${stakes.length} validators, with ${stakeOf(connected)} of ${total} stake, are connected ` +
      `(this one counted): no block can become final from here`;
    return { kind: "quorum-out-of-reach", fact };
  };

  return {
    entered(entered, nowMs) {
      view = entered;
      enteredMs = nowMs;
    },
    peerChanged(peer, isConnected, nowMs) {
      if (isConnected) connected.add(peer);
      else {
        connected.delete(peer);
        reports.delete(peer);
      }
      quorumLostMs = hasQuorum() ? undefined : (quorumLostMs ?? nowMs);
    },
    reported: (peer, reportedView, nowMs) => void reports.set(peer, { view: reportedView, atMs: nowMs }),
    alarms: (nowMs) => [behind(nowMs), isolated(nowMs)].filter((alarm) => alarm !== undefined),
  };
}

/** Says once when an alarm is raised, and once when it is over. */
export function createAlarmLog(
  report: (level: "warn" | "info", fact: string) => void,
): (alarms: readonly RaisedAlarm[]) => void {
  const raised = new Set<NetworkAlarm>();
  return (alarms) => {
    for (const kind of raised) {
      if (alarms.some((alarm) => alarm.kind === kind)) continue;
      raised.delete(kind);
      report("info", `the alarm ${kind} is over`);
    }
    for (const { kind, fact } of alarms) {
      if (raised.has(kind)) continue;
      raised.add(kind);
      report("warn", `alarm ${kind}: ${fact}`);
    }
  };
}
