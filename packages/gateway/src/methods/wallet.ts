/** Transfers between accounts, deposits, withdrawals, and opening sub-accounts. */
import { limits } from "@stoa/base/limits";
import type { PublicKey } from "@stoa/base/signature";
import { money as moneyUnit } from "@stoa/base/units";
import type { CommandBody } from "@stoa/protocol/command";
import { assetNamed, moneyOf } from "../catalog.ts";
import { numberOf } from "../decimal.ts";
import { ApiError, refusalError } from "../errors.ts";
import type { Row } from "../history/store.ts";
import { privateMethod, type AccountCaller, type Method } from "../method.ts";
import { decimal, defaulted, natural, optional, required, text } from "../parameter.ts";
import type { Services } from "../services.ts";
import { identityOf, viewOf } from "./account.ts";
import { execute } from "./execute.ts";
import { accountOf, countOf, requiredCurrency } from "./shared.ts";

function ownerText(services: Services, account: number): string {
  const view = services.upstream.query.account(account);
  if (view === undefined) return String(account);
  return view.subaccount === 0 ? `account ${account}` : `account ${account} (sub-account ${view.subaccount})`;
}

function renderTransfer(services: Services, account: number, row: Row) {
  const asset = services.upstream.genesis.assets[Number(row["asset"])]!;
  const outgoing = Number(row["source"]) === account;
  const other = Number(row[outgoing ? "target" : "source"]);
  const time = Number(row["time_ms"]);
  return {
    id: Number(row["transfer"]),
    created_timestamp: time,
    updated_timestamp: time,
    type: sameOwner(services, account, other) ? "subaccount" : "user",
    currency: asset.name,
    amount: numberOf(BigInt(String(row["amount"])), asset.decimals),
    other_side: ownerText(services, other),
    state: "confirmed",
    direction: outgoing ? "payment" : "income",
  };
}

function sameOwner(services: Services, left: number, right: number): boolean {
  const owner = (account: number) => services.upstream.query.account(account)?.owner;
  const [one, other] = [owner(left), owner(right)];
  return one !== undefined && other !== undefined && Buffer.compare(one, other) === 0;
}

interface Target {
  readonly owner: Uint8Array;
  readonly subaccount: number;
}

async function transfer(services: Services, caller: AccountCaller, target: Target, asset: number, amount: bigint) {
  const body: CommandBody = {
    kind: "transfer",
    target: target.owner as PublicKey,
    targetSubaccount: target.subaccount,
    asset,
    amount: moneyUnit(amount),
  };
  const executed = await execute(services, caller, body);
  const done = executed.block.events.filter((event) => event.kind === "transferred");
  const account = accountOf(services, caller);
  const mine = done.findLast((event) => event.source === account && event.amount === amount && event.asset === asset);
  const row =
    mine === undefined ? undefined : services.store.one("SELECT * FROM transfers WHERE transfer = ?", mine.transfer);
  if (row === undefined) throw new ApiError("internal_server_error", { reason: "the transfer left no record" });
  return renderTransfer(services, account, row);
}

/** A destination is the id of an account of the same owner. */
function destinationOf(services: Services, caller: AccountCaller, destination: number): Target {
  const { owner } = caller.grant.principal;
  const view = services.upstream.query.account(destination);
  if (view === undefined || Buffer.compare(view.owner, owner) !== 0) throw refusalError("target-invalid");
  return { owner, subaccount: view.subaccount };
}

/** Opens the next sub-account. The exchange opens one by its first credit: one smallest unit of what the caller has most of. */
async function createSubaccount(services: Services, caller: AccountCaller) {
  const { principal } = caller.grant;
  const { query } = services.upstream;
  const taken = new Set(query.subaccounts(principal.owner));
  const subaccount = Array.from({ length: limits.subaccountsCountMax }, (_, index) => index).find(
    (one) => !taken.has(one),
  );
  if (subaccount === undefined) throw refusalError("subaccounts-too-many");
  const funded = viewOf(services, accountOf(services, caller)).collateral.filter(
    (one) => 0n < one.availableWithdrawalFunds,
  );
  const richest = funded.toSorted((left, right) => (left.balance < right.balance ? 1 : -1))[0];
  if (richest === undefined) throw refusalError("balance-insufficient");
  await transfer(services, caller, { owner: principal.owner, subaccount }, richest.asset, 1n);
  const view = viewOf(services, query.accountNumber(principal.owner, subaccount) ?? 0);
  return { ...identityOf(services, caller, view), is_password: false, security_keys_assignments: [] };
}

const walletRange = { currency: requiredCurrency, count: countOf(10, 1_000), offset: defaulted(natural, 0) };

