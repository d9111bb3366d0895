/**
 * Events of one order: each stands at its place under the events root of its block, from which as many hashes as there are heights
 * between lead to the results root of a final header. Pure.
 *
 * A proof shows that an event happened, never that no other did. But what an order says of itself is cumulative, so among the
 * events of one order a trade that was left out shows: what is filled would not add up (`runFault`).
 */
import { decode } from "@stoa/base/codec";
import { equalBytes } from "@stoa/base/bytes";
import { provedLeaf } from "@stoa/base/merkle";
import type { Height } from "@stoa/base/units";
import { event, isOfOrder, resultsRootAfter, type EventOf } from "@stoa/protocol/event";
import type { EventsProof } from "@stoa/protocol/events-proof";
import type { Digest } from "@stoa/base/hash";
import type { Header } from "@stoa/protocol/finality/header";
import type { TrustedChain } from "./trust.ts";
import { disbelief, type Disbelief } from "./verify.ts";
import { finalityFault } from "./verify-headers.ts";

/** An event of an order, and where it stands. */
export interface ProvedEvent<E = EventOf<"trade" | "order">> {
  readonly event: E;
  /** The block in which it happened, and its place among the events of that block. */
  readonly height: Height;
  readonly index: number;
  /** The later final header that proves it. */
  readonly header: Header;
}

/** The events of the proof, all of which are of this order. */
export function verifyOrderEvents(
  chain: TrustedChain,
  proof: EventsProof,
  order: number,
): readonly ProvedEvent[] | Disbelief {
  const { height, executed, eventsRootsAfter } = proof;
  if (height + eventsRootsAfter.length !== executed.header.executed.height)
    return disbelief("the executed roots are of another height");
  const fault = finalityFault(chain, executed);
  if (fault !== undefined) return disbelief(fault);
  const events: ProvedEvent[] = [];
  const roots: Digest[] = [];
  for (const place of proof.events) {
    const proved = provedLeaf(place);
    if (proved === undefined) return disbelief("an event does not stand in a list of events");
    const one = decode(event, proved.leaf);
    if (one === undefined) return disbelief("an event has a form that this client does not know");
    if (!isOfOrder(one, order)) return disbelief("an event is not of the order that was asked for");
    if (place.index <= (events.at(-1)?.index ?? -1)) return disbelief("events do not stand in their order");
    roots.push(proved.root);
    events.push({ event: one, height, index: place.index, header: executed.header });
  }
  const [eventsRoot] = roots;
  if (eventsRoot === undefined) return disbelief("a proof of no event");
  const steps = [eventsRoot, ...eventsRootsAfter];
  const resultsRoot = steps.reduce(resultsRootAfter, proof.resultsRootBefore);
  const isAgreed =
    roots.every((root) => equalBytes(root, eventsRoot)) &&
    equalBytes(resultsRoot, executed.header.executed.resultsRoot);
  return isAgreed ? events : disbelief("the events are not those that the validators agreed on");
}

/**
 * What shows that events were left out between the first and the last of these, which are all of one order, in their order; with
 * how much was filled before the first, if that is known. `undefined`: they add up.
 */
export function runFault(events: readonly ProvedEvent[], filledBefore?: number): string | undefined {
  let filled = filledBefore;
  let sinceUnknown = 0;
  for (const { event: one, height } of events) {
    if (one.kind === "trade") {
      if (filled === undefined) sinceUnknown += one.sizeLots;
      else filled += one.sizeLots;
      continue;
    }
    const said = one.order.filledLots as number;
    if (said < sinceUnknown || (filled !== undefined && filled !== said))
      return `at height ${height} the order says that ${said} lots are filled, and the trades do not add up to it`;
    filled = said;
  }
  return undefined;
}
