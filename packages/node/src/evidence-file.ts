/**
 * Evidence as people hand it on: a small text file that convicts by itself. A validator writes one for every offence that it
 * comes to know, into the folder `evidence` of its data folder; `stoa evidence` makes one from a block log, and
 * `stoa verify-evidence` reads them. Of such a file only the chain and the bytes are believed; the rest is for the eye.
 */
import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fromHex, toHex } from "@stoa/base/bytes";
import { limits } from "@stoa/base/limits";
import type { Digest } from "@stoa/base/hash";
import { offenceCodes, offenceWords, type Offence } from "@stoa/protocol/finality/evidence";
import { chainIdOf, type Genesis } from "@stoa/protocol/genesis";
import type { Logger } from "./log.ts";

const format = "stoa evidence 1";
export const evidenceFolder = "evidence";

export interface ProvenOffence {
  readonly offence: Offence;
  /** Its encoding, as in headers. */
  readonly evidence: Uint8Array;
  /** Of the final block that holds it. */
  readonly height: number | undefined;
}

/** `stoa-0 proposed two blocks for view 9`, with the names of genesis. */
export function offenceOf(genesis: Genesis, offence: Offence): string {
  return offenceWords(offence, (signer) => genesis.validators[signer]?.name ?? `validator ${signer}`);
}

export function evidenceText(genesis: Genesis, proven: readonly ProvenOffence[]): string {
  const items = proven.map(({ offence, evidence, height }) => ({
    offence: `${offenceCodes[offence.kind]} ${offence.kind}`,
    words: offenceOf(genesis, offence),
    ...(height === undefined ? {} : { height }),
    bytes: toHex(evidence),
  }));
  return `${JSON.stringify({ format, chain: toHex(chainIdOf(genesis)), evidence: items }, null, 2)}\n`;
}

export interface EvidenceFile {
  readonly chainId: Digest;
  readonly items: readonly Uint8Array[];
}

/** What a file holds, or what is wrong with it. */
export function readEvidenceText(text: string): EvidenceFile | { readonly fault: string } {
  const file = parsed(text);
  if (file === undefined) return { fault: "it is no JSON" };
  if (file["format"] !== format) return { fault: `its format is not "${format}"` };
  const chainId = bytesOf(file["chain"], 32);
  if (chainId?.length !== 32) return { fault: "chain: 64 hexadecimal digits are wanted" };
  const { evidence } = file;
  if (!Array.isArray(evidence) || evidence.length === 0)
    return { fault: "evidence: a list with something in it is wanted" };
  const items: Uint8Array[] = [];
  for (const [index, item] of evidence.entries()) {
    const bytes = bytesOf((item as { readonly bytes?: unknown } | null)?.bytes, limits.evidenceSizeMax);
    if (bytes === undefined) return { fault: `evidence[${index}].bytes: hexadecimal digits are wanted` };
    items.push(bytes);
  }
  return { chainId: chainId as Digest, items };
}

function parsed(text: string): { readonly [name: string]: unknown } | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as { readonly [name: string]: unknown }) : {};
  } catch {
    return undefined;
  }
}

function bytesOf(value: unknown, sizeMax: number): Uint8Array | undefined {
  if (typeof value !== "string" || value.length === 0 || 2 * sizeMax < value.length) return undefined;
  return fromHex(value);
}

/**
 * Logs what becomes known, and keeps a file per kind of offence and guilty validators. Their number is bounded, as a validator is
 * convicted of each kind once.
 */
export function createEvidenceRecorder(
  dataFolder: string,
  genesis: Genesis,
  log: Logger,
): (proven: ProvenOffence) => void {
  const folder = join(dataFolder, evidenceFolder);
  return (proven) => {
    const { offence, height } = proven;
    const file = join(folder, `${offenceCodes[offence.kind]}-${offence.guilty.slice(0, 8).join("-")}.json`);
    const what = height === undefined ? "an offence is proven" : `the chain proves an offence at height ${height}`;
    log.warn({ offence: offence.kind, validators: offence.guilty, file }, `${what}: ${offenceOf(genesis, offence)}`);
    try {
      mkdirSync(folder, { recursive: true });
      writeFileSync(`${file}.new`, evidenceText(genesis, [proven]));
      renameSync(`${file}.new`, file);
    } catch (error) {
      log.warn(`${file} cannot be written: ${error instanceof Error ? error.message : String(error)}`);
    }
  };
}
