/** The table of methods: every name a client may call, and the names that exist elsewhere only. */
import { assert } from "@stoa/base/assert";
import type { Method } from "../method.ts";
import { accountMethods } from "./account.ts";
import { cancelMethods } from "./cancels.ts";
import { chainMethods } from "./chain.ts";
import { chartMethods } from "./charts.ts";
import { fundingMethods } from "./funding.ts";
import { instrumentMethods } from "./instruments.ts";
import { marketDataMethods } from "./market-data.ts";
import { massQuoteMethods } from "./mass-quote.ts";
import { notImplementedNames } from "./not-implemented.ts";
import { orderQueryMethods } from "./order-queries.ts";
import { orderMethods } from "./orders.ts";
import { sessionMethods } from "./session.ts";
import { settlementMethods } from "./settlements.ts";
import { tradeMethods } from "./trades.ts";
import { transactionLogMethods } from "./transaction-log.ts";
import { walletMethods } from "./wallet.ts";

const all = [
  ...sessionMethods,
  ...chainMethods,
  ...instrumentMethods,
  ...marketDataMethods,
  ...chartMethods,
  ...fundingMethods,
  ...orderMethods,
  ...cancelMethods,
  ...massQuoteMethods,
  ...orderQueryMethods,
  ...tradeMethods,
  ...settlementMethods,
  ...accountMethods,
  ...transactionLogMethods,
  ...walletMethods,
];

export const methods: ReadonlyMap<string, Method> = new Map(all.map((method) => [method.name, method]));
assert(methods.size === all.length, "no method stands in the table twice");

export const notImplemented: ReadonlySet<string> = new Set(notImplementedNames);
for (const name of notImplemented) assert(!methods.has(name), `${name} is either implemented or not`);
