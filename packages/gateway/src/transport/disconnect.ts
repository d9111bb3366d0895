/**
 * Cancel on disconnect: which open orders came through a connection, and cancelling them when it ends. Orders under this
 * promise are written down in the database, so that a gateway that was killed keeps it at its next start.
 */
import type { Principal } from "../accounts/api-key.ts";
import type { Store } from "../history/store.ts";
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
  for (const order of fresh) connection.orders.set(order, principal);
  if (connection.closed) return cancelOrdersOf(services, connection);
  if (trackedCountSoft < connection.orders.size) forgetEnded(services, connection);
  guard(services, connection, fresh);
}

/** Switches cancelling for all connections of an account; remembered, because the promise is not tied to this process. */
export function setAccountGuard(services: Services, accountName: string, enabled: boolean): void {
  if (enabled) services.cancelOnDisconnect.add(accountName);
  else services.cancelOnDisconnect.delete(accountName);
  const sql = enabled
    ? "INSERT OR REPLACE INTO guarded_accounts VALUES (?)"
    : "DELETE FROM guarded_accounts WHERE name = ?";
  services.store.run(sql, accountName);
}

/** The accounts that asked for it, also of earlier runs. */
export const guardedAccounts = (store: Store): Set<string> =>
  new Set(store.all("SELECT name FROM guarded_accounts").map((row) => String(row["name"])));

/** Writes down which of these orders, placed on this connection, must not outlive this process unwatched. */
export function guard(services: Services, connection: Connection, orders: Iterable<number>): void {
  for (const order of orders) {
    const principal = connection.orders.get(order);
    if (principal !== undefined && isGuarded(services, connection, principal))
      services.store.run("INSERT OR REPLACE INTO guarded VALUES (?, ?)", order, principal.clientId);
  }
}

function release(services: Services, orders: Iterable<number>): void {
  for (const order of orders) services.store.run("DELETE FROM guarded WHERE order_id = ?", order);
}

const isOpen = (services: Services, order: number): boolean => services.upstream.query.order(order)?.state === "open";

function forgetEnded(services: Services, connection: Connection): void {
  const ended = [...connection.orders.keys()].filter((order) => !isOpen(services, order));
  for (const order of ended) connection.orders.delete(order);
  release(services, ended);
}

/** Leaves the connection's orders as they are: it logged out. */
export function keepOrdersOf(services: Services, connection: Connection): void {
  release(services, connection.orders.keys());
  connection.orders.clear();
}

/** Cancels what the connection still has open, for each account that used it, if it or that account asked for it. */
export function cancelOrdersOf(services: Services, connection: Connection): void {
  if (connection.orders.size === 0) return;
  forgetEnded(services, connection);
  const placed = Map.groupBy(connection.orders, ([, principal]) => principal);
  connection.orders.clear();
  for (const [principal, orders] of placed) {
    if (!isGuarded(services, connection, principal)) continue;
    cancel(
      services,
      principal,
      orders.map(([order]) => order),
    );
  }
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
