/**
 * What clients of a chain were told, held against the history that became final. Pure: records go in, sentences about what does not
 * hold come out. The promises: every acknowledged order is in the final history exactly once, none that was refused is, and
 * each client's view is consistent with one order of all, which respects real time and never goes back.
 *
 * An execution counts unless it was refused as a repetition: the same bytes may stand in the chain twice, and take effect once.
 */

/** Where a command stands in the chain. */
export interface Place {
  readonly height: number;
  readonly index: number;
}

export type RecordedAnswer =
  /** Proved: in this block, with these events (a hash of them). `refusal` is the exchange's, when it refused. */
  | {
      readonly kind: "final";
      readonly place: Place;
      readonly block: string;
      readonly refusal: string | undefined;
      readonly events: string;
    }
  /** No door took it. */
  | { readonly kind: "refused"; readonly refusals: readonly string[] }
  /** No door took it because its nonce is used; says nothing of the command. */
  | { readonly kind: "nonce-taken" }
  /** Proved by block time: it never takes effect. */
  | { readonly kind: "expired" }
  /** The client could not tell: connections were closed, or the run ended. */
  | { readonly kind: "unknown"; readonly fact: string };

/** One client's records; all clients of a run share one clock, which never goes back. */
export type ClientRecord =
  | { readonly kind: "submitted"; readonly client: number; readonly atMs: number; readonly command: string }
  | {
      readonly kind: "answered";
      readonly client: number;
      readonly atMs: number;
      readonly command: string;
      readonly answer: RecordedAnswer;
    }
  /** The client's follower handed on this final block. */
  | {
      readonly kind: "saw";
      readonly client: number;
      readonly atMs: number;
      readonly height: number;
      readonly block: string;
    }
  /** The client asked for a balance, and was shown it as of a height, proved by the header of a later one. */
  | {
      readonly kind: "read";
      readonly client: number;
      readonly startedMs: number;
      readonly atMs: number;
      readonly account: number;
      readonly amount: string;
      readonly height: number;
      readonly proof: { readonly height: number; readonly block: string };
    }
  /** The client asked again, perhaps elsewhere, what came of somebody's command. */
  | {
      readonly kind: "asked";
      readonly client: number;
      readonly atMs: number;
      readonly command: string;
      readonly place: Place;
      readonly events: string;
    };

export interface ExecutedCommand extends Place {
  readonly command: string;
  /** Of the exchange; absent when it was carried out. */
  readonly refusal: string | undefined;
  readonly events: string;
}

export interface FinalHistory {
  /** Digest of the block of each height; the first is that of height 1. */
  readonly blocks: readonly string[];
  /** In the order of the chain. */
  readonly commands: readonly ExecutedCommand[];
  /** What an account held after a height. */
  readonly balanceAt: (account: number, height: number) => string | undefined;
}

/** Why the exchange refuses what it has seen before. */
const repetitions: readonly string[] = ["nonce-reused", "nonce-too-old"];

const isRepetition = ({ refusal }: ExecutedCommand): boolean => refusal !== undefined && repetitions.includes(refusal);
const words = ({ height, index }: Place): string => `height ${height}, place ${index}`;
const isBefore = (left: Place, right: Place): boolean =>
  left.height < right.height || (left.height === right.height && left.index < right.index);
const isSame = (left: Place, right: Place): boolean => left.height === right.height && left.index === right.index;

/** Everything that does not hold, in sentences; empty when all of it does. Records may come in any order. */
export function historyFaults(records: readonly ClientRecord[], final: FinalHistory): readonly string[] {
  const inTime = [...records].sort((left, right) => left.atMs - right.atMs);
  const executions = Map.groupBy(final.commands, ({ command }) => command);
  const executionsOf = (command: string): readonly ExecutedCommand[] => executions.get(command) ?? [];
  return [
    ...inTime.flatMap((one) => (one.kind === "answered" ? answerFaults(one, executionsOf(one.command)) : [])),
    ...inTime.flatMap((one) => (one.kind === "asked" ? askedFaults(one, executionsOf(one.command)) : [])),
    ...realTimeFaults(inTime, executionsOf),
    ...viewFaults(inTime, final),
    ...readFaults(inTime, final),
    ...twiceFaults(final),
  ];
}

