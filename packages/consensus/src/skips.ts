/**
 * The views between a block and its parent. Each must provably have been given up, or a block that is final in one of them
 * could be left behind: this is the rule on which the safety of the whole chain hangs.
 */
import type { View } from "@stoa/base/units";
import type { Header } from "@stoa/protocol/finality/header";
import { viewCertificates, type Replica } from "./state.ts";

/** The first view between parent and block of which this replica holds no nullification. */
export function firstViewNotSkipped(replica: Replica, header: Header): View | undefined {
  for (let view = (header.parentView + 1) as View; view < header.view; view++) {
    if (viewCertificates(replica, view).nullification === undefined) return view;
  }
  return undefined;
}
