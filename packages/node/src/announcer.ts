/**
 * Telling the other validators of finalizations. Every validator makes each of them from the votes that it hears, so as a rule
 * nobody needs to be told, and all telling all at once would wake every processor just when the block is executed. So a
 * finalization waits a moment; it is dropped when a later one comes, which says more, or when another validator has told of it.
 * Who goes first changes with the view. What is dropped here is repeated by statuses and votes like anything that was lost.
 */
import type { Finalization } from "@stoa/protocol/finality/certificate";
import type { Message } from "@stoa/consensus/message";
import type { ValidatorIndex } from "@stoa/protocol/primitives";

export interface Announcer {
  /** This validator has a new finalization. */
  readonly put: (finalization: Finalization) => void;
  /** A peer has told of one. */
  readonly heard: (finalization: Finalization) => void;
}

export interface AnnouncerParts {
  readonly self: ValidatorIndex;
  readonly validatorsCount: number;
  readonly announce: (finalization: Finalization) => void;
}

/** The first in a view waits one step, the next two; who comes after the last place shares it. */
const stepMs = 15;
const placesCount = 6;

export function createAnnouncer({ self, validatorsCount, announce }: AnnouncerParts): Announcer {
  let waiting: Finalization | undefined;
  let timer: NodeJS.Timeout | undefined;
  const due = (): void => {
    timer = undefined;
    if (waiting !== undefined) announce(waiting);
    waiting = undefined;
  };
  return {
    put(finalization) {
      if (waiting !== undefined && finalization.view <= waiting.view) return;
      waiting = finalization;
      const place = Math.min((self + finalization.view) % validatorsCount, placesCount - 1);
      timer ??= setTimeout(due, stepMs * (1 + place)).unref();
    },
    heard({ view }) {
      if (waiting !== undefined && waiting.view <= view) waiting = undefined;
    },
  };
}

export function finalizationOf(message: Message): Finalization | undefined {
  return message.kind === "certificate" && message.certificate.kind === "finalization"
    ? message.certificate
    : undefined;
}
