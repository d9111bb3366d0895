/**
 * The mempool: commands that wait to be ordered. Admission has two steps, because signatures are checked elsewhere: `offer`
 * looks at what can be read in place, `judged` brings the verdict. Only checked commands count against an account, so nobody
 * fills another's quota with forgeries. Holds no clock, no threads, no sockets: the simulator runs it as it is.
 */
import { equalBytes } from "@stoa/base/bytes";
import type { Digest } from "@stoa/base/hash";
import { limits } from "@stoa/base/limits";
import type { PublicKey } from "@stoa/base/signature";
import { commandDigest } from "@stoa/protocol/command";
import type { AdmissionRefusal } from "@stoa/protocol/door";
import { payloadWeightMax } from "./command-weight.ts";
import { nameOf, readEnvelope } from "./envelope.ts";
import { createGenerations, isValid, malformed, weightOf, type Verdict } from "./verdict.ts";

export interface MempoolOptions {
  readonly chainId: Digest;
  /** Only price messages of these are treated as such: they alone are no reason to make a block. */
  readonly validatorKeys: readonly PublicKey[];
  readonly commandsCountMax?: number;
  readonly sizeMax?: number;
  readonly commandsPerAccountCountMax?: number;
}

export type Offer =
  /** Already waiting, being checked, or lately final: nothing to do. */
  | { readonly kind: "known"; readonly name: string }
  | { readonly kind: "refused"; readonly refusal: AdmissionRefusal }
  /** Wants a verdict; the command waits outside until `judged` is called with its name. */
  | { readonly kind: "unchecked"; readonly name: string };

interface Entry {
  readonly encoded: Uint8Array;
  /** Whose quota it uses: the key that signed, since anyone may sign in another's name and be refused later. */
  readonly signer: string;
  readonly slot: string;
  readonly expiresAtMs: number;
  readonly weight: number;
  readonly isPrices: boolean;
}

export interface Mempool {
  readonly offer: (encoded: Uint8Array, nowMs: number) => Offer;
  /** The verdict on an offered command; the answer for whoever offered it. */
  readonly judged: (name: string, verdict: Verdict) => AdmissionRefusal;
  /** Commands for a block at `timeMs`, in order of arrival, without those in `excluded`; never above the limits. */
  readonly build: (options: {
    readonly sizeMax: number;
    readonly timeMs: number;
    readonly excluded: ReadonlySet<string>;
    /** Total weight of the commands: see `command-weight.ts`. */
    readonly weightMax?: number;
  }) => { readonly commands: readonly Uint8Array[]; readonly work: boolean };
  /** The commands of a final block leave; so does everything that has expired by its time. */
  readonly finalized: (names: readonly string[], timeMs: number) => void;
  /** Whether there is a command, price messages apart, that is neither final nor expired. */
  readonly hasWork: () => boolean;
  /** Whether a checked command of that name waits here. */
  readonly holds: (name: string) => boolean;
  readonly count: () => number;
  readonly size: () => number;
}

const uncheckedCountMax = 20_000;
/** One that comes again later than this is ordered again, and refused by its nonce. */
const finalNamesCountMax = 16_384;
/** Bytes that a payload spends on each command beside its encoding, and on the list. */
const commandOverhead = 4;

