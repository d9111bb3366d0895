/**
 * `stoa verify-evidence`: says who is convicted by a file, and of what. It needs that file and the genesis and nothing else: no
 * node, no network, no trust in whoever made the file.
 */
import { readFileSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { activeEd25519 } from "@stoa/base/active-signature";
import { equalBytes, toHex } from "@stoa/base/bytes";
import { offenceOf, readEvidenceText, type EvidenceFile } from "@stoa/node/evidence-file";
import { installNativeCrypto } from "@stoa/node/native-crypto";
import { decodeEvidence, offenceCodes, verifyEvidence, type Judge } from "@stoa/protocol/finality/evidence";
import { certifiersOf } from "@stoa/protocol/finality/scheme";
import { chainIdOf, type Genesis } from "@stoa/protocol/genesis";
import { readGenesis } from "../devnet/folder.ts";
import { Failure } from "../failure.ts";

/** More than enough for everything that a chain of 128 validators can prove in an epoch. */
const fileSizeMax = 64 * 1024 * 1024;

/** Throws a {@link Failure} when the file cannot be read, is of another chain, or holds anything that convicts nobody. */
export function runVerifyEvidence(file: string, genesisFile: string): void {
  installNativeCrypto();
  const genesis = readGenesis(isFolder(genesisFile) ? join(genesisFile, "genesis.bin") : genesisFile);
  const { lines, refusedCount } = verdictsOn(genesis, readFile(file, genesis));
  for (const line of lines) console.log(line);
  if (0 < refusedCount)
    throw new Failure(`${basename(file)}: ${refusedCount} of ${lines.length} pieces convict nobody`);
}

function readFile(file: string, genesis: Genesis): EvidenceFile {
  if (fileSizeMax < statSync(file).size) throw new Failure(`${file} is too large to be evidence`);
  const read = readEvidenceText(readFileSync(file, "utf8"));
  if ("fault" in read) throw new Failure(`${file} is no file of evidence: ${read.fault}`);
  const own = chainIdOf(genesis);
  if (equalBytes(read.chainId, own)) return read;
  throw new Failure(
    `${file} is of the chain ${toHex(read.chainId).slice(0, 16)}…, and the genesis of ${toHex(own).slice(0, 16)}…: give the genesis of that chain`,
  );
}

/** A line for each piece of evidence, and how many of them convict nobody. */
export function verdictsOn(
  genesis: Genesis,
  { items }: EvidenceFile,
): { readonly lines: readonly string[]; readonly refusedCount: number } {
  const { set, scheme } = certifiersOf(genesis);
  const lines = items.map((bytes) => verdictOn({ set, scheme, verify: activeEd25519.verify }, genesis, bytes));
  return { lines, refusedCount: lines.filter((line) => line.startsWith(refused)).length };
}

const refused = "convicts nobody";

function verdictOn(judge: Judge, genesis: Genesis, bytes: Uint8Array): string {
  const item = decodeEvidence(bytes);
  if (item === undefined) return `${refused}: these bytes are no evidence`;
  const judgement = verifyEvidence(judge, item);
  if (judgement.kind === "refused") return `${refused}: ${judgement.fact}`;
  const { kind, guilty } = judgement.offence;
  const stake = guilty.reduce((sum, signer) => sum + judge.set.validators[signer]!.stake, 0);
  const percent = ((100 * stake) / judge.set.totalStake).toFixed(1);
  return `${offenceCodes[kind]} ${kind}: ${offenceOf(genesis, judgement.offence)} (${percent} % of the stake)`;
}

const isFolder = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
