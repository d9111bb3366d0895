/**
 * Cancel on disconnect: which open orders came through a connection, and cancelling them when it ends. Orders under this
 * promise are written down in the database, so that a gateway that was killed keeps it at its next start.
 */
import type { Principal } from "../accounts/api-key.ts";
import type { Services } from "../services.ts";
import type { Connection } from "./connection.ts";

const trackedCountSoft = 4_096;
const disconnectedCountMax = 10_000;

const isGuarded = (services: Services, connection: Connection, principal: Principal): boolean =>
  connection.cancelOnDisconnect || services.cancelOnDisconnect.has(principal.accountName);

/** Remembers orders that a connection placed. An order that became final after its connection had ended is cancelled now. */
export function trackOrders(
  services: Services,
  connection: Connection | undefined,
  principal: Principal,
  orders: readonly number[],
): void {
  if (connection === undefined) return;
  const fresh = orders.filter((order) => !connection.orders.has(order));
  for (const order of fresh) connection.orders.add(order);
  if (connection.closed) return cancelOrdersOf(services, connection, principal);
  if (trackedCountSoft < connection.orders.size) forgetEnded(services, connection);
  if (isGuarded(services, connection, principal)) guard(services, principal, fresh);
}

/** Writes down that these orders must not outlive this process unwatched. */
export function guard(services: Services, principal: Principal, orders: Iterable<number>): void {
  for (const order of orders)
    services.store.run("INSERT OR REPLACE INTO guarded VALUES (?, ?)", order, principal.clientId);
}

function release(services: Services, orders: Iterable<number>): void {
  for (const order of orders) services.store.run("DELETE FROM guarded WHERE order_id = ?", order);
}

const isOpen = (services: Services, order: number): boolean => services.upstream.query.order(order)?.state === "open";

function forgetEnded(services: Services, connection: Connection): void {
  const ended = [...connection.orders].filter((order) => !isOpen(services, order));
  for (const order of ended) connection.orders.delete(order);
  release(services, ended);
}

/** Leaves the connection's orders as they are: it logged out. */
export function keepOrdersOf(services: Services, connection: Connection): void {
  release(services, connection.orders);
  connection.orders.clear();
}

/** Cancels what the connection still has open, if it or its account asked for that. */
export function cancelOrdersOf(services: Services, connection: Connection, principal: Principal): void {
  if (!isGuarded(services, connection, principal)) return;
  forgetEnded(services, connection);
  const orders = [...connection.orders];
  connection.orders.clear();
  cancel(services, principal, orders);
}

/** At start: cancels what connections of an earlier run, which could not say good-bye, had under this promise. */
export function cancelAbandonedOrders(services: Services): void {
  const rows = services.store.all("SELECT order_id, client_id FROM guarded");
  for (const [clientId, group] of Map.groupBy(rows, (row) => String(row["client_id"]))) {
    const principal = services.authority.principals.get(clientId);
    const orders = group.map((row) => Number(row["order_id"]));
    const open = orders.filter((order) => isOpen(services, order));
    if (principal !== undefined) cancel(services, principal, open);
    release(services, principal === undefined ? orders : orders.filter((order) => !open.includes(order)));
  }
}

function cancel(services: Services, principal: Principal, orders: readonly number[]): void {
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
  const done = services.intake.submit(principal, body).then(
    () => release(services, orders),
    (error: unknown) => {
      services.log("cancel on disconnect failed", { clientId: principal.clientId, error: String(error) });
    },
  );
  services.cancelling.add(done);
  void done.finally(() => services.cancelling.delete(done));
}
