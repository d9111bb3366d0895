/** Commands as methods send them: executed when final, refused in the words and units of the client. */
import type { CommandBody } from "@stoa/protocol/command";
import type { EventOf } from "@stoa/protocol/event";
import type { Executed } from "../accounts/intake.ts";
import { amountNumber, priceText, type Listing } from "../catalog.ts";
import { ApiError, refusalError } from "../errors.ts";
import type { AccountCaller } from "../method.ts";
import type { Services } from "../services.ts";

/** Sends a command and waits until what it did can be read; throws what the exchange said to its first part. */
export async function execute(
  services: Services,
  caller: AccountCaller,
  body: CommandBody,
  options: { readonly validUntilMs?: number | undefined; readonly listing?: Listing } = {},
): Promise<Executed> {
  const executed = await services.intake.submit(caller.grant.principal, body, { validUntilMs: options.validUntilMs });
  await services.processed(executed.block.height);
  // The first event is the answer: a command that came twice into a block is refused the second time.
  const answer = executed.events[0];
  if (answer?.kind === "refused" && body.kind !== "massQuote") throw refusedError(answer, options.listing);
  return executed;
}

const priceReasons = new Set(["price-above-band", "price-below-band", "post-only-would-cross"]);

const sizeReasons = new Set(["size-too-large"]);

/** Limits in the client's units: prices and amounts instead of ticks and lots. */
export function refusedError(refused: EventOf<"refused">, listing: Listing | undefined): ApiError {
  const { reason, limit } = refused;
  if (limit === undefined) return refusalError(reason);
  if (priceReasons.has(reason))
    return refusalError(reason, listing === undefined ? undefined : priceText(listing, limit));
  if (sizeReasons.has(reason))
    return refusalError(reason, listing === undefined ? undefined : String(amountNumber(listing, limit)));
  return reason === "orders-too-many" ? refusalError(reason, String(limit)) : refusalError(reason);
}