export function createMempool(options: MempoolOptions): Mempool {
  const countMax = options.commandsCountMax ?? limits.mempoolCommandsCountMax;
  const sizeMax = options.sizeMax ?? limits.mempoolSizeMax;
  const perAccountMax = options.commandsPerAccountCountMax ?? limits.mempoolCommandsPerAccountCountMax;
  const validators = new Set(options.validatorKeys.map((key) => nameOf(key as Uint8Array as Digest)));
  /** Insertion order is the order of arrival. */
  const entries = new Map<string, Entry>();
  const unchecked = new Map<string, Uint8Array>();
  const slots = new Map<string, string>();
  const signers = new Map<string, number>();
  /** Per validator, the name of the price message that waits, or waited last. */
  const newestPrices = new Map<string, string>();
  const finals = createGenerations<true>(finalNamesCountMax);
  let size = 0;
  let workCount = 0;
  let nextExpirySweepMs = 0;

  const remove = (name: string, entry: Entry): void => {
    entries.delete(name);
    size -= entry.encoded.length;
    slots.delete(entry.slot);
    if (entry.isPrices) return;
    workCount--;
    const left = signers.get(entry.signer)! - 1;
    if (left === 0) signers.delete(entry.signer);
    else signers.set(entry.signer, left);
  };

  /** Of one validator only the newest price message is of use. */
  const removeOlderPrices = (signer: string): void => {
    const name = newestPrices.get(signer) ?? "";
    const entry = entries.get(name);
    if (entry !== undefined) remove(name, entry);
  };

  const add = (name: string, encoded: Uint8Array, verdict: Verdict): AdmissionRefusal => {
    const envelope = readEnvelope(encoded)!;
    const { account, key: signer, slot, expiresAtMs } = envelope;
    // Signed by the validator itself: nobody else can push its message out.
    const isPrices = envelope.isPrices && signer === account && validators.has(signer);
    if (slots.has(slot)) return "nonce-reused";
    if (isPrices) removeOlderPrices(signer);
    else if (perAccountMax <= (signers.get(signer) ?? 0)) return "account-quota";
    if (countMax <= entries.size || sizeMax < size + encoded.length) return "mempool-full";
    entries.set(name, { encoded, signer, slot, expiresAtMs, weight: weightOf(verdict), isPrices });
    slots.set(slot, name);
    size += encoded.length;
    if (isPrices) {
      newestPrices.set(signer, name);
      return "none";
    }
    workCount++;
    signers.set(signer, (signers.get(signer) ?? 0) + 1);
    return "none";
  };

  return {
    offer(encoded, nowMs) {
      if (limits.commandSizeMax < encoded.length) return { kind: "refused", refusal: "malformed" };
      const envelope = readEnvelope(encoded);
      if (envelope === undefined) return { kind: "refused", refusal: "malformed" };
      const name = nameOf(commandDigest(encoded));
      if (entries.has(name) || unchecked.has(name) || finals.get(name) === true) return { kind: "known", name };
      if (!equalBytes(envelope.chainId, options.chainId)) return { kind: "refused", refusal: "chain-wrong" };
      if (envelope.expiresAtMs < nowMs) return { kind: "refused", refusal: "expired" };
      if (slots.has(envelope.slot)) return { kind: "refused", refusal: "nonce-reused" };
      if (countMax <= entries.size || sizeMax < size + encoded.length || uncheckedCountMax <= unchecked.size)
        return { kind: "refused", refusal: "mempool-full" };
      unchecked.set(name, encoded);
      return { kind: "unchecked", name };
    },
    judged(name, verdict) {
      const encoded = unchecked.get(name);
      // A block that holds the command may have become final meanwhile.
      if (encoded === undefined) return "none";
      unchecked.delete(name);
      if (!isValid(verdict)) return verdict === malformed ? "malformed" : "signature-invalid";
      return finals.get(name) === true ? "none" : add(name, encoded, verdict);
    },
    build({ sizeMax: payloadSizeMax, timeMs, excluded, weightMax = payloadWeightMax }) {
      const commands: Uint8Array[] = [];
      let bytes = 4;
      let weight = 0;
      let work = false;
      for (const [name, entry] of entries) {
        if (entry.expiresAtMs < timeMs || excluded.has(name)) continue;
        if (payloadSizeMax < bytes + entry.encoded.length + commandOverhead) break;
        if (weightMax < weight + entry.weight && 0 < commands.length) break;
        if (limits.payloadCommandsCountMax <= commands.length) break;
        commands.push(entry.encoded);
        bytes += entry.encoded.length + commandOverhead;
        weight += entry.weight;
        if (!entry.isPrices) work = true;
      }
      return { commands, work };
    },
    finalized(names, timeMs) {
      for (const name of names) {
        finals.set(name, true);
        unchecked.delete(name);
        const entry = entries.get(name);
        if (entry !== undefined) remove(name, entry);
      }
      if (timeMs < nextExpirySweepMs) return;
      nextExpirySweepMs = timeMs + 1_000;
      for (const [name, entry] of entries) if (entry.expiresAtMs < timeMs) remove(name, entry);
    },
    hasWork: () => 0 < workCount,
    holds: (name) => entries.has(name),
    count: () => entries.size,
    size: () => size,
  };
}
