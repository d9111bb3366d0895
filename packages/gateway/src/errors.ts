/**
 * What goes wrong, in the words and numbers that Deribit's clients know. Every refusal of the exchange and of the door has
 * one entry here; limits are appended to the message, and `data` names the parameter and the reason.
 */
import type { AdmissionRefusal } from "@stoa/protocol/door";
import type { RefusalReason } from "@stoa/protocol/reason";

export const errorCodes = {
  authorization_required: 10000,
  error: 10001,
  qty_too_low: 10002,
  order_overlap: 10003,
  order_not_found: 10004,
  price_too_low: 10005,
  price_too_high: 10007,
  not_enough_funds: 10009,
  already_closed: 10010,
  book_closed: 10012,
  invalid_or_unsupported_instrument: 10020,
  invalid_amount: 10021,
  invalid_price: 10023,
  invalid_order_id: 10025,
  too_many_requests: 10028,
  not_owner_of_order: 10029,
  must_be_websocket_request: 10030,
  invalid_args_for_instrument: 10031,
  not_implemented: 10033,
  retry: 10040,
  price_wrong_tick: 10043,
  matching_engine_queue_full: 10047,
  too_many_concurrent_requests: 10066,
  invalid_arguments: 11029,
  other_reject: 11030,
  not_open_order: 11044,
  unsupported_arg_combination: 11047,
  bad_request: 11050,
  post_only_reject: 11054,
  post_only_not_allowed: 11055,
  invalid_addr: 11090,
  internal_server_error: 11094,
  too_many_subaccounts: 12001,
  transfer_not_allowed: 12100,
  invalid_credentials: 13004,
  unauthorized: 13009,
  not_found: 13020,
  forbidden: 13021,
  non_unique_order_label: 13032,
  no_more_security_keys_allowed: 13034,
  mmp_required: 13040,
  cod_not_enabled: 13042,
  unavailable: 13503,
  raw_subscriptions_not_available_for_unauthorized: 13778,
  timed_out: 13888,
  "Missing params": -32000,
  "Method not found": -32601,
  "Invalid params": -32602,
  "Parse error": -32700,
  "request entity too large": -32600,
} as const;
export type ErrorName = keyof typeof errorCodes;

export interface ErrorData {
  readonly reason?: string;
  readonly param?: string;
}

/** An answer that is an error: a name of the table, what is appended to it, and which parameter it is about. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly errorName: ErrorName;
  readonly code: number;
  readonly data: ErrorData | undefined;

  constructor(errorName: ErrorName, data?: ErrorData, appended?: string) {
    super(appended === undefined ? errorName : `${errorName} ${appended}`);
    this.errorName = errorName;
    this.code = errorCodes[errorName];
    this.data = data;
  }
}

export const invalidParameter = (param: string, reason: string): ApiError =>
  new ApiError("Invalid params", { reason, param });

/** The HTTP status that carries an error. Clients read the body first; only 429 and 500 mean anything to them. */
export function httpStatusOf(error: ApiError): number {
  switch (error.errorName) {
    case "too_many_requests":
      return 429;
    case "internal_server_error":
      return 500;
    case "request entity too large":
      return 413;
    default:
      return 400;
  }
}

interface RefusalAnswer {
  readonly error: ErrorName;
  readonly param?: string;
  readonly appended?: string;
}

