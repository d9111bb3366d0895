/**
 * How a node is configured. A process gets these as data (from a file, the command line or a test); every mistake is one
 * clear line that names the field. Data folders and ports are looked at when they are used, not here.
 */
import { equalBytes } from "@stoa/base/bytes";
import { activeEd25519 } from "@stoa/base/active-signature";
import { limits } from "@stoa/base/limits";
import { secretSeedSize, type SecretSeed } from "@stoa/base/signature";
import type { Genesis } from "@stoa/protocol/genesis";
import { genesisFault } from "@stoa/protocol/genesis-fault";
import type { ValidatorIndex } from "@stoa/protocol/primitives";
import { NodeError } from "./failure.ts";
import type { Address } from "./network/mesh.ts";
import type { LaneUse } from "./own-lane.ts";

export interface StorageConfig {
  /** Blocks to keep in the log; older ones go once a snapshot covers them. Infinity keeps all. */
  readonly retentionBlocks: number;
  /** Blocks between two snapshots of the exchange. */
  readonly snapshotBlocks: number;
  /** Snapshots to keep. */
  readonly snapshotsKept: number;
  /** Bytes of the chunks in which others fetch a snapshot: a power of two, at most 1 MiB. */
  readonly snapshotChunkSize: number;
  /** Bytes after which the block log and the event log begin a new file: what is deleted, is deleted a file at a time. */
  readonly segmentSize: number;
}

export interface ValidatorConfig {
  readonly genesis: Genesis;
  /** The secret of a validator key of genesis, 32 bytes. */
  readonly seed: SecretSeed;
  readonly dataFolder: string;
  /** Where other validators connect. Port 0 takes any free port, here and below. */
  readonly mesh: Address;
  /** Where clients and gateways connect. */
  readonly door: Address;
  /** Where Prometheus reads. */
  readonly metrics: Address;
  /** Mesh addresses of the other validators, by their position in genesis; may be completed after the start. */
  readonly peers: readonly (Address | undefined)[];
  /** Doors of other nodes of this chain: asked where states part, and for a snapshot when blocks are missing. */
  readonly doors?: readonly Address[];
  /** A file as `exportSnapshot` writes it: what is stored here is never given up for it. */
  readonly snapshotFile?: string;
  /** The view timer D0 of consensus.md: 150 ms unless set. */
  readonly initialTimeoutMs?: number;
  /**
   * This validator has voted on this chain before, and nothing of that is in its folder: it begins in quarantine. Where blocks,
   * votes or the key's memory are there, it knows by itself.
   */
  readonly votesLost?: boolean;
  /** How often prices are read and signed: 500 ms unless set. */
  readonly priceIntervalMs?: number;
  readonly signatureWorkersCount?: number;
  /** Whether commands of clients go into this validator's lane: `auto` unless something is measured. */
  readonly lanes?: LaneUse;
  readonly storage?: Partial<StorageConfig>;
}

export const storageDefaults: StorageConfig = {
  retentionBlocks: 1_000_000,
  snapshotBlocks: 2_000,
  snapshotsKept: 2,
  snapshotChunkSize: 256 * 1024,
  segmentSize: limits.logSegmentSizeMax,
};

const chunkSizes: readonly number[] = Array.from({ length: 9 }, (_, index) => 4_096 << index);

export function checkGenesis(genesis: Genesis): void {
  const fault = genesisFault(genesis);
  if (fault !== undefined) throw new NodeError("configuration-invalid", `genesis cannot be a chain: ${fault}.`);
}

/** The validator's place in genesis; refuses a configuration that cannot work. */
export function checkValidatorConfig(config: ValidatorConfig): ValidatorIndex {
  checkGenesis(config.genesis);
  if (config.seed.length !== secretSeedSize)
    throw invalid("seed", `${secretSeedSize} bytes`, `${config.seed.length} bytes`);
  for (const field of ["mesh", "door", "metrics"] as const) checkAddress(field, config[field]);
  config.peers.forEach((peer, index) => {
    if (peer !== undefined) checkAddress(`peers[${index}]`, peer);
  });
  config.doors?.forEach((door, index) => checkAddress(`doors[${index}]`, door));
  if (config.dataFolder.length === 0) throw invalid("dataFolder", "a path", "an empty text");
  const { retentionBlocks, snapshotBlocks, snapshotsKept, snapshotChunkSize, segmentSize } = {
    ...storageDefaults,
    ...config.storage,
  };
  if (!(1 <= retentionBlocks)) throw invalid("storage.retentionBlocks", "at least 1", String(retentionBlocks));
  if (!(Number.isInteger(snapshotBlocks) && 1 <= snapshotBlocks))
    throw invalid("storage.snapshotBlocks", "an integer of at least 1", String(snapshotBlocks));
  if (!(Number.isInteger(snapshotsKept) && 1 <= snapshotsKept))
    throw invalid("storage.snapshotsKept", "an integer of at least 1", String(snapshotsKept));
  if (!(1 <= segmentSize)) throw invalid("storage.segmentSize", "at least 1", String(segmentSize));
  if (!chunkSizes.includes(snapshotChunkSize))
    throw invalid("storage.snapshotChunkSize", "a power of two from 4096 to 1048576", String(snapshotChunkSize));
  const key = activeEd25519.publicKey(config.seed);
  const index = config.genesis.validators.findIndex((one) => equalBytes(one.key, key));
  if (index < 0)
    throw new NodeError(
      "key-not-in-genesis",
      `the validator key ${Buffer.from(key).toString("hex")} is not among the ${config.genesis.validators.length} validators ` +
        `of genesis. Check that the key file and the genesis file belong together.`,
    );
  return index as ValidatorIndex;
}

export function checkAddress(field: string, { host, port }: Address): void {
  if (typeof host !== "string" || host.length === 0)
    throw invalid(`${field}.host`, "a host name", JSON.stringify(host));
  if (!Number.isInteger(port) || port < 0 || 65_535 < port)
    throw invalid(`${field}.port`, "a port from 0 to 65535", String(port));
}

export function invalid(field: string, expected: string, got: string): NodeError {
  return new NodeError("configuration-invalid", `configuration: ${field} must be ${expected}; got ${got}.`);
}
