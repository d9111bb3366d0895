/** One WebSocket client: what it may do, what it follows, and what happens when it leaves. */
import type { Principal } from "../accounts/api-key.ts";
import type { Grant } from "../accounts/authority.ts";

export interface Connection {
  readonly address: string;
  /** Set by `public/auth`. */
  grant: Grant | undefined;
  /** Channels as subscribed, with the label to repeat in their notifications. */
  readonly channels: Map<string, string | undefined>;
  /** Orders placed here that have not been seen to end, with whom they were placed for: a connection may change its account. */
  readonly orders: Map<number, Principal>;
  cancelOnDisconnect: boolean;
  closed: boolean;
  /** Seconds between heartbeats; 0 when off. */
  heartbeatSeconds: number;
  /** Queues a message; a client whose queue is over the limit is cut off. */
  readonly send: (message: string) => void;
  /** Closes after what is queued has been sent. */
  readonly close: (reason: string, options?: { readonly cancelOrders: boolean }) => void;
}
