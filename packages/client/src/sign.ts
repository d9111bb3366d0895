/**
 * Commands signed with one's own key. A signed command is bytes with a name: whoever has the bytes can submit them, to any
 * node and as often as wanted, and they take effect at most once, before their expiry or never. Relies on the scheme that
 * this process has; knows nothing of connections.
 */
import { activeEd25519 } from "@stoa/base/active-signature";
import { encode } from "@stoa/base/codec";
import type { Digest } from "@stoa/base/hash";
import type { PublicKey, SecretSeed } from "@stoa/base/signature";
import { timeMs } from "@stoa/base/units";
import { command, commandDigest, commandSignBytes, type Command, type CommandBody } from "@stoa/protocol/command";

/** Who signs. Without `account` the key is the account's own; with it, a session key that the account has authorised. */
export interface Signer {
  readonly chainId: Digest;
  readonly seed: SecretSeed;
  readonly account?: PublicKey;
  /** 0 where absent. */
  readonly subaccount?: number;
}

export interface SignedCommand {
  readonly command: Command;
  /** What is submitted; keep it to ask again after a crash. */
  readonly encoded: Uint8Array;
  readonly digest: Digest;
}

/**
 * Signs one command. `nonce` must be unused by this key on this account (see {@link createNonces}); after `expiresAtMs`, by
 * block time, the command can no longer take effect; at most 24 hours ahead.
 *
 * @example
 * const nonces = createNonces(BigInt(Date.now()) * 1_000n);
 * const signed = signCommand(signer, { nonce: nonces(), expiresAtMs: Date.now() + 60_000, body: { kind: "cancel", order: 7 } });
 */
export function signCommand(
  signer: Signer,
  content: { readonly nonce: bigint; readonly expiresAtMs: number; readonly body: CommandBody },
): SignedCommand {
  const key = activeEd25519.publicKey(signer.seed);
  const unsigned = {
    chainId: signer.chainId,
    account: signer.account ?? key,
    subaccount: signer.subaccount ?? 0,
    key,
    nonce: content.nonce,
    expiresAtMs: timeMs(content.expiresAtMs),
    body: content.body,
  };
  const signature = activeEd25519.sign(commandSignBytes(unsigned), signer.seed);
  const signed = { ...unsigned, signature };
  const encoded = encode(command, signed);
  return { command: signed, encoded, digest: commandDigest(encoded) };
}

/**
 * Nonces for one key on one account, one after another. The exchange remembers a window of recent nonces per key, so they
 * should be dense, and those of a later run should be higher: start from the clock in microseconds.
 */
export function createNonces(first: bigint): () => bigint {
  let next = first;
  return () => next++;
}
