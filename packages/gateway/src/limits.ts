/**
 * Limits of one gateway: connections, sizes and request rates. The standard rates are never stricter than Deribit's, so that
 * no well-behaved client is refused.
 */
import { limits } from "@stoa/base/limits";
import type { KeyTier } from "./accounts/api-key.ts";

export interface Rate {
  readonly perSecond: number;
  readonly burst: number;
}

export interface GatewayLimits {
  readonly requestSizeMax: number;
  readonly connectionsCountMax: number;
  readonly connectionsPerAddressCountMax: number;
  readonly channelsPerConnectionCountMax: number;
  readonly requestsInFlightPerConnectionCountMax: number;
  readonly sendQueueSizeMax: number;
  /** Requests without an account, per network address. */
  readonly anonymous: Rate;
  readonly nonMatching: Readonly<Record<KeyTier, Rate>>;
  readonly matching: Readonly<Record<KeyTier, Rate>>;
  readonly subscribe: Rate;
  /** A connection that says nothing and answers no ping for this long is closed. */
  readonly silenceMsMax: number;
}

export const defaultLimits: GatewayLimits = {
  requestSizeMax: limits.requestSizeMax,
  connectionsCountMax: limits.connectionsCountMax,
  connectionsPerAddressCountMax: limits.connectionsPerAddressCountMax,
  channelsPerConnectionCountMax: limits.channelsPerConnectionCountMax,
  requestsInFlightPerConnectionCountMax: limits.requestsInFlightPerConnectionCountMax,
  sendQueueSizeMax: limits.sendQueueSizeMax,
  anonymous: { perSecond: 40, burst: 200 },
  nonMatching: { standard: { perSecond: 40, burst: 200 }, maker: { perSecond: 1_000, burst: 5_000 } },
  matching: { standard: { perSecond: 10, burst: 40 }, maker: { perSecond: 500, burst: 2_000 } },
  subscribe: { perSecond: 10, burst: 50 },
  silenceMsMax: 60_000,
};
