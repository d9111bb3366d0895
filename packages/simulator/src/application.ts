/**
 * What the simulated validators agree about, behind a small interface: the exchange of this project (`real-exchange.ts`), or
 * a toy ledger that is fast enough for volume. An application makes its own commands, sound and hostile.
 */
import type { Prng } from "@stoa/base/prng";
import { present } from "@stoa/base/assert";
import { concatBytes } from "@stoa/base/bytes";
import { decode, encode, list, record, u32, u8, type Decoded } from "@stoa/base/codec";
import { taggedHash, zeroDigest, type Digest } from "@stoa/base/hash";
import type { PublicKey, SignatureScheme } from "@stoa/base/signature";
import type { Height, TimeMs } from "@stoa/base/units";
import type { ExecutedRoots } from "@stoa/protocol/finality/header";

export interface OrderedBlock {
  readonly height: Height;
  readonly timeMs: TimeMs;
  readonly commands: readonly Uint8Array[];
}

/** One validator's copy of the state. */
export interface Exchange {
  readonly execute: (block: OrderedBlock) => ExecutedRoots;
  /** How often what has happened since it was opened, by name; for the report. */
  readonly happened: () => Readonly<Record<string, number>>;
  /** What is wrong with the state, if anything: value that was made or lost, positions that do not net to zero. */
  readonly imbalance: () => string | undefined;
  /** The state as bytes, from which `open` goes on. */
  readonly save: () => Uint8Array;
}

export interface Application {
  readonly name: string;
  readonly chainId: Digest;
  readonly genesisTimeMs: TimeMs;
  readonly genesisRoots: ExecutedRoots;
  /** At genesis, or from what `save` gave. */
  readonly open: (saved?: Uint8Array) => Exchange;
  /** The next command of the workload; some are nonsense or hostile on purpose. */
  readonly nextCommand: (wallMs: number) => Uint8Array;
  /** Why an honest door refuses a command at this time of its clock; `undefined` for one that it admits. */
  readonly refusal: (command: Uint8Array, wallMs: number) => string | undefined;
}

/** What an application is made from; its workload draws from `prng` and from nothing else. */
export interface ApplicationContext {
  readonly prng: Prng;
  readonly genesisTimeMs: TimeMs;
  readonly signatures: SignatureScheme;
  readonly validators: readonly { readonly key: PublicKey; readonly stake: number }[];
}

const toyAccountsCount = 16;
const toyBalance = 1_000;
/** `expiresS` counts from genesis; `tag` stands for a signature. */
const transferFields = { source: u8, target: u8, amount: u32, nonce: u32, expiresS: u32 };
const transfer = record({ ...transferFields, tag: u32 });
const unsignedTransfer = record(transferFields);
type Transfer = Decoded<typeof unsignedTransfer>;
const toyLifetimeS = 3_600;
/** Nonces that are remembered: a transfer that is older is refused as too old to tell. */
const toyNoncesCount = 8_192;

/** Sixteen accounts that send each other money. What they cannot pay, and what is no transfer, changes nothing. */
export function toyApplication({ prng, genesisTimeMs }: ApplicationContext): Application {
  return {
    name: "toy",
    chainId: zeroDigest,
    genesisTimeMs,
    genesisRoots: toyRoots(0 as Height, new Array(toyAccountsCount).fill(toyBalance), zeroDigest),
    open: (saved) => openToy(genesisTimeMs, saved),
    nextCommand: toyWorkload(prng, genesisTimeMs),
    refusal(bytes, wallMs) {
      const decoded = decode(transfer, bytes);
      if (decoded === undefined) return "malformed";
      if (decoded.tag !== tagOf(decoded)) return "bad signature";
      return expiryMsOf(decoded, genesisTimeMs) < wallMs ? "expired" : undefined;
    },
  };
}

const expiryMsOf = ({ expiresS }: Transfer, genesisTimeMs: number): number => genesisTimeMs + 1_000 * expiresS;