function walletPage(
  services: Services,
  sql: string,
  values: readonly (string | number)[],
  page: { readonly count: number; readonly offset: number },
) {
  const count = Number(services.store.one(`SELECT count(*) AS count FROM ${sql}`, ...values)?.["count"] ?? 0);
  const rows = services.store.all(
    `SELECT * FROM ${sql} ORDER BY 1 DESC LIMIT ? OFFSET ?`,
    ...values,
    page.count,
    page.offset,
  );
  return { count, rows };
}

export const walletMethods: readonly Method[] = [
  privateMethod("get_transfers", {
    parameters: walletRange,
    handle(services, values, caller) {
      const account = accountOf(services, caller);
      const asset = assetNamed(services.upstream.genesis, values.currency);
      const sql = "transfers WHERE (source = ? OR target = ?) AND asset = ?";
      const { count, rows } = walletPage(services, sql, [account, account, asset], values);
      return { count, data: rows.map((row) => renderTransfer(services, account, row)) };
    },
  }),
  privateMethod("get_deposits", {
    parameters: walletRange,
    handle(services, values, caller) {
      const asset = assetNamed(services.upstream.genesis, values.currency);
      const sql = "ledger WHERE account = ? AND asset = ? AND cause IN ('genesis', 'faucet')";
      const { count, rows } = walletPage(services, sql, [accountOf(services, caller), asset], values);
      const { name, decimals } = services.upstream.genesis.assets[asset]!;
      const data = rows.map((row) => ({
        currency: name,
        amount: numberOf(BigInt(String(row["change"])), decimals),
        address: String(row["cause"]),
        transaction_id: String(row["entry"]),
        state: "completed",
        received_timestamp: Number(row["time_ms"]),
        updated_timestamp: Number(row["time_ms"]),
      }));
      return { count, data };
    },
  }),
  privateMethod("get_withdrawals", {
    parameters: walletRange,
    handle(services, values, caller) {
      const asset = assetNamed(services.upstream.genesis, values.currency);
      const sql = "withdrawals WHERE account = ? AND asset = ?";
      const { count, rows } = walletPage(services, sql, [accountOf(services, caller), asset], values);
      return { count, data: rows.map((row) => renderWithdrawal(services, row)) };
    },
  }),
  privateMethod("submit_transfer_to_subaccount", {
    scope: "transfer",
    parameters: { currency: requiredCurrency, amount: required(decimal), destination: required(natural) },
    handle(services, values, caller) {
      const asset = assetNamed(services.upstream.genesis, values.currency);
      const amount = moneyOf(services.upstream.genesis, asset, values.amount);
      return transfer(services, caller, destinationOf(services, caller, values.destination), asset, amount);
    },
  }),
  privateMethod("create_subaccount", {
    scope: "transfer",
    handle: (services, _values, caller) => createSubaccount(services, caller),
  }),
  privateMethod("withdraw", {
    scope: "withdraw",
    parameters: {
      currency: requiredCurrency,
      address: required(text),
      amount: required(decimal),
      priority: optional(text),
    },
    async handle(services, values, caller) {
      const asset = assetNamed(services.upstream.genesis, values.currency);
      const amount = moneyOf(services.upstream.genesis, asset, values.amount);
      if (limits.addressSizeMax < Buffer.byteLength(values.address) || !values.address.isWellFormed())
        throw refusalError("address-invalid");
      const body: CommandBody = { kind: "withdraw", asset, amount: moneyUnit(amount), address: values.address };
      const executed = await execute(services, caller, body);
      const account = accountOf(services, caller);
      const requested = executed.block.events.findLast(
        (event) => event.kind === "withdrawalRequested" && event.account === account && event.amount === amount,
      );
      const number = requested?.kind === "withdrawalRequested" ? requested.withdrawal : 0;
      const row = services.store.one("SELECT * FROM withdrawals WHERE withdrawal = ?", number);
      if (row === undefined) throw new ApiError("internal_server_error", { reason: "the withdrawal left no record" });
      return renderWithdrawal(services, row);
    },
  }),
];

function renderWithdrawal(services: Services, row: Row) {
  const { name, decimals } = services.upstream.genesis.assets[Number(row["asset"])]!;
  const time = Number(row["time_ms"]);
  return {
    id: Number(row["withdrawal"]),
    currency: name,
    amount: numberOf(BigInt(String(row["amount"])), decimals),
    address: String(row["address"]),
    fee: 0,
    priority: 0,
    state: "confirmed",
    transaction_id: null,
    created_timestamp: time,
    updated_timestamp: time,
    confirmed_timestamp: time,
  };
}
