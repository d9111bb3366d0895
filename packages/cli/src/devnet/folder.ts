/**
 * The data folder of a devnet: who lives where, with which keys, on which ports. The first start writes it, later starts go on from
 * it. A validator's folder and the gateway's folder are complete in themselves, so that `stoa node --data` and
 * `stoa gateway --data` need nothing else.
 *
 *     network.json               ports, seed, index file: what `status` and `devnet` read
 *     genesis.bin                the genesis, canonical bytes
 *     accounts/NAME.key          owner keys of users and of the simulated market
 *     validator-N/               node.json, genesis.bin, validator.key, and what the node keeps there
 *     gateway/                   gateway.json, genesis.bin, keys.json, and what the gateway keeps there
 *     log/                       what each process printed
 */
import { randomBytes } from "node:crypto";
import { accessSync, constants, existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { activeEd25519 } from "@stoa/base/active-signature";
import { present } from "@stoa/base/assert";
import { toHex } from "@stoa/base/bytes";
import type { SecretSeed } from "@stoa/base/signature";
import type { ApiKey } from "@stoa/gateway/accounts/api-key";
import { decodeGenesis, encodeGenesis, type Genesis } from "@stoa/protocol/genesis";
import { certificatesFrom, type CertificatesName } from "@stoa/protocol/finality/scheme";
import { genesisFault } from "@stoa/protocol/genesis-fault";
import { Failure } from "../failure.ts";
import { loadKey, randomSeed, saveKey } from "../key-file.ts";
import { openPriceSource, type PriceParameters } from "../market/price-source.ts";
import { devnetGenesis } from "./devnet-genesis.ts";
import { devnetIndexes, devnetParticipants, validatorName, validatorsCount, type Participant } from "./participants.ts";
import { host, type DevnetPorts } from "./ports.ts";

/** network.json */
export interface Network {
  readonly formatVersion: 1;
  readonly chainName: string;
  readonly ports: DevnetPorts;
  readonly prices: PriceParameters;
  /** Blocks that each validator keeps; absent for all. */
  readonly retentionBlocks?: number | undefined;
}

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** validator-N/node.json */
export interface NodeFile {
  readonly formatVersion: 1;
  readonly index: number;
  readonly mesh: Address;
  readonly door: Address;
  readonly metrics: Address;
  /** Mesh addresses of the validators, by their position in genesis. */
  readonly peers: readonly Address[];
  /** Doors of other nodes, asked when the blocks that this one needs are gone, or its state differs. */
  readonly doors?: readonly Address[] | undefined;
  readonly prices: PriceParameters;
  readonly retentionBlocks?: number | undefined;
}

/** gateway/gateway.json */
export interface GatewayFile {
  readonly formatVersion: 1;
  readonly http: Address;
  readonly https: Address;
  readonly doors: readonly Address[];
}

export const folderOf = (dataDir: string) => {
  const root = resolve(dataDir);
  return {
    root,
    network: join(root, "network.json"),
    genesis: join(root, "genesis.bin"),
    accounts: join(root, "accounts"),
    log: join(root, "log"),
    gateway: join(root, "gateway"),
    validator: (index: number) => join(root, validatorName(index)),
    accountKey: (name: string) => join(root, "accounts", `${name}.key`),
    apiKeys: join(root, "gateway", "keys.json"),
  };
};

export const hasDevnet = (dataDir: string): boolean => existsSync(folderOf(dataDir).network);

/** Makes the folder, or says in one line why it cannot be used. */
export function requireWritable(folder: string): void {
  try {
    makeFolder(resolve(folder));
    if (!statSync(folder).isDirectory()) throw Object.assign(new Error("no folder"), { code: "ENOTDIR" });
    accessSync(folder, constants.W_OK | constants.X_OK);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    const why = code === "EEXIST" || code === "ENOTDIR" ? "a file is in the way" : `the system refuses (${code})`;
    throw new Failure(`the folder ${resolve(folder)} cannot be written: ${why}; choose another with --data`);
  }
}

/** One level at a time: Node's own recursive form does not return where a file system refuses with ENOENT, as /proc does. */
function makeFolder(folder: string): void {
  if (existsSync(folder)) return;
  makeFolder(dirname(folder));
  mkdirSync(folder, { mode: 0o700 });
}

/** Writes everything a devnet needs: random keys, genesis, and a folder per process. Refuses a folder that has one. */
export function createDevnet(
  dataDir: string,
  input: {
    readonly ports: DevnetPorts;
    readonly seed: number;
    readonly indexFile?: string | undefined;
    readonly retentionBlocks?: number | undefined;
    /** How votes become certificates; a list of ed25519 signatures unless given. */
    readonly certificates?: CertificatesName | undefined;
    readonly startMs: number;
  },
): Network {
  const folder = folderOf(dataDir);
  requireWritable(folder.root);
  if (hasDevnet(dataDir)) throw new Failure(`${folder.root} holds a devnet already: use --fresh to begin anew`);
  const validators = Array.from({ length: validatorsCount }, randomSeed);
  const participants = devnetParticipants.map(randomSeed);
  const prices: PriceParameters = {
    seed: input.seed,
    indexes: devnetIndexes.map(({ name, initialPrice, volatility }) => ({ name, initialPrice, volatility })),
    file: input.indexFile === undefined ? undefined : resolve(input.indexFile),
    originMs: input.startMs,
  };
  const beginning = openPriceSource(prices).read(input.startMs, []);
  const genesis = devnetGenesis({
    chainName: "stoa-devnet",
    startMs: input.startMs,
    // Strikes are listed around what validators will say in a moment.
    initialPrices: present(beginning, "a price source always sees something").indexes.map(({ price }) => price),
    keys: {
      validators: validators.map((seed) => activeEd25519.publicKey(seed)),
      participants: participants.map((seed) => activeEd25519.publicKey(seed)),
    },
    certificates: certificatesFrom(input.certificates ?? "ed25519-list", validators),
  });
  const network: Network = {
    formatVersion: 1,
    chainName: genesis.chainName,
    ports: input.ports,
    prices,
    retentionBlocks: input.retentionBlocks,
  };
  writeKeysAndGenesis(dataDir, { genesis, validators, participants });
  writeNetwork(dataDir, network);
  return network;
}

function writeKeysAndGenesis(
  dataDir: string,
  input: { genesis: Genesis; validators: readonly SecretSeed[]; participants: readonly SecretSeed[] },
): void {
  const folder = folderOf(dataDir);
  for (const path of [folder.accounts, folder.log, folder.gateway]) mkdirSync(path, { recursive: true, mode: 0o700 });
  const bytes = encodeGenesis(input.genesis);
  writeFileSync(folder.genesis, bytes);
  writeFileSync(join(folder.gateway, "genesis.bin"), bytes);
  input.validators.forEach((seed, index) => {
    mkdirSync(folder.validator(index), { recursive: true, mode: 0o700 });
    writeFileSync(join(folder.validator(index), "genesis.bin"), bytes);
    saveKey(join(folder.validator(index), "validator.key"), seed);
  });
  devnetParticipants.forEach(({ name }, index) => saveKey(folder.accountKey(name), input.participants[index]!));
  const entries = devnetParticipants.map((participant, index) => apiKeyOf(participant, input.participants[index]!));
  writeFileSync(folder.apiKeys, `${JSON.stringify(entries, undefined, 2)}\n`, { mode: 0o600 });
}

/** A session key may trade and move money between accounts, and never withdraw it. */
function apiKeyOf({ name, role }: Participant, owner: SecretSeed): ApiKey {
  return {
    name,
    clientId: `${name}-${toHex(randomBytes(4))}`,
    clientSecret: toHex(randomBytes(24)),
    owner: toHex(activeEd25519.publicKey(owner)),
    subaccount: 0,
    sessionSeed: toHex(randomSeed()),
    scopes: role === "user" ? ["read", "trade", "transfer"] : ["read", "trade"],
    tier: role === "user" ? "standard" : "maker",
  };
}

/** Writes network.json and what follows from it in the folders of the processes: they are rewritten when ports change. */
export function writeNetwork(dataDir: string, network: Network): void {
  const folder = folderOf(dataDir);
  const { ports } = network;
  ports.validators.forEach(({ mesh, door, metrics }, index) => {
    const file: NodeFile = {
      formatVersion: 1,
      index,
      mesh: { host, port: mesh },
      door: { host, port: door },
      metrics: { host, port: metrics },
      peers: ports.validators.map((peer) => ({ host, port: peer.mesh })),
      doors: ports.validators.filter((_, other) => other !== index).map((peer) => ({ host, port: peer.door })),
      prices: network.prices,
      retentionBlocks: network.retentionBlocks,
    };
    writeJson(join(folder.validator(index), "node.json"), file);
  });
  const gateway: GatewayFile = {
    formatVersion: 1,
    http: { host, port: ports.http },
    https: { host, port: ports.https },
    doors: ports.validators.map(({ door }) => ({ host, port: door })),
  };
  writeJson(join(folder.gateway, "gateway.json"), gateway);
  writeJson(folder.network, network);
}

export function loadNetwork(dataDir: string): Network {
  if (!hasDevnet(dataDir))
    throw new Failure(
      `${resolve(dataDir)} holds no devnet: start one with "npm start", or name its folder with --data`,
    );
  return readJson<Network>(folderOf(dataDir).network);
}

export const loadNodeFile = (dataDir: string): NodeFile =>
  readJson(requireFile(join(dataDir, "node.json"), "validator"));
export const loadGatewayFile = (dataDir: string): GatewayFile =>
  readJson(requireFile(join(dataDir, "gateway.json"), "gateway"));
export const loadApiKeys = (dataDir: string): readonly ApiKey[] => readJson(folderOf(dataDir).apiKeys);
export const loadValidatorSeed = (dataDir: string): SecretSeed => loadKey(join(dataDir, "validator.key"));

/** The genesis in a folder; damaged bytes are named. */
export const loadGenesis = (dataDir: string): Genesis => readGenesis(requireFile(join(dataDir, "genesis.bin"), "node"));

export function readGenesis(file: string): Genesis {
  const genesis = decodeGenesis(new Uint8Array(readFileSync(file)));
  if (genesis === undefined) throw new Failure(`${file} is no genesis: it is damaged or of another version`);
  const fault = genesisFault(genesis);
  if (fault !== undefined) throw new Failure(`${file} cannot be a chain: ${fault}`);
  return genesis;
}

/** Removes what a devnet wrote, and only if it is a devnet's folder. */
export function removeDevnet(dataDir: string): void {
  const folder = folderOf(dataDir);
  if (!existsSync(folder.root)) return;
  if (!hasDevnet(dataDir)) return;
  rmSync(folder.network);
  const parts = [folder.genesis, folder.accounts, folder.log, folder.gateway];
  for (let index = 0; index < validatorsCount; index++) parts.push(folder.validator(index));
  for (const part of parts) rmSync(part, { recursive: true, force: true });
}

function requireFile(file: string, kind: string): string {
  if (existsSync(file)) return file;
  throw new Failure(`${resolve(file)} does not exist: --data must name the folder of a ${kind}`);
}

function writeJson(file: string, value: object): void {
  writeFileSync(file, `${JSON.stringify(value, undefined, 2)}\n`, { mode: 0o600 });
}

function readJson<T>(file: string): T {
  const text = readFileSync(file, "utf8");
  let value: { readonly formatVersion?: number } & T;
  try {
    value = JSON.parse(text) as typeof value;
  } catch (error) {
    throw new Failure(`${file} is no JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (!Array.isArray(value) && value.formatVersion !== 1)
    throw new Failure(`${file} has a format that this version does not know`);
  return value;
}