function answerFaults(
  { client, command, answer }: Extract<ClientRecord, { kind: "answered" }>,
  executions: readonly ExecutedCommand[],
): string[] {
  const name = `client ${client}, command ${command.slice(0, 12)}`;
  switch (answer.kind) {
    case "final": {
      const found = executions.find((one) => isSame(one, answer.place));
      if (found === undefined)
        return [`lost: ${name} was acknowledged at ${words(answer.place)}, and the final history has it not there`];
      if (found.events !== answer.events || found.refusal !== answer.refusal)
        return [
          `other: ${name} was told ${answer.refusal ?? "done"}, and the final history says ${found.refusal ?? "done"}`,
        ];
      const counted = executions.filter((one) => !isSame(one, answer.place) && !isRepetition(one));
      return counted.map((one) => `twice: ${name} took effect at ${words(answer.place)} and at ${words(one)}`);
    }
    case "refused":
      return executions.map((one) => `refused: ${name} was refused by every door, and is final at ${words(one)}`);
    case "expired":
      return executions
        .filter((one) => one.refusal === undefined)
        .map((one) => `expired: ${name} was told that it expired, and took effect at ${words(one)}`);
    case "nonce-taken":
    case "unknown":
      return [];
  }
}

function askedFaults(
  { client, command, place, events }: Extract<ClientRecord, { kind: "asked" }>,
  executions: readonly ExecutedCommand[],
): string[] {
  const found = executions.find((one) => isSame(one, place));
  if (found !== undefined && found.events === events) return [];
  return [`asked: client ${client} was shown command ${command.slice(0, 12)} at ${words(place)}, which is not so`];
}

/** What was submitted after an answer had been given stands after what was answered. */
function realTimeFaults(
  inTime: readonly ClientRecord[],
  executionsOf: (command: string) => readonly ExecutedCommand[],
): string[] {
  const faults: string[] = [];
  let last: (Place & { readonly command: string }) | undefined;
  for (const one of inTime) {
    if (one.kind === "answered" && one.answer.kind === "final") {
      const { place } = one.answer;
      if (last === undefined || isBefore(last, place)) last = { ...place, command: one.command };
    }
    if (one.kind !== "submitted" || last === undefined) continue;
    const first = executionsOf(one.command)[0];
    if (first === undefined || isBefore(last, first)) continue;
    faults.push(
      `order: command ${one.command.slice(0, 12)} was submitted after ${last.command.slice(0, 12)} had been acknowledged ` +
        `at ${words(last)}, and stands before it at ${words(first)}`,
    );
  }
  return faults;
}

/** Each client sees the blocks of the one chain, one after another. */
function viewFaults(inTime: readonly ClientRecord[], final: FinalHistory): string[] {
  const faults: string[] = [];
  const seen = new Map<number, number>();
  for (const one of inTime) {
    if (one.kind === "answered" && one.answer.kind === "final") {
      const { place, block } = one.answer;
      if (final.blocks[place.height - 1] !== block)
        faults.push(`view: client ${one.client} was answered from another block at height ${place.height}`);
    }
    if (one.kind !== "saw") continue;
    const { client, height, block } = one;
    if (final.blocks[height - 1] !== block)
      faults.push(`view: client ${client} saw another block at height ${height} than the final history has`);
    const before = seen.get(client);
    if (before !== undefined && height !== before + 1)
      faults.push(`view: client ${client} saw height ${height} after height ${before}`);
    seen.set(client, height);
  }
  return faults;
}

/**
 * What a client reads is so at that height of the one chain, and no older than what it had been shown before it asked: by an
 * earlier read or by the acknowledgement of an order of its own.
 */
function readFaults(inTime: readonly ClientRecord[], final: FinalHistory): string[] {
  const faults: string[] = [];
  /** Per client, in order of time: the highest that it had been shown by then. */
  const shown = new Map<number, { readonly atMs: number; readonly height: number }[]>();
  for (const one of inTime) {
    const known = shown.get(one.client) ?? [];
    shown.set(one.client, known);
    const note = (height: number): void =>
      void known.push({ atMs: one.atMs, height: Math.max(height, known.at(-1)?.height ?? 0) });
    if (one.kind === "answered" && one.answer.kind === "final") note(one.answer.place.height);
    if (one.kind !== "read") continue;
    const { client, account, height, amount, proof } = one;
    if (final.blocks[proof.height - 1] !== proof.block)
      faults.push(`view: client ${client} was shown a proof by another block at height ${proof.height}`);
    const held = final.balanceAt(account, height);
    if (held !== amount)
      faults.push(
        `read: client ${client} read ${amount} on account ${account} at height ${height}, where it held ${held}`,
      );
    const before = known.findLast(({ atMs }) => atMs <= one.startedMs)?.height ?? 0;
    if (height < before)
      faults.push(`back: client ${client} read height ${height} after it had been shown height ${before}`);
    note(height);
  }
  return faults;
}

/** Nothing takes effect twice, whether or not anybody waited for it. */
function twiceFaults(final: FinalHistory): string[] {
  const counted = new Map<string, ExecutedCommand>();
  const faults: string[] = [];
  for (const one of final.commands) {
    if (one.refusal !== undefined) continue;
    const before = counted.get(one.command);
    if (before === undefined) counted.set(one.command, one);
    else faults.push(`twice: command ${one.command.slice(0, 12)} took effect at ${words(before)} and at ${words(one)}`);
  }
  return faults;
}
