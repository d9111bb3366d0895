/**
 * Checks that make trust in a node unnecessary. A block: final under the chain's validators, with the payload that its header
 * names. A receipt: the command stands in such a block, and the events are those that the validators agreed on, because the
 * results root in a later final header covers them. Pure: the same bytes get the same verdict anywhere.
 */
import { equalBytes } from "@stoa/base/bytes";
import { DecodeError } from "@stoa/base/codec";
import { zeroDigest, type Digest } from "@stoa/base/hash";
import type { FinalBlock } from "@stoa/protocol/block";
import { commandDigest } from "@stoa/protocol/command";
import type { Receipt } from "@stoa/protocol/door";
import { decodeEvent, eventsRootOf, resultsRootAfter, type Event } from "@stoa/protocol/event";
import { headerDigest, type Header } from "@stoa/protocol/finality/header";
import { verifyFinality, verifyFinalityProof } from "@stoa/protocol/finality/proof";
import { payloadMatches } from "@stoa/protocol/finality/lane-payload";
import { decodePayload } from "@stoa/protocol/payload";
import type { TrustedChain } from "./trust.ts";

export interface VerifiedBlock {
  readonly header: Header;
  readonly digest: Digest;
  /** As encoded, in the order of the block. */
  readonly commands: readonly Uint8Array[];
}

/** What a command resulted in. `events` are those that name it, in order; the first tells whether it was refused. */
export interface VerifiedReceipt {
  readonly block: VerifiedBlock;
  /** Position of the command in its block. */
  readonly index: number;
  readonly events: readonly Event[];
  /** Everything that happened in that block. */
  readonly blockEvents: readonly Event[];
}

/** Why something was not believed, in words for a log. */
export interface Disbelief {
  readonly kind: "disbelief";
  readonly fact: string;
}

export const disbelief = (fact: string): Disbelief => ({ kind: "disbelief", fact });

export function isDisbelief<T extends object>(value: T | Disbelief): value is Disbelief {
  return "kind" in value && value.kind === "disbelief";
}

/** A final block of this chain with the payload that its header names. */
export function verifyBlock(chain: TrustedChain, block: FinalBlock): VerifiedBlock | Disbelief {
  const { header, payload } = block;
  if (!isFinal(chain, block)) return disbelief("the block is not final under the validators of this chain");
  if (header.payload.size !== payload.length) return disbelief("the payload is not of the size that the header names");
  const digest = headerDigest(header);
  if (header.payload.form === "none") {
    const empty = payload.length === 0 && equalBytes(header.payload.digest, zeroDigest);
    return empty ? { header, digest, commands: [] } : disbelief("the header names no payload, and there is one");
  }
  if (!payloadMatches(header, payload)) return disbelief("the payload is not the header's");
  // A leader may order bytes that are no list of commands; validators then execute none.
  return { header, digest, commands: decodePayload(payload) ?? [] };
}

function isFinal({ chainId, scheme, set }: TrustedChain, block: FinalBlock): boolean {
  const headers = [block.header, ...block.descendants];
  return headers.every((one) => equalBytes(one.chainId, chainId)) && verifyFinality(scheme, set, block);
}

/** That `receipt` is of the command with this digest, and what came of it. */
export function verifyReceipt(chain: TrustedChain, receipt: Receipt, command: Digest): VerifiedReceipt | Disbelief {
  if (!equalBytes(receipt.command, command)) return disbelief("the receipt is of another command");
  const block = verifyBlock(chain, receipt.block);
  if (isDisbelief(block)) return block;
  const encoded = block.commands[receipt.index];
  if (encoded === undefined || !equalBytes(commandDigest(encoded), command))
    return disbelief("the block does not hold the command at that place");
  const fault = resultsFault(chain, receipt);
  if (fault !== undefined) return disbelief(fault);
  const blockEvents = decodeEvents(receipt.events);
  if (blockEvents === undefined) return disbelief("an event has a form that this client does not know");
  return { block, index: receipt.index, events: eventsOf(blockEvents, command), blockEvents };
}

/** What is wrong with the way from the results root in the block's own header through its events to the later header's. */
function resultsFault(chain: TrustedChain, receipt: Receipt): string | undefined {
  const { events, executed, eventsRootsBefore, eventsRootsAfter } = receipt;
  const own = receipt.block.header;
  const { header } = executed;
  if (own.executed.height + eventsRootsBefore.length + 1 !== own.height)
    return "the results before it are of other heights";
  if (own.height + eventsRootsAfter.length !== header.executed.height)
    return "the executed roots are of another height";
  if (header.height <= own.height) return "a header cannot carry roots of a later block";
  if (!verifyFinalityProof(chain.scheme, chain.set, executed)) return "the header with the executed roots is not final";
  const steps = [...eventsRootsBefore, eventsRootOf(events), ...eventsRootsAfter];
  const resultsRoot = steps.reduce(resultsRootAfter, own.executed.resultsRoot);
  return equalBytes(resultsRoot, header.executed.resultsRoot)
    ? undefined
    : "the events are not those that the validators agreed on";
}

function decodeEvents(encoded: readonly Uint8Array[]): Event[] | undefined {
  try {
    return encoded.map(decodeEvent);
  } catch (error) {
    if (error instanceof DecodeError) return undefined;
    throw error;
  }
}

/** The events that name the command as their cause. */
export function eventsOf(events: readonly Event[], command: Digest): Event[] {
  return events.filter(
    (event) => "command" in event && event.command !== undefined && equalBytes(event.command, command),
  );
}
