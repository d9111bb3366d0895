/** `stoa genesis`: makes the folder of a devnet without starting it, or says what genesis a folder holds. */
import { toHex } from "@stoa/base/bytes";
import { installNativeCrypto } from "@stoa/node/native-crypto";
import type { CertificatesName } from "@stoa/protocol/finality/scheme";
import { chainIdOf, encodeGenesis, type Genesis } from "@stoa/protocol/genesis";
import { createDevnet, folderOf, loadGenesis } from "../devnet/folder.ts";
import { validatorsCount } from "../devnet/participants.ts";
import { freePorts, portBaseDefault, portsFrom } from "../devnet/ports.ts";
import { decimal } from "../devnet/tops.ts";

export interface GenesisFlags {
  readonly show: boolean;
  readonly port?: number;
  readonly seed?: number;
  readonly certificates?: CertificatesName;
}

export async function runGenesis(dataDir: string, flags: GenesisFlags): Promise<void> {
  installNativeCrypto();
  if (!flags.show) {
    const { port = portBaseDefault, seed = 1, certificates } = flags;
    const ports = port === 0 ? await freePorts(validatorsCount) : portsFrom(port, validatorsCount);
    createDevnet(dataDir, { ports, seed, certificates, startMs: Date.now() });
    console.log(`wrote ${folderOf(dataDir).root}`);
  }
  for (const line of genesisLines(loadGenesis(dataDir))) console.log(line);
}

export function genesisLines(genesis: Genesis): readonly string[] {
  const { validators, assets, indexes, products } = genesis;
  return [
    `chain       ${genesis.chainName}`,
    `chain id    ${toHex(chainIdOf(genesis))}`,
    `began       ${new Date(genesis.timeMs).toISOString()}`,
    `size        ${encodeGenesis(genesis).length} bytes`,
    ...validators.map(({ name, key, stake }) => `validator   ${name.padEnd(12)} ${toHex(key)}  stake ${stake}`),
    `certified   by ${genesis.certificates.kind}`,
    `assets      ${assets.map(({ name }) => name).join(" ")}`,
    ...indexes.map(({ name, initialPrice }) => `index       ${name.padEnd(12)} from ${decimal(BigInt(initialPrice))}`),
    ...products.map(
      ({ kind, prefix, inverse, settlement }) =>
        `product     ${prefix.padEnd(12)} ${inverse ? "inverse" : "linear"} ${kind}, settled in ${assets[settlement]?.name ?? "?"}`,
    ),
  ];
}
