/** Starts a whole mesh of validators inside this process (each still has its own threads) and a follower beside it. */
import { join } from "node:path";
import type { NodeError } from "../src/failure.ts";
import { startFollower, type Follower } from "../src/follower.ts";
import { startValidator, type ValidatorNode } from "../src/node.ts";
import { flatPrices, localhost, testFolder, type TestChain } from "./network.ts";

export interface TestMesh {
  readonly validators: readonly ValidatorNode[];
  readonly doors: readonly { readonly host: string; readonly port: number }[];
  readonly folder: string;
  readonly startFollower: (name?: string) => Promise<Follower>;
  readonly stop: () => Promise<void>;
}

export async function startMeshOf(
  chain: TestChain,
  options: { readonly snapshotBlocks?: number } = {},
): Promise<TestMesh> {
  const folder = testFolder();
  const validators = await Promise.all(
    chain.validatorSeeds.map((seed, index) =>
      startValidator(
        {
          genesis: chain.genesis,
          seed,
          dataFolder: join(folder.path, `validator-${index}`),
          mesh: localhost(),
          door: localhost(),
          metrics: localhost(),
          peers: [],
          storage: { snapshotBlocks: options.snapshotBlocks ?? 100 },
        },
        { priceSource: flatPrices },
      ),
    ),
  );
  validators.forEach((one) => validators.forEach((other) => one.setPeer(other.index, localhost(other.meshPort))));
  const doors = validators.map(({ doorPort }) => localhost(doorPort));
  const followers: Follower[] = [];
  return {
    validators,
    doors,
    folder: folder.path,
    async startFollower(name = "follower") {
      const follower = await startFollower({ genesis: chain.genesis, dataFolder: join(folder.path, name), doors });
      followers.push(follower);
      return follower;
    },
    async stop() {
      await Promise.all(followers.map((follower) => follower.stop()));
      await Promise.all(validators.map((validator) => validator.stop()));
      folder.remove();
    },
  };
}

/** Rejects when a validator or follower fails: so that a test ends at once and says why. */
export function noFailure(nodes: readonly { readonly failure: Promise<NodeError> }[]): Promise<never> {
  return new Promise((_, reject) => nodes.forEach(({ failure }) => void failure.then(reject)));
}
