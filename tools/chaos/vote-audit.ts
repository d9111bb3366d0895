/**
 * What validators voted, from their vote logs, gathered several times in a run because a log forgets what is long final. Holds them
 * to I4: one notarize vote a view, and not both nullify and finalize, whatever the process went through; and every vote that
 * stands in a certificate is known to whoever cast it.
 */
import { cpSync, existsSync, rmSync } from "node:fs";
import { activeEd25519 } from "@stoa/base/active-signature";
import { toHex } from "@stoa/base/bytes";
import type { SecretSeed } from "@stoa/base/signature";
import type { DurableRecord } from "@stoa/consensus/effect";
import { openVoteLog } from "@stoa/node/storage/vote-log";
import { signersOf, validatorSetOf, voteKindOf, type Certificate } from "@stoa/protocol/finality/certificate";
import { headerDigest } from "@stoa/protocol/finality/header";
import { chainIdOf, type Genesis } from "@stoa/protocol/genesis";

/** What one validator signed of one kind in one view, by digest; empty text for nullify. */
type Cast = Map<string, Set<string>>;

export interface VoteAudit {
  /** Reads a vote log as it is now, also while its validator runs. `false` when it could not be read: it is being written. */
  readonly gather: (validator: number, folder: string) => boolean;
  /** What does not hold, in sentences. */
  readonly faults: () => readonly string[];
  readonly votesCount: () => number;
  readonly certificatesCount: () => number;
}

export function createVoteAudit(genesis: Genesis, seeds: readonly SecretSeed[]): VoteAudit {
  const casts: readonly Cast[] = seeds.map(() => new Map());
  const certificates = new Map<string, Certificate>();
  const note = (validator: number, kind: string, view: number, digest: string): void => {
    const key = `${view} ${kind}`;
    casts[validator]!.set(key, (casts[validator]!.get(key) ?? new Set()).add(digest));
  };
  const take = (validator: number, record: DurableRecord): void => {
    if (record.kind === "proposed") note(validator, "notarize", record.view, toHex(headerDigest(record.header)));
    if (record.kind === "voted") {
      const { vote } = record;
      note(validator, vote.kind, vote.view, vote.kind === "nullify" ? "" : toHex(vote.digest));
    }
    if (record.kind !== "certificate") return;
    const { certificate } = record;
    certificates.set(`${certificate.kind} ${certificate.view} ${toHex(certificate.signers)}`, certificate);
  };
  return {
    gather(validator, folder) {
      const records = recordsIn(genesis, seeds[validator]!, folder);
      records?.forEach((record) => take(validator, record));
      return records !== undefined;
    },
    faults: () => [
      ...casts.flatMap((cast, validator) => castFaults(validator, cast)),
      ...certificateFaults(genesis, casts, [...certificates.values()]),
    ],
    votesCount: () => casts.reduce((sum, cast) => sum + cast.size, 0),
    certificatesCount: () => certificates.size,
  };
}

/** From a copy: opening a log writes to it. */
function recordsIn(genesis: Genesis, seed: SecretSeed, folder: string): readonly DurableRecord[] | undefined {
  if (!existsSync(folder)) return [];
  const copy = `${folder}-copy`;
  try {
    cpSync(folder, copy, { recursive: true, filter: (path) => path === folder || path.endsWith(".votes") });
    const { records, close } = openVoteLog({
      folder: copy,
      chainId: chainIdOf(genesis),
      key: activeEd25519.publicKey(seed),
      epoch: 0,
      historyExists: false,
      report: () => undefined,
    });
    close();
    return records;
  } catch {
    return undefined;
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

export function castFaults(validator: number, cast: ReadonlyMap<string, ReadonlySet<string>>): string[] {
  return [...cast].flatMap(([key, digests]) => {
    const [view, kind] = key.split(" ") as [string, string];
    const faults: string[] = [];
    if (1 < digests.size) faults.push(`I4: validator ${validator} cast ${digests.size} ${kind} votes in view ${view}`);
    if (kind === "nullify" && cast.has(`${view} finalize`))
      faults.push(`I4: validator ${validator} cast nullify and finalize in view ${view}`);
    return faults;
  });
}

/** A vote in a certificate whose signer does not know it was forgotten, and may be contradicted. */
function certificateFaults(genesis: Genesis, casts: readonly Cast[], certificates: readonly Certificate[]): string[] {
  const set = validatorSetOf(chainIdOf(genesis), 0, genesis.validators);
  return certificates.flatMap((certificate) => {
    const kind = voteKindOf[certificate.kind];
    const digest = certificate.kind === "nullification" ? "" : toHex(certificate.digest);
    const signers = signersOf(set, certificate.signers) ?? [];
    return signers
      .filter((signer) => !casts[signer]!.get(`${certificate.view} ${kind}`)?.has(digest))
      .map((signer) => `votes: validator ${signer} does not know its ${kind} vote of view ${certificate.view}`);
  });
}
