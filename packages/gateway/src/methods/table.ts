/** The table of methods: every name a client may call, and the names that exist elsewhere only. */
import { assert } from "@stoa/base/assert";
import type { Method } from "../method.ts";
import { accountMethods } from "./account.ts";
import { marketDataMethods } from "./market-data.ts";
import { notImplementedNames } from "./not-implemented.ts";
import { sessionMethods } from "./session.ts";
import { tradingMethods } from "./trading.ts";

const all = [...sessionMethods, ...marketDataMethods, ...tradingMethods, ...accountMethods];

export const methods: ReadonlyMap<string, Method> = new Map(all.map((method) => [method.name, method]));
assert(methods.size === all.length, "no method stands in the table twice");

export const notImplemented: ReadonlySet<string> = new Set(notImplementedNames);
for (const name of notImplemented) assert(!methods.has(name), `${name} is either implemented or not`);
