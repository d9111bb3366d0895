/** The pool over the workers of a real browser, from the source files as they are. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { encode } from "@stoa/base/codec";
import { simulate } from "@stoa/pricing/monte-carlo/simulation";
import { workUnitCodec, type WorkUnit } from "@stoa/pricing/monte-carlo/work";
import { openBrowser, type Browser } from "../../../client/test/browser/browser.ts";
import { startSourceServer, type SourceServer } from "../../../client/test/browser/source-server.ts";
import { blackScholes, bytesOf, call, workOf } from "../monte-carlo/price.ts";

let server: SourceServer;
let browser: Browser;
beforeAll(async () => {
  server = await startSourceServer("packages/pricing/test/parallel/page.ts");
  browser = await openBrowser(server.url);
});
afterAll(async () => {
  await browser?.stop();
  await server?.stop();
});

const unit: WorkUnit = {
  ...workOf(blackScholes, call, { greeks: "pathwise", control: "spot", stepsPerObservation: 3 }),
  firstPath: 1_001,
  pathCount: 30_000,
};
const hexOf = (one: WorkUnit): string => Buffer.from(encode(workUnitCodec, one)).toString("hex");
const inBrowser = (name: string, one: WorkUnit, ...rest: number[]): Promise<string> =>
  browser.evaluate(`${name}(${[`"${hexOf(one)}"`, ...rest].join(", ")})`);

test("workers of a browser give the bytes of one thread of Node (PRICE-052)", async () => {
  expect(await inBrowser("simulateInWorkers", unit, 3)).toBe(bytesOf(simulate(unit)));
  expect(server.requested).toContain("/packages/pricing/src/parallel/browser-worker.ts");
});

test("refusals name their argument there too, and workers that cannot start are not awaited (PRICE-052)", async () => {
  const broken = { ...unit, payoff: { ...call, years: -1 } };
  expect(await inBrowser("simulateInWorkers", broken, 1)).toBe("PricingRefusal: payoff.years must be positive: -1");
  expect(await inBrowser("simulateWithoutWorkers", unit)).toMatch(/^WorkersLost: every worker has died/);
});
