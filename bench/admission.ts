/**
 * What admission by the exchange's state costs: nanoseconds per command judged at the door, of an account that is known and of
 * one that is not, beside the digest that names a command, which every offer needs anyway; what execution has with telling of
 * a block; and bytes of memory per account that a validator keeps for it.
 *
 * `npm run bench -- bench/admission.ts` or with a number of accounts behind it.
 */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { encode } from "@stoa/base/codec";
import { createPrng } from "@stoa/base/prng";
import type { Digest } from "@stoa/base/hash";
import type { PublicKey, Signature } from "@stoa/base/signature";
import { timeMs } from "@stoa/base/units";
import type { Authority } from "@stoa/exchange/machine/authority";
import { createNonceWindow, useNonce } from "@stoa/exchange/machine/nonce-window";
import { createAdmission } from "@stoa/node/admission";
import { rowChunks, rowsOfChanges } from "@stoa/node/authority-rows";
import { installNativeCrypto } from "@stoa/node/native-crypto";
import { command, commandDigest, scopesAll } from "@stoa/protocol/command";
import { withSpread } from "./statistics.ts";

installNativeCrypto();
setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

const accountsCount = Number(process.argv[2] ?? 100_000);
const commandsCount = 20_000;
const runsCount = 7;
const nowMs = Date.now();
const firstNonce = BigInt(nowMs) * 1_000n;
const prng = createPrng(1);
const randomKey = (): PublicKey => Uint8Array.from({ length: 32 }, () => prng.below(256)) as PublicKey;

const commandOf = (account: PublicKey, nonce: bigint): Uint8Array =>
  encode(command, {
    chainId: new Uint8Array(32) as Digest,
    account,
    subaccount: 0,
    key: account,
    nonce,
    expiresAtMs: timeMs(nowMs + 60_000),
    body: { kind: "cancel", order: 1 },
    signature: new Uint8Array(64) as Signature,
  });

/** Of an account that has used one nonce, without the rest of an exchange around it. */
function authorityOf(owner: PublicKey): Authority {
  const window = createNonceWindow();
  useNonce(window, firstNonce);
  return { owner, subaccount: 0, key: owner, scopes: scopesAll, expiresAtMs: Number.POSITIVE_INFINITY, window };
}

/** Buffers are given back some time after the collection that found them unused. */
async function memoryBytes(): Promise<number> {
  for (let round = 0; round < 3; round++) {
    collectGarbage();
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** Nanoseconds for each command. */
function time(commands: readonly Uint8Array[], one: (encoded: Uint8Array) => unknown): number {
  const startMs = performance.now();
  for (const encoded of commands) one(encoded);
  return ((performance.now() - startMs) * 1e6) / commands.length;
}

/** The same for each key that a block of as many commands used. */
function timeRows(): number {
  const startMs = performance.now();
  rowsOfChanges({ accounts: [], keys: usedKeys });
  return ((performance.now() - startMs) * 1e6) / usedKeys.length;
}

const owners = Array.from({ length: accountsCount }, randomKey);
const rows = [...rowChunks(owners.map((owner) => [authorityOf(owner)]))];
const before = await memoryBytes();
const admission = createAdmission({ validatorKeys: [], hasFaucet: false });
admission.executed({ height: 1, timeMs: nowMs, rows });
const accountBytes = ((await memoryBytes()) - before) / accountsCount;
if (rows.length === 0) throw new Error("the rows are kept until here, so that they are in both sums");

const known = Array.from({ length: commandsCount }, () =>
  commandOf(owners[prng.below(accountsCount)]!, firstNonce + 1n + BigInt(prng.below(500))),
);
const strangers = Array.from({ length: commandsCount }, () => commandOf(randomKey(), firstNonce));
for (const [commands, word] of [
  [known, "account"],
  [strangers, "account-unknown"],
] as const) {
  const judged = new Set(commands.map((encoded) => admission.judge(encoded, nowMs)));
  if (judged.size !== 1 || !judged.has(word)) throw new Error(`judged ${[...judged].join(", ")}, not ${word}`);
}

const usedKeys = owners.slice(0, commandsCount).map(authorityOf);
const runs = Array.from({ length: runsCount }, () => ({
  digestNs: time(known, commandDigest),
  knownNs: time(known, (encoded) => admission.judge(encoded, nowMs)),
  strangerNs: time(strangers, (encoded) => admission.judge(encoded, nowMs)),
  rowNs: timeRows(),
}));
const spread = (pick: (run: (typeof runs)[number]) => number): string => withSpread(runs.map(pick), 0);
const ratio = (pick: (run: (typeof runs)[number]) => number): string =>
  withSpread(runs.map((run) => pick(run) / run.digestNs));

console.log(`${accountsCount} accounts, ${commandsCount} commands a run, ${runsCount} runs`);
console.log(`digest of a command        ${spread(({ digestNs }) => digestNs)} ns`);
console.log(
  `judged, account known      ${spread(({ knownNs }) => knownNs)} ns: ${ratio(({ knownNs }) => knownNs)} digests`,
);
console.log(
  `judged, account unknown    ${spread(({ strangerNs }) => strangerNs)} ns: ${ratio(({ strangerNs }) => strangerNs)} digests`,
);
console.log(`row of a key that was used  ${spread(({ rowNs }) => rowNs)} ns: ${ratio(({ rowNs }) => rowNs)} digests`);
console.log(`memory                     ${accountBytes.toFixed(0)} bytes an account`);
