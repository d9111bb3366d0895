/** The second example of docs/reference/client.md, which shows it word for word: an account looked at without trusting a node. */
import { connect } from "@stoa/client/connect";
import { openLightClient } from "@stoa/client/light-client";
import type { PublicKey } from "@stoa/base/signature";

export async function lookAt(options: {
  /** Any nodes: `ws://127.0.0.1:7420` of a validator, `wss://127.0.0.1:7443/ws/door` of a gateway … */
  readonly urls: readonly string[];
  /** The digest of genesis, from a source that you trust. */
  readonly chainId: Uint8Array;
  readonly owner: PublicKey;
  readonly order: number;
  /** The height of the block in which the order was placed. */
  readonly placed: number;
}): Promise<readonly string[]> {
  const doors = options.urls.map((url) => connect(url));
  const light = await openLightClient({ trust: { chainId: options.chainId }, doors, report: console.warn });
  const stop = light.follow(({ header }) => console.info(`header ${header.height} is final`));
  const { value, height, header } = await light.balance({ owner: options.owner }, "BTC");
  const { filledLots, trades } = await light.fills(options.order, { from: options.placed });
  const open = await light.order(options.order);
  stop();
  for (const door of doors) door.close();
  return [
    `${value.text} ${value.asset.name} after block ${height}, proved by header ${header.height}`,
    `${filledLots} lots filled in ${trades.length} trades`,
    open.value === undefined ? "the order is not open" : `${open.value.order.filledLots} lots filled, and it is open`,
  ];
}
