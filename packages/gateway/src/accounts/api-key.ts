/**
 * API keys: what a client of Deribit knows (client id and secret) tied to an account and to the session key that this gateway
 * signs with. The keys file is a JSON list of these entries, readable by its owner only; a session key belongs to one gateway,
 * because that gateway alone numbers its commands.
 */
import { createHash, timingSafeEqual } from "node:crypto";
import { readFileSync } from "node:fs";
import { activeEd25519 } from "@stoa/base/active-signature";
import { fromHex, toHex } from "@stoa/base/bytes";
import type { PublicKey, SecretSeed } from "@stoa/base/signature";

export const keyScopes = ["read", "trade", "transfer", "withdraw"] as const;
export type KeyScope = (typeof keyScopes)[number];

export const keyTiers = ["standard", "maker"] as const;
export type KeyTier = (typeof keyTiers)[number];

/** One entry of the keys file. Byte strings are hexadecimal. */
export interface ApiKey {
  readonly name: string;
  readonly clientId: string;
  readonly clientSecret: string;
  /** The account's ed25519 public key. */
  readonly owner: string;
  readonly subaccount: number;
  /** Seed of the session key; the account must have authorised its public key (or it is the account's own). */
  readonly sessionSeed: string;
  readonly scopes: readonly KeyScope[];
  /** `maker` has higher request rates. */
  readonly tier?: KeyTier;
}

/** Who a request acts for. */
export interface Principal {
  readonly clientId: string;
  readonly name: string;
  readonly secret: string;
  readonly owner: PublicKey;
  readonly subaccount: number;
  readonly seed: SecretSeed;
  readonly key: PublicKey;
  /** Names the account: several client ids may act for it. */
  readonly accountName: string;
  /** Names the (account, sub-account, key) that nonces count for: two client ids may share it. */
  readonly signer: string;
  readonly scopes: ReadonlySet<KeyScope>;
  readonly tier: KeyTier;
}

/** Reads a keys file; throws an error that names the file and what is wrong with it. */
export function readApiKeys(path: string): readonly ApiKey[] {
  let parsed: unknown;
  try {
    parsed = JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    throw new Error(`API keys file ${path}: ${(error as Error).message}`, { cause: error });
  }
  if (!Array.isArray(parsed)) throw new Error(`API keys file ${path}: a list of keys is expected`);
  return parsed as ApiKey[];
}

/** Checks every entry and derives its keys; throws an error that names the entry and the field. */
export function principalsOf(keys: readonly ApiKey[]): ReadonlyMap<string, Principal> {
  const principals = new Map<string, Principal>();
  for (const [index, entry] of keys.entries()) {
    const wrong = (field: string, why: string): Error => new Error(`API key ${index} (${entry.name}): ${field} ${why}`);
    const owner = fromHex(entry.owner ?? "");
    const seed = fromHex(entry.sessionSeed ?? "");
    if (typeof entry.clientId !== "string" || entry.clientId === "") throw wrong("clientId", "is missing");
    if (typeof entry.clientSecret !== "string" || entry.clientSecret === "") throw wrong("clientSecret", "is missing");
    if (owner?.length !== 32) throw wrong("owner", "is not a public key of 32 bytes");
    if (seed?.length !== 32) throw wrong("sessionSeed", "is not a seed of 32 bytes");
    if (!Number.isInteger(entry.subaccount) || entry.subaccount < 0 || 0xffff < entry.subaccount)
      throw wrong("subaccount", "is not a number from 0 to 65535");
    for (const scope of entry.scopes ?? [])
      if (!keyScopes.includes(scope)) throw wrong("scopes", `has the unknown word ${String(scope)}`);
    if (principals.has(entry.clientId)) throw wrong("clientId", "is used twice");
    const key = activeEd25519.publicKey(seed as SecretSeed);
    principals.set(entry.clientId, {
      clientId: entry.clientId,
      name: entry.name,
      secret: entry.clientSecret,
      owner: owner as PublicKey,
      subaccount: entry.subaccount,
      seed: seed as SecretSeed,
      key,
      accountName: `${toHex(owner)}/${entry.subaccount}`,
      signer: `${toHex(owner)}/${entry.subaccount}/${toHex(key)}`,
      scopes: new Set(entry.scopes ?? ["read"]),
      tier: entry.tier ?? "standard",
    });
  }
  return principals;
}

/** Compares secrets in a time that tells nothing of where they differ. */
export function equalSecrets(left: string, right: string): boolean {
  const digest = (value: string): Buffer => createHash("sha256").update(value).digest();
  return timingSafeEqual(digest(left), digest(right));
}
