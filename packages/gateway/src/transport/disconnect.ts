/** Cancel on disconnect: which open orders came through a connection, and cancelling them when it ends. */
import type { Principal } from "../accounts/api-key.ts";
import type { Services } from "../services.ts";
import type { Connection } from "./connection.ts";

const trackedCountSoft = 4_096;
const disconnectedCountMax = 10_000;

/** Remembers orders that a connection placed. An order that became final after its connection had ended is cancelled now. */
export function trackOrders(
  services: Services,
  connection: Connection | undefined,
  principal: Principal,
  orders: readonly number[],
): void {
  if (connection === undefined) return;
  for (const order of orders) connection.orders.add(order);
  if (connection.closed) cancelOrdersOf(services, connection, principal);
  else if (trackedCountSoft < connection.orders.size) forgetEnded(services, connection);
}

function forgetEnded(services: Services, connection: Connection): void {
  for (const order of connection.orders)
    if (services.upstream.query.order(order)?.state !== "open") connection.orders.delete(order);
}

/** Cancels what the connection still has open, if it or its account asked for that. */
export function cancelOrdersOf(services: Services, connection: Connection, principal: Principal): void {
  const wanted = connection.cancelOnDisconnect || services.cancelOnDisconnect.has(principal.accountName);
  if (!wanted) return;
  forgetEnded(services, connection);
  const orders = [...connection.orders];
  connection.orders.clear();
  if (orders.length === 0) return;
  for (const order of orders) services.disconnected.add(order);
  while (disconnectedCountMax < services.disconnected.size)
    services.disconnected.delete(services.disconnected.values().next().value!);
  const body = {
    kind: "cancelAll",
    instrument: undefined,
    currency: undefined,
    instrumentKind: undefined,
    type: undefined,
    label: undefined,
    quoteSet: undefined,
    orders,
  } as const;
  services.intake.submit(principal, body).catch((error: unknown) => {
    services.log("cancel on disconnect failed", { clientId: principal.clientId, error: String(error) });
  });
}