function tagOf({ source, target, amount, nonce, expiresS }: Transfer): number {
  const digest = taggedHash("toy-tag", encode(unsignedTransfer, { source, target, amount, nonce, expiresS }));
  return new DataView(digest.buffer, digest.byteOffset).getUint32(0);
}

/** Transfers, and one in ten that no honest door lets in or that says what another said before. */
function toyWorkload(prng: Prng, genesisTimeMs: number): (wallMs: number) => Uint8Array {
  const recent: Uint8Array[] = [];
  let nonce = 0;
  const made = (wallMs: number, changes: Partial<Transfer & { tag: number }> = {}): Uint8Array => {
    const [source, target] = [prng.below(toyAccountsCount), prng.below(toyAccountsCount)];
    const expiresS = Math.max(0, Math.floor((wallMs - genesisTimeMs) / 1_000)) + toyLifetimeS;
    const fields = { source, target, amount: prng.below(toyBalance), nonce, expiresS, ...changes };
    return encode(transfer, { tag: tagOf(fields), ...fields });
  };
  return (wallMs) => {
    nonce++;
    const hostile = prng.below(50);
    let bytes = made(wallMs);
    if (hostile === 0) bytes = prng.nextBytes(prng.below(64));
    else if (hostile === 1) bytes = recent[prng.below(Math.max(1, recent.length))] ?? bytes;
    else if (hostile === 2) bytes = made(wallMs, { expiresS: 0 });
    else if (hostile === 3) bytes = made(wallMs, { tag: prng.nextU32() });
    else if (hostile === 4) bytes = made(wallMs, { nonce: 1 + prng.below(nonce) });
    recent.push(bytes);
    if (100 < recent.length) recent.shift();
    return bytes;
  };
}

const savedToy = record({ balances: list(u32, toyAccountsCount), nonces: list(u32, toyNoncesCount) });

function openToy(genesisTimeMs: number, saved: Uint8Array | undefined): Exchange {
  const begun = saved === undefined ? undefined : present(decode(savedToy, saved), "a toy was saved whole");
  const balances: number[] = [...(begun?.balances ?? new Array<number>(toyAccountsCount).fill(toyBalance))];
  const done = new Set<number>(begun?.nonces);
  let transfers = 0;
  return {
    execute({ height, timeMs, commands }) {
      for (const bytes of commands) {
        const decoded = decode(transfer, bytes);
        if (decoded === undefined || decoded.tag !== tagOf(decoded)) continue;
        if (timeMs <= expiryMsOf(decoded, genesisTimeMs) && applyTransfer(balances, done, decoded)) transfers++;
      }
      return toyRoots(height, balances, taggedHash("toy-results", concatBytes(...commands)));
    },
    happened: () => ({ transfers }),
    imbalance() {
      const total = balances.reduce((sum, balance) => sum + balance, 0);
      return total === toyAccountsCount * toyBalance ? undefined : `the balances add up to ${total}`;
    },
    save: () => encode(savedToy, { balances, nonces: [...done] }),
  };
}

function applyTransfer(balances: number[], done: Set<number>, { source, target, amount, nonce }: Transfer): boolean {
  if (done.has(nonce) || toyAccountsCount <= source || toyAccountsCount <= target) return false;
  done.add(nonce);
  for (const oldest of done) {
    if (done.size <= toyNoncesCount) break;
    done.delete(oldest);
  }
  if (balances[source]! < amount) return false;
  balances[source]! -= amount;
  balances[target]! += amount;
  return true;
}

function toyRoots(
  height: Height,
  balances: readonly number[],
  resultsRoot: ExecutedRoots["resultsRoot"],
): ExecutedRoots {
  const bytes = new Uint8Array(Float64Array.from(balances).buffer);
  return { height, moduleRoots: [taggedHash("toy-state", bytes)], resultsRoot };
}
