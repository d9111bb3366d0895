/** On a busy machine a chain may start later than its first prices stay fresh: it then trades from its first price message on. */
import type { Answer } from "@stoa/client/submit";

/** Places until an order is taken, and returns it. */
export async function untilOpen(place: () => Promise<Answer>): Promise<number> {
  for (let attempt = 0; attempt < 30; attempt++) {
    const answer = await place();
    const [event] = answer.kind === "final" ? answer.receipt.events : [];
    if (event?.kind === "order") return event.order.order;
    const isLocked = event?.kind === "refused" && event.reason === "instrument-not-open";
    if (!isLocked) throw new Error(`an order was not taken: ${answer.kind} ${event?.kind ?? ""}`);
  }
  throw new Error("the market did not open");
}
