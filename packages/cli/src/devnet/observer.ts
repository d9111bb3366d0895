/**
 * What a devnet's screen knows, gathered once a second: each validator is asked at its door whoever started it, so that one that
 * was started again elsewhere is seen to be back; the gateway tells the rest over IPC.
 */
import type { NodeStatus } from "@stoa/protocol/door";
import { openDoor, type Door } from "../door-client.ts";
import { validatorName } from "./participants.ts";
import type { DevnetStatus, TopOfBook, ValidatorStatus } from "./screen.ts";
import type { Address } from "./folder.ts";

/** What the gateway process reports. */
export interface GatewayReport {
  readonly kind: "report";
  readonly finality: { readonly p50Ms: number; readonly p99Ms: number; readonly count: number } | undefined;
  readonly tops: readonly TopOfBook[];
  /** Whether the exchange lets it trade for every API key. */
  readonly sessionsAuthorized: boolean;
}

export const isGatewayReport = (message: unknown): message is GatewayReport =>
  typeof message === "object" && message !== null && "kind" in message && message.kind === "report";

export interface Observer {
  /** Asks everybody once; never rejects. */
  readonly look: () => Promise<DevnetStatus>;
  /** `undefined` when the gateway process is gone, and what it said with it. */
  readonly takeReport: (report: GatewayReport | undefined) => void;
  readonly sessionsAuthorized: () => boolean;
  readonly setMarket: (state: DevnetStatus["market"]) => void;
  readonly close: () => void;
}

interface Sample {
  readonly atMs: number;
  readonly commands: number;
  readonly trades: number;
}

const rateWindowMs = 5_000;
const answerTimeoutMs = 5_000;

export interface ObserverOptions {
  readonly doors: readonly Address[];
  /** Answers when the gateway is up, whoever started it. */
  readonly gatewayUrl: string;
  /** The command that starts a validator or the gateway again, by name. */
  readonly restartCommand: (name: string) => string;
  /** The process of that name, if it was started here and lives. */
  readonly pidOf: (name: string) => number | undefined;
  readonly startedMs: number;
}

export function createObserver(options: ObserverOptions): Observer {
  const lookers = options.doors.map((address) => createLooker(address));
  const samples: Sample[] = [];
  let market: DevnetStatus["market"] = "off";
  let report: GatewayReport | undefined;
  return {
    async look() {
      const [gatewayAnswers, ...statuses] = await Promise.all([
        answers(options.gatewayUrl),
        ...lookers.map(({ status }) => status()),
      ]);
      const best = statuses.reduce(
        (highest, status) => (status !== undefined && (highest?.height ?? -1) < status.height ? status : highest),
        undefined,
      );
      const rates = ratesOf(samples, best);
      const finality = report?.finality;
      return {
        uptimeMs: Date.now() - options.startedMs,
        height: best?.height ?? 0,
        finality: finality && { p50Ms: finality.p50Ms, p99Ms: finality.p99Ms, ordersCount: finality.count },
        ...rates,
        validators: statuses.map((status, index) => validatorStatus(validatorName(index), status, options)),
        gateway: gatewayAnswers ? { state: "up" } : { state: "down", hint: options.restartCommand("gateway") },
        market,
        tops: report?.tops ?? [],
      };
    },
    takeReport: (next) => (report = next),
    sessionsAuthorized: () => report?.sessionsAuthorized ?? false,
    setMarket: (state) => (market = state),
    close: () => lookers.forEach(({ close }) => close()),
  };
}

export function validatorStatus(
  name: string,
  status: NodeStatus | undefined,
  { restartCommand, pidOf }: Pick<ObserverOptions, "restartCommand" | "pidOf">,
): ValidatorStatus {
  if (status === undefined) return { name, state: "down", height: 0, peersConnected: 0, hint: restartCommand(name) };
  const { height, peersConnected, halted, quarantine } = status;
  return {
    name,
    state: halted !== undefined ? "halted" : quarantine !== undefined ? "silent" : "up",
    height,
    peersConnected,
    pid: pidOf(name),
    hint: halted ?? quarantine,
  };
}

async function answers(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(answerTimeoutMs) });
    await response.arrayBuffer();
    return response.ok;
  } catch {
    return false;
  }
}

/** Per second over the last seconds; totals fall when the node that is asked is another one, and then the window begins anew. */
function ratesOf(samples: Sample[], status: NodeStatus | undefined) {
  const none = { commandsPerSecond: 0, tradesPerSecond: 0 };
  if (status === undefined) return none;
  const now: Sample = { atMs: Date.now(), commands: status.commandsTotal, trades: status.tradesTotal };
  const last = samples.at(-1);
  if (last !== undefined && (now.commands < last.commands || now.trades < last.trades)) samples.length = 0;
  samples.push(now);
  while (2 < samples.length && rateWindowMs < now.atMs - samples[0]!.atMs) samples.shift();
  const first = samples[0]!;
  const seconds = (now.atMs - first.atMs) / 1000;
  if (seconds <= 0) return none;
  return {
    commandsPerSecond: (now.commands - first.commands) / seconds,
    tradesPerSecond: (now.trades - first.trades) / seconds,
  };
}

/** Asks one door, opening it again when it was closed. */
function createLooker(address: Address) {
  let door: Door | undefined;
  return {
    async status(): Promise<NodeStatus | undefined> {
      try {
        if (door === undefined || !door.isOpen()) door = await openDoor(address);
        return (await door.ask({ kind: "status" }, "status")).status;
      } catch {
        door?.close();
        door = undefined;
        return undefined;
      }
    },
    close: () => door?.close(),
  };
}
