/**
 * Which block a leader builds on: the one certified in the highest view from which every later view is provably skipped.
 * Building on the highest is what keeps a notarized block in the chain when no honest validator gave its view up.
 */
import type { View } from "@stoa/base/units";
import type { Certificate, Nullification } from "@stoa/protocol/finality/certificate";
import type { Header } from "@stoa/protocol/finality/header";
import { requestBlock, requestCertificates } from "./requests.ts";
import { blockOf, parentOf, viewCertificates, type Parent, type Replica } from "./state.ts";

export interface ParentChoice {
  readonly parent: Parent;
  /** Absent when the parent is genesis. */
  readonly certificate: Certificate | undefined;
  readonly header: Header | undefined;
  /** Nullifications of the views between, in order of view. */
  readonly skips: readonly Nullification[];
}

/** The parent for a block of the current view; `undefined` when something is missing, which has then been asked for. */
export function chooseParent(replica: Replica): ParentChoice | undefined {
  const skips: Nullification[] = [];
  for (let view = (replica.view - 1) as View; replica.lastFinal.view < view; view--) {
    const { notarization, nullification, finalization } = viewCertificates(replica, view);
    const certificate = finalization ?? notarization;
    const block = certificate && blockOf(replica, certificate.digest);
    if (block !== undefined) {
      return { parent: parentOf(block), certificate, header: block.header, skips: skips.reverse() };
    }
    if (nullification === undefined) {
      if (certificate !== undefined) requestBlock(replica, certificate.digest, certificate);
      else requestCertificates(replica, (replica.lastFinal.view + 1) as View, view);
      return undefined;
    }
    skips.push(nullification);
  }
  return onLastFinal(replica, skips.reverse());
}

function onLastFinal(replica: Replica, skips: readonly Nullification[]): ParentChoice | undefined {
  const parent = replica.lastFinal;
  if (parent.view === 0) return { parent, certificate: undefined, header: undefined, skips };
  const { notarization, finalization } = viewCertificates(replica, parent.view);
  const certificate = finalization ?? notarization;
  if (certificate === undefined) {
    requestCertificates(replica, parent.view, parent.view);
    return undefined;
  }
  return { parent, certificate, header: blockOf(replica, parent.digest)?.header, skips };
}
