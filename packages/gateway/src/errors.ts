/**
 * What goes wrong, in the words and numbers that Deribit's clients know. Every refusal of the exchange and of the door has
 * one entry here. A message is the word that clients know, the limit where there is one, and then for a person which parameter
 * it is about and why; `data` has the same in fields.
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
  /** Why, for a person. */
  readonly reason?: string;
  /** Which parameter. */
  readonly param?: string;
  /** The exchange's own word, when it was the exchange that refused: a reason of `protocol/reason`. */
  readonly refusal?: string;
}

/**
 * Messages that clients compare as a whole, so that nothing may follow: `data` alone says which parameter and why. The
 * clients are named in docs/decisions/0705-error-messages.md.
 */
export const comparedWhole: ReadonlySet<ErrorName> = new Set([
  "too_many_requests",
  "not_enough_funds",
  "order_not_found",
  "already_closed",
  "not_open_order",
  "post_only_reject",
]);

/** An answer that is an error: a name of the table, what is appended to it, and which parameter it is about. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly errorName: ErrorName;
  readonly code: number;
  readonly data: ErrorData | undefined;

  constructor(errorName: ErrorName, data?: ErrorData, appended?: string) {
    super(messageOf(errorName, data, appended));
    this.errorName = errorName;
    this.code = errorCodes[errorName];
    this.data = data;
  }
}

/** In parentheses, so that the word and the limit before them are found by whoever splits at spaces. */
function messageOf(errorName: ErrorName, data: ErrorData | undefined, appended: string | undefined): string {
  const known = appended === undefined ? errorName : `${errorName} ${appended}`;
  if (data?.reason === undefined || comparedWhole.has(errorName)) return known;
  return data.param === undefined ? `${known} (${data.reason})` : `${known} (${data.param}: ${data.reason})`;
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
  /** What a person reads. */
  readonly text: string;
  readonly error: ErrorName;
  readonly param: string;
  readonly appended?: string;
}

/** One line for each reason of `protocol/reason`, in its order. */
const refusalAnswers: Readonly<Record<RefusalReason, RefusalAnswer>> = {
  "command-malformed": { text: "not well formed", error: "bad_request", param: "command" },
  "chain-wrong": { text: "signed for another chain", error: "internal_server_error", param: "chain_id" },
  "signature-invalid": { text: "does not fit the command", error: "unauthorized", param: "signature" },
  "command-expired": {
    text: "the command did not become final before it expired; it never will",
    error: "timed_out",
    param: "valid_until",
  },
  "expiry-too-far": { text: "more than a day ahead", error: "Invalid params", param: "valid_until" },
  "account-unknown": { text: "this account has never been funded", error: "not_enough_funds", param: "account" },
  "key-not-authorized": {
    text: "the account has not authorised this session key, or has revoked it",
    error: "unauthorized",
    param: "session_key",
  },
  "key-expired": {
    text: "this session key has expired; the account must authorise a new one",
    error: "unauthorized",
    param: "session_key",
  },
  "scope-missing": { text: "this session key may not do that", error: "forbidden", param: "scope" },
  "nonce-reused": { text: "the command was numbered twice; send the request again", error: "retry", param: "nonce" },
  "nonce-too-old": {
    text: "the command came too late among others of this key; send the request again",
    error: "retry",
    param: "nonce",
  },
  "instrument-unknown": { text: "no such instrument, or it has expired", error: "not_found", param: "instrument_name" },
  "instrument-not-open": {
    text: "the instrument does not trade now; cancels still work",
    error: "book_closed",
    param: "instrument_name",
  },
  "order-unknown": { text: "no such order", error: "order_not_found", param: "order_id" },
  "order-not-owned": { text: "the order belongs to another account", error: "not_owner_of_order", param: "order_id" },
  "order-not-open": { text: "the order has been filled or cancelled", error: "not_open_order", param: "order_id" },
  "size-not-positive": {
    text: "must be more than what has been filled already",
    error: "qty_too_low",
    param: "amount",
  },
  "size-too-large": { text: "more than one order may have", error: "invalid_amount", param: "amount" },
  "price-missing": { text: "a limit order needs a price", error: "Invalid params", param: "price" },
  "price-not-positive": { text: "must be positive", error: "invalid_price", param: "price" },
  "price-not-on-tick": {
    text: "not a multiple of the tick size that holds at this price, see tick_size_steps",
    error: "price_wrong_tick",
    param: "price",
  },
  "price-above-band": {
    text: "buys above this price are refused now, see max_price of the ticker",
    error: "price_too_high",
    param: "price",
  },
  "price-below-band": {
    text: "sells below this price are refused now, see min_price of the ticker",
    error: "price_too_low",
    param: "price",
  },
  "good-til-time-missing": {
    text: "an order for the day needs the day's end",
    error: "Invalid params",
    param: "time_in_force",
  },
  "good-til-time-past": { text: "the day has ended", error: "Invalid params", param: "time_in_force" },
  "combination-unsupported": {
    text: "type, time_in_force, post_only and reduce_only contradict each other",
    error: "unsupported_arg_combination",
    param: "time_in_force",
  },
  "post-only-would-cross": {
    text: "the order would trade at once with the best price of the other side",
    error: "post_only_reject",
    param: "price",
  },
  "reduce-only-would-increase": {
    text: "there is no position on the other side that the order could reduce",
    error: "other_reject",
    param: "reduce_only",
    appended: "reduce_only_would_increase",
  },
  "fill-or-kill-not-filled": {
    text: "the book cannot fill the whole order at this price",
    error: "other_reject",
    param: "time_in_force",
    appended: "fill_or_kill_not_filled",
  },
  "no-liquidity": {
    text: "nothing rests on the other side within the price band",
    error: "other_reject",
    param: "type",
    appended: "no_liquidity",
  },
  "self-match": { text: "the order would trade with one of your own", error: "order_overlap", param: "price" },
  "orders-too-many": {
    text: "the account has as many open orders as it may have",
    error: "other_reject",
    param: "order",
    appended: "max_open_orders",
  },
  "book-full": {
    text: "the book of this instrument is full",
    error: "other_reject",
    param: "instrument_name",
    appended: "book_full",
  },
  "margin-insufficient": {
    text: "the order needs more margin than the account's available_funds",
    error: "not_enough_funds",
    param: "amount",
  },
  "account-in-liquidation": {
    text: "the account is being liquidated in this currency",
    error: "other_reject",
    param: "account",
    appended: "account_in_liquidation",
  },
  "asset-unknown": { text: "no such currency", error: "Invalid params", param: "currency" },
  "balance-insufficient": {
    text: "more than the account's available_withdrawal_funds",
    error: "not_enough_funds",
    param: "amount",
  },
  "target-invalid": {
    text: "not an account that this one may pay to",
    error: "transfer_not_allowed",
    param: "destination",
  },
  "subaccounts-too-many": {
    text: "there are as many sub-accounts as there may be",
    error: "too_many_subaccounts",
    param: "destination",
  },
  "keys-too-many": {
    text: "there are as many session keys as there may be",
    error: "no_more_security_keys_allowed",
    param: "session_key",
  },
  "key-invalid": { text: "not a key that may be authorised", error: "Invalid params", param: "session_key" },
  "faucet-disabled": { text: "this chain has no faucet", error: "unavailable", param: "faucet" },
  "faucet-limit": {
    text: "more than the faucet gives at once",
    error: "other_reject",
    param: "amount",
    appended: "faucet_limit",
  },
  "address-invalid": { text: "not an address", error: "invalid_addr", param: "address" },
  "validator-unknown": { text: "only validators may say prices", error: "forbidden", param: "account" },
  "price-message-outdated": {
    text: "a later one of this validator came first",
    error: "invalid_arguments",
    param: "price_message",
  },
  "price-message-invalid": { text: "not well formed", error: "invalid_arguments", param: "price_message" },
};

