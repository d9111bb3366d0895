/** The example of docs/reference/client.md, which shows it word for word: one order, placed and proved without trusting a node. */
import { connect } from "@stoa/client/connect";
import { followChain } from "@stoa/client/follow";
import { createNonces, signCommand } from "@stoa/client/sign";
import { submitCommand, type Answer } from "@stoa/client/submit";
import { trustGenesis } from "@stoa/client/trust";
import type { SecretSeed } from "@stoa/base/signature";
import { lots, ticks } from "@stoa/base/units";

export async function buyOneLot(options: {
  /** Doors of several validators: `ws://127.0.0.1:7420`, `ws://127.0.0.1:7421` … */
  readonly urls: readonly string[];
  /** The digest of genesis, from a source that you trust. */
  readonly chainId: Uint8Array;
  readonly seed: SecretSeed;
}): Promise<Answer> {
  const doors = options.urls.map((url) => connect(url));
  const chain = trustGenesis(await doors[0]!.genesis(), options.chainId);
  const { height } = await doors[0]!.status();
  const follower = followChain({ chain, doors, from: Math.max(1, height), report: console.warn });
  const nonces = createNonces(BigInt(Date.now()) * 1_000n);
  const signed = signCommand(
    { chainId: chain.chainId, seed: options.seed },
    {
      nonce: nonces(),
      expiresAtMs: Date.now() + 30_000,
      body: {
        kind: "place",
        instrument: 1,
        side: "buy",
        type: "limit",
        timeInForce: "good-til-cancelled",
        postOnly: "off",
        reduceOnly: false,
        priceTicks: ticks(110_000),
        sizeLots: lots(1),
        goodTilMs: undefined,
        label: "by hand",
      },
    },
  );
  const answer = await submitCommand(signed, { chain, doors, follower });
  follower.stop();
  for (const door of doors) door.close();
  return answer;
}
