/**
 * What the simulated validators agree about, behind a small interface: the exchange of this project (`real-exchange.ts`), or
 * a toy ledger that is fast enough for volume. An application makes its own commands, sound and hostile.
 */
import type { Prng } from "@stoa/base/prng";
import { encode, record, u32, u8 } from "@stoa/base/codec";
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
  /** How often what has happened, by name; for the report. */
  readonly happened: () => Readonly<Record<string, number>>;
  /** What is wrong with the state, if anything: value that was made or lost, positions that do not net to zero. */
  readonly imbalance: () => string | undefined;
}

export interface Application {
  readonly name: string;
  readonly chainId: Digest;
  readonly genesisTimeMs: TimeMs;
  readonly genesisRoots: ExecutedRoots;
  readonly open: () => Exchange;
  /** The next command of the workload; some are nonsense on purpose. */
  readonly nextCommand: (wallMs: number) => Uint8Array;
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
const transfer = record({ source: u8, target: u8, amount: u32, nonce: u32 });
const transferSize = 10;

/** Sixteen accounts that send each other money. What they cannot pay, and what is no transfer, changes nothing. */
export function toyApplication({ prng, genesisTimeMs }: ApplicationContext): Application {
  let nonce = 0;
  return {
    name: "toy",
    chainId: zeroDigest,
    genesisTimeMs,
    genesisRoots: toyRoots(0 as Height, new Array(toyAccountsCount).fill(toyBalance), zeroDigest),
    open: openToy,
    nextCommand() {
      nonce++;
      if (prng.below(20) === 0) return prng.nextBytes(prng.below(64));
      const [source, target] = [prng.below(toyAccountsCount), prng.below(toyAccountsCount)];
      return encode(transfer, { source, target, amount: prng.below(toyBalance), nonce });
    },
  };
}

function openToy(): Exchange {
  const balances: number[] = new Array(toyAccountsCount).fill(toyBalance);
  const done = new Set<number>();
  return {
    execute({ height, commands }) {
      for (const bytes of commands) applyTransfer(balances, done, bytes);
      return toyRoots(height, balances, taggedHash("toy-results", concatenated(commands)));
    },
    happened: () => ({ transfers: done.size }),
    imbalance() {
      const total = balances.reduce((sum, balance) => sum + balance, 0);
      return total === toyAccountsCount * toyBalance ? undefined : `the balances add up to ${total}`;
    },
  };
}

function applyTransfer(balances: number[], done: Set<number>, bytes: Uint8Array): void {
  if (bytes.length !== transferSize) return;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const [source, target] = [view.getUint8(0), view.getUint8(1)];
  const [amount, nonce] = [view.getUint32(2, true), view.getUint32(6, true)];
  if (done.has(nonce) || toyAccountsCount <= source || toyAccountsCount <= target) return;
  done.add(nonce);
  if (balances[source]! < amount) return;
  balances[source]! -= amount;
  balances[target]! += amount;
}

function toyRoots(
  height: Height,
  balances: readonly number[],
  resultsRoot: ExecutedRoots["resultsRoot"],
): ExecutedRoots {
  const bytes = new Uint8Array(Float64Array.from(balances).buffer);
  return { height, moduleRoots: [taggedHash("toy-state", bytes)], resultsRoot };
}

function concatenated(commands: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(commands.reduce((size, { length }) => size + length, 0));
  let offset = 0;
  for (const command of commands) {
    whole.set(command, offset);
    offset += command.length;
  }
  return whole;
}