/** The error for a refusal of the exchange. `limit` is the bound that was broken, already in the client's units. */
export function refusalError(reason: RefusalReason, limit?: string): ApiError {
  const answer = refusalAnswers[reason];
  const alone = comparedWhole.has(answer.error);
  const text = alone && limit !== undefined ? `${answer.text}: ${limit}` : answer.text;
  const data = { reason: text, param: answer.param, refusal: reason };
  const appended = alone ? "" : [answer.appended, limit].filter((part) => part !== undefined).join(" ");
  return new ApiError(answer.error, data, appended === "" ? undefined : appended);
}

type DoorRefusal = Exclude<AdmissionRefusal, RefusalReason>;

/** What only a node says of a command: it has words of the exchange for all else. */
const admissionAnswers: Readonly<Record<DoorRefusal, RefusalAnswer>> = {
  none: { text: "no node took it", error: "internal_server_error", param: "command" },
  malformed: { text: "not well formed", error: "bad_request", param: "command" },
  expired: { text: "the command expired before a node took it", error: "timed_out", param: "valid_until" },
  "mempool-full": {
    text: "more commands are waiting than nodes hold; try again in a moment",
    error: "matching_engine_queue_full",
    param: "command",
  },
  "account-quota": {
    text: "more commands of this account are waiting than nodes hold for one; try again in a moment",
    error: "matching_engine_queue_full",
    param: "account",
  },
  "common-quota": {
    text: "too many accounts are being opened at once; try again in a moment",
    error: "matching_engine_queue_full",
    param: "account",
  },
  stopping: { text: "the node is stopping; send the request again", error: "retry", param: "command" },
};

/** The error for a command that no node took. */
export function admissionError(refusal: AdmissionRefusal): ApiError {
  if (isRefusalReason(refusal)) return refusalError(refusal);
  const { text, error, param } = admissionAnswers[refusal];
  return new ApiError(error, { reason: text, param, refusal });
}

const isRefusalReason = (refusal: AdmissionRefusal): refusal is Extract<AdmissionRefusal, RefusalReason> =>
  refusal in refusalAnswers;