/** One line for each reason of `protocol/reason`, in its order. */
const refusalAnswers: Readonly<Record<RefusalReason, RefusalAnswer>> = {
  "command-malformed": { error: "bad_request" },
  "chain-wrong": { error: "internal_server_error" },
  "signature-invalid": { error: "unauthorized" },
  "command-expired": { error: "timed_out", param: "valid_until" },
  "expiry-too-far": { error: "Invalid params", param: "valid_until" },
  "account-unknown": { error: "not_enough_funds", param: "account" },
  "key-not-authorized": { error: "unauthorized", param: "session_key" },
  "key-expired": { error: "unauthorized", param: "session_key" },
  "scope-missing": { error: "forbidden", param: "scope" },
  "nonce-reused": { error: "retry", param: "nonce" },
  "nonce-too-old": { error: "retry", param: "nonce" },
  "instrument-unknown": { error: "not_found", param: "instrument_name" },
  "instrument-not-open": { error: "book_closed", param: "instrument_name" },
  "order-unknown": { error: "order_not_found", param: "order_id" },
  "order-not-owned": { error: "not_owner_of_order", param: "order_id" },
  "order-not-open": { error: "not_open_order", param: "order_id" },
  "size-not-positive": { error: "qty_too_low", param: "amount" },
  "size-too-large": { error: "invalid_amount", param: "amount" },
  "price-missing": { error: "Invalid params", param: "price" },
  "price-not-positive": { error: "invalid_price", param: "price" },
  "price-not-on-tick": { error: "price_wrong_tick", param: "price" },
  "price-above-band": { error: "price_too_high", param: "price" },
  "price-below-band": { error: "price_too_low", param: "price" },
  "good-til-time-missing": { error: "Invalid params", param: "time_in_force" },
  "good-til-time-past": { error: "Invalid params", param: "time_in_force" },
  "combination-unsupported": { error: "unsupported_arg_combination" },
  "post-only-would-cross": { error: "post_only_reject", param: "price" },
  "reduce-only-would-increase": { error: "other_reject", param: "reduce_only", appended: "reduce_only_would_increase" },
  "fill-or-kill-not-filled": { error: "other_reject", param: "time_in_force", appended: "fill_or_kill_not_filled" },
  "no-liquidity": { error: "other_reject", param: "type", appended: "no_liquidity" },
  "self-match": { error: "order_overlap", param: "price" },
  "orders-too-many": { error: "other_reject", param: "order", appended: "max_open_orders" },
  "book-full": { error: "other_reject", param: "instrument_name", appended: "book_full" },
  "margin-insufficient": { error: "not_enough_funds", param: "amount" },
  "account-in-liquidation": { error: "other_reject", param: "account", appended: "account_in_liquidation" },
  "asset-unknown": { error: "Invalid params", param: "currency" },
  "balance-insufficient": { error: "not_enough_funds", param: "amount" },
  "target-invalid": { error: "transfer_not_allowed", param: "destination" },
  "subaccounts-too-many": { error: "too_many_subaccounts", param: "destination" },
  "keys-too-many": { error: "no_more_security_keys_allowed" },
  "key-invalid": { error: "Invalid params", param: "session_key" },
  "faucet-disabled": { error: "unavailable" },
  "faucet-limit": { error: "other_reject", param: "amount", appended: "faucet_limit" },
  "address-invalid": { error: "invalid_addr", param: "address" },
  "validator-unknown": { error: "forbidden" },
  "price-message-outdated": { error: "invalid_arguments" },
  "price-message-invalid": { error: "invalid_arguments" },
};

/** The error for a refusal of the exchange. `limit` is the bound that was broken, already in the client's units. */
export function refusalError(reason: RefusalReason, limit?: string): ApiError {
  const answer = refusalAnswers[reason];
  const data = answer.param === undefined ? { reason } : { reason, param: answer.param };
  const appended = [answer.appended, limit].filter((part) => part !== undefined).join(" ");
  return new ApiError(answer.error, data, appended === "" ? undefined : appended);
}

const admissionAnswers: Readonly<Record<AdmissionRefusal, ErrorName>> = {
  none: "internal_server_error",
  malformed: "bad_request",
  "chain-wrong": "internal_server_error",
  "signature-invalid": "unauthorized",
  expired: "timed_out",
  "mempool-full": "matching_engine_queue_full",
  "account-quota": "matching_engine_queue_full",
  "nonce-reused": "retry",
  stopping: "retry",
};

/** The error for a command that no node took. */
export const admissionError = (refusal: AdmissionRefusal): ApiError =>
  new ApiError(admissionAnswers[refusal], { reason: refusal });
