/**
 * `stoa evidence`: the evidence that a node has, as a file for `stoa verify-evidence`: what the final blocks in its log prove, and
 * what the node itself could prove and has kept in its folder `evidence`. It only reads, beside a running node too.
 */
import { existsSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { toHex } from "@stoa/base/bytes";
import {
  evidenceFolder,
  evidenceText,
  offenceOf,
  readEvidenceText,
  type ProvenOffence,
} from "@stoa/node/evidence-file";
import { installNativeCrypto } from "@stoa/node/native-crypto";
import { readBlockLog } from "@stoa/node/storage/block-log";
import { accusationOf, decodeEvidence, offenceCodes } from "@stoa/protocol/finality/evidence";
import { certifiersOf } from "@stoa/protocol/finality/scheme";
import type { Genesis } from "@stoa/protocol/genesis";
import { loadGenesis } from "../devnet/folder.ts";
import { Failure } from "../failure.ts";

export function runEvidence(dataDir: string, out: string | undefined): void {
  installNativeCrypto();
  const genesis = loadGenesis(dataDir);
  const proven = evidenceIn(dataDir, genesis);
  if (proven.length === 0) {
    throw new Failure(
      `${dataDir} holds no evidence: nobody is known to have signed two things that exclude each other`,
    );
  }
  if (out === undefined) return void process.stdout.write(evidenceText(genesis, proven));
  writeFileSync(out, evidenceText(genesis, proven));
  for (const { offence, height } of proven) {
    const where = height === undefined ? "in no final block of this log" : `in the final block ${height}`;
    console.log(`${offenceCodes[offence.kind]} ${offenceOf(genesis, offence)}, ${where}`);
  }
}

/** What blocks prove, in their order, and then what only the node's own files do. */
export function evidenceIn(dataDir: string, genesis: Genesis): readonly ProvenOffence[] {
  const found = new Map<string, ProvenOffence>();
  const { set } = certifiersOf(genesis);
  const add = (evidence: Uint8Array, height: number | undefined): void => {
    const item = decodeEvidence(evidence);
    const offence = item && accusationOf(set, item);
    const key = toHex(evidence);
    if (offence !== undefined && !("fact" in offence) && !found.has(key)) found.set(key, { offence, evidence, height });
  };
  const blocks = join(dataDir, "blocks");
  if (existsSync(blocks)) {
    for (const { header } of readBlockLog(blocks)) for (const one of header.evidence) add(one, header.height);
  }
  const folder = join(dataDir, evidenceFolder);
  const files = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith(".json")) : [];
  for (const file of files.sort()) {
    const read = readEvidenceText(readFileSync(join(folder, file), "utf8"));
    if ("fault" in read) throw new Failure(`${join(folder, file)} is no file of evidence: ${read.fault}`);
    for (const one of read.items) add(one, undefined);
  }
  return [...found.values()];
}
