/** What every method and channel of a gateway works with: one value, made at start, passed by position. */
import type { ApiKey, Principal } from "./accounts/api-key.ts";
import type { Authority } from "./accounts/authority.ts";
import type { Intake } from "./accounts/intake.ts";
import type { Catalog } from "./catalog.ts";
import type { Feed } from "./channels/feed.ts";
import type { Store } from "./history/store.ts";
import type { GatewayLimits } from "./limits.ts";
import type { Market } from "./market/market.ts";
import type { Upstream } from "./upstream.ts";

export interface Services {
  readonly upstream: Upstream;
  readonly catalog: Catalog;
  readonly store: Store;
  readonly market: Market;
  readonly authority: Authority;
  readonly intake: Intake;
  readonly feed: Feed;
  readonly limits: GatewayLimits;
  readonly nowMs: () => number;
  /** Marks every answer as simulated. */
  readonly testnet: boolean;
  /** Resolves once the block of this height is in the history and the market: what is acknowledged can be read back. */
  readonly processed: (height: number) => Promise<void>;
  /** Orders that this gateway cancelled because their connection ended. */
  readonly disconnected: Set<number>;
  /** Accounts whose connections all cancel their orders when they end, by account name. */
  readonly cancelOnDisconnect: Set<string>;
  /** Cancels on disconnect that are not final yet. */
  readonly cancelling: Set<Promise<void>>;
  readonly log: (message: string, fields?: Readonly<Record<string, unknown>>) => void;
}

export type { ApiKey, Principal };
