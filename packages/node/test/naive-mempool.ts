/**
 * The mempool in its simplest form, by the same rules: one list of what is being checked and one of what waits, searched from
 * end to end, everything decoded. What the fast one is compared with.
 */
import { equalBytes } from "@stoa/base/bytes";
import { limits } from "@stoa/base/limits";
import { commandDigest, decodeCommand, type Command } from "@stoa/protocol/command";
import { wayMsMax, type Way } from "../src/command-way.ts";
import { payloadWeightMax } from "../src/command-weight.ts";
import type { MempoolOptions } from "../src/mempool.ts";
import { shareOf, type FreeRoom } from "../src/shares.ts";
import { isValid, malformed, weightOf, type Verdict } from "../src/verdict.ts";

interface Entry {
  readonly encoded: Uint8Array;
  readonly command: Command;
  readonly weight: number;
  readonly sinceMs: number;
  /** The validator whose price message it is. */
  readonly prices: number;
  /** When it took its place among the commands that no account answers for; 0 when one does. */
  commonSince: number;
  way: Way;
  waySinceMs: number;
}

export function createNaiveMempool(options: Required<MempoolOptions>) {
  let unchecked: { readonly encoded: Uint8Array; isFinal: boolean; readonly commonSince: number }[] = [];
  let commonTakenCount = 0;
  let entries: Entry[] = [];
  const finals: Uint8Array[] = [];
  /** Of commands in batches, when the last of these was seen. */
  const held: { readonly digest: Uint8Array; readonly sinceMs: number }[] = [];
  const size = (): number => entries.reduce((sum, { encoded }) => sum + encoded.length, 0);
  const isFull = (encoded: Uint8Array): boolean =>
    options.commandsCountMax <= entries.length || options.sizeMax < size() + encoded.length;
  const isTaken = ({ account, subaccount, key, nonce }: Command): boolean =>
    entries.some(
      ({ command }) =>
        equalBytes(command.account, account) &&
        command.subaccount === subaccount &&
        equalBytes(command.key, key) &&
        command.nonce === nonce,
    );
  const validatorOf = ({ account, key, body }: Command): number =>
    body.kind === "prices" && equalBytes(account, key)
      ? options.validatorKeys.findIndex((one) => equalBytes(one, key))
      : -1;

  const sizeOf = (some: readonly { readonly encoded: Uint8Array }[]): number =>
    some.reduce((sum, { encoded }) => sum + encoded.length, 0);
  const inCommon = () => [...unchecked, ...entries].filter(({ commonSince }) => 0 < commonSince);
  /** Whether the owner of the command's account may have one more beside `others`. */
  const hasShare = (
    encoded: Uint8Array,
    others: readonly { readonly encoded: Uint8Array }[],
    free: FreeRoom,
    countMax: number,
  ) => {
    const { account } = decodeCommand(encoded)!;
    const mine = others.filter((one) => equalBytes(decodeCommand(one.encoded)!.account, account));
    return mine.length < Math.min(countMax, shareOf(free.count)) && sizeOf(mine) < shareOf(free.size);
  };
  const hasCommonRoom = (encoded: Uint8Array): boolean => {
    const { commonCommandsCountMax: countMax, commonSizeMax } = options;
    const others = inCommon();
    const free = { count: countMax - others.length, size: commonSizeMax - sizeOf(others) };
    return 0 < free.count && encoded.length <= free.size && hasShare(encoded, others, free, countMax);
  };
  const hasAccountRoom = (encoded: Uint8Array): boolean => {
    const others = entries.filter((one) => one.prices === -1 && one.commonSince === 0);
    const free = { count: options.commandsCountMax - entries.length, size: options.sizeMax - size() };
    return hasShare(encoded, others, free, options.commandsPerAccountCountMax);
  };

  const enter = (encoded: Uint8Array, before: number, verdict: Verdict, nowMs: number): string => {
    const command = decodeCommand(encoded)!;
    if (isTaken(command)) return "nonce-reused";
    const judgement = options.admission.judge(encoded, nowMs);
    if (judgement !== "account" && judgement !== "common") return judgement;
    const prices = validatorOf(command);
    if (prices !== -1) entries = entries.filter((one) => one.prices !== prices);
    if (isFull(encoded)) return "mempool-full";
    const isCommon = prices === -1 && judgement === "common";
    if (isCommon && before === 0 && !hasCommonRoom(encoded)) return "common-quota";
    if (prices === -1 && !isCommon && !hasAccountRoom(encoded)) return "account-quota";
    const commonSince = isCommon ? before || ++commonTakenCount : 0;
    const inBatch = held.findLast(({ digest }) => equalBytes(digest, commandDigest(encoded)));
    const [way, waySinceMs] =
      inBatch === undefined ? (["loose", nowMs] as const) : (["lane", inBatch.sinceMs] as const);
    entries.push({ encoded, command, weight: weightOf(verdict), sinceMs: nowMs, prices, commonSince, way, waySinceMs });
    return "none";
  };

  const isLoose = ({ way, waySinceMs }: Entry, nowMs: number): boolean =>
    way === "loose" || waySinceMs + wayMsMax[way] <= nowMs;
  const setWay = (encoded: Uint8Array, way: Way, nowMs: number): void => {
    for (const one of entries) if (equalBytes(one.encoded, encoded)) Object.assign(one, { way, waySinceMs: nowMs });
  };

  return {
    setWay,
    inLane(commands: readonly Uint8Array[], nowMs: number): void {
      for (const one of commands) {
        held.push({ digest: commandDigest(one), sinceMs: nowMs });
        setWay(one, "lane", nowMs);
      }
    },
    expectNothing(nowMs: number): void {
      for (const one of entries) if (one.way === "expected") setWay(one.encoded, "loose", nowMs);
    },
    /** Of each that waits its way, and whether one of the same owner has another way than loose. */
    ways: () =>
      entries.map((one) => {
        const isOwned = ({ prices, commonSince }: Entry): boolean => prices === -1 && commonSince === 0;
        const mine = entries.filter(
          (other) => isOwned(other) && equalBytes(other.command.account, one.command.account),
        );
        return [one.way, isOwned(one) && mine.some(({ way }) => way !== "loose")];
      }),
    /** `unchecked` where the fast one gives a number. */
    offer(encoded: Uint8Array, nowMs: number): string {
      const command = decodeCommand(encoded)!;
      const checking = unchecked.find((one) => equalBytes(one.encoded, encoded));
      if (checking !== undefined) return checking.isFinal ? "known" : "unchecked";
      if (entries.some((one) => equalBytes(one.encoded, encoded))) return "known";
      if (finals.some((digest) => equalBytes(digest, commandDigest(encoded)))) return "known";
      if (!equalBytes(command.chainId, options.chainId)) return "chain-wrong";
      if (command.expiresAtMs < nowMs) return "expired";
      if (isTaken(command)) return "nonce-reused";
      const judgement = options.admission.judge(encoded, nowMs);
      if (judgement !== "account" && judgement !== "common") return judgement;
      if (isFull(encoded)) return "mempool-full";
      if (judgement === "common" && !hasCommonRoom(encoded)) return "common-quota";
      unchecked.push({ encoded, isFinal: false, commonSince: judgement === "common" ? ++commonTakenCount : 0 });
      return "unchecked";
    },
    judged(encoded: Uint8Array, verdict: Verdict, nowMs: number): string {
      const one = unchecked.find((other) => equalBytes(other.encoded, encoded))!;
      unchecked = unchecked.filter((other) => other !== one);
      if (one.isFinal) return "none";
      if (!isValid(verdict)) return verdict === malformed ? "malformed" : "signature-invalid";
      return enter(encoded, one.commonSince, verdict, nowMs);
    },
    since: (untilMs: number) => entries.filter(({ sinceMs }) => sinceMs <= untilMs).map(({ encoded }) => encoded),
    build(sizeMax: number, timeMs: number, excluded: readonly Uint8Array[], weightMax = payloadWeightMax) {
      const commands: Uint8Array[] = [];
      let bytes = 4;
      let weight = 0;
      let work = false;
      for (const one of entries) {
        if (
          one.command.expiresAtMs < timeMs ||
          !isLoose(one, timeMs) ||
          excluded.some((digest) => equalBytes(digest, commandDigest(one.encoded)))
        )
          continue;
        const isTooMuch = weightMax < weight + one.weight && 0 < commands.length;
        if (sizeMax < bytes + one.encoded.length + 4 || isTooMuch) break;
        if (limits.payloadCommandsCountMax <= commands.length) break;
        commands.push(one.encoded);
        bytes += one.encoded.length + 4;
        weight += one.weight;
        if (one.prices === -1) work = true;
      }
      return { commands, work };
    },
    /** Expired ones leave at each call: the fast one does that once a second. */
    finalized(digests: readonly Uint8Array[], timeMs: number): void {
      const isFinal = (encoded: Uint8Array): boolean =>
        digests.some((digest) => equalBytes(digest, commandDigest(encoded)));
      finals.push(...digests);
      entries = entries.filter((one) => !isFinal(one.encoded) && timeMs <= one.command.expiresAtMs);
      for (const one of unchecked) one.isFinal ||= isFinal(one.encoded);
    },
    judgeAgain(nowMs: number): void {
      const common = entries
        .filter((one) => 0 < one.commonSince)
        .sort((left, right) => left.commonSince - right.commonSince);
      for (const one of common) {
        const judgement = options.admission.judge(one.encoded, nowMs);
        if (judgement === "common") continue;
        one.commonSince = 0;
        const others = entries;
        entries = entries.filter((other) => other !== one);
        const free = { count: options.commandsCountMax - others.length, size: options.sizeMax - sizeOf(others) };
        const accounted = entries.filter((other) => other.prices === -1 && other.commonSince === 0);
        if (judgement === "account" && hasShare(one.encoded, accounted, free, options.commandsPerAccountCountMax))
          entries = others;
      }
    },
    hasWork: () => entries.some(({ prices }) => prices === -1),
    count: () => entries.length,
    size,
  };
}
