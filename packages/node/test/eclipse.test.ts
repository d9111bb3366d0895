/** A validator that is cut off says so within ten seconds: in its status, its metrics and its log (NET-050). */
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { zeroDigest } from "@stoa/base/hash";
import type { Signature } from "@stoa/base/signature";
import type { Height, View } from "@stoa/base/units";
import { chainIdOf } from "@stoa/protocol/genesis";
import type { Logger } from "../src/log.ts";
import { startValidator, type ValidatorNode } from "../src/node.ts";
import { connectRaw, type RawValidator } from "./raw-validator.ts";
import { flatPrices, localhost, testChain, testFolder, until } from "./network.ts";

const chain = testChain();
const open: { readonly close: () => unknown }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

/** Validator 3, alone: the others have to dial it. */
async function startVictim(): Promise<{ readonly node: ValidatorNode; readonly lines: string[] }> {
  const folder = testFolder();
  open.push({ close: folder.remove });
  const lines: string[] = [];
  const take = (...parts: unknown[]): void => void lines.push(String(parts.at(-1)));
  const log = { info: take, warn: take, error: take, fatal: take } as unknown as Logger;
  const node = await startValidator(
    {
      genesis: chain.genesis,
      seed: chain.validatorSeeds[3]!,
      dataFolder: join(folder.path, "victim"),
      mesh: localhost(),
      door: localhost(),
      metrics: localhost(),
      peers: [],
    },
    { priceSource: flatPrices, log },
  );
  open.push({ close: node.stop });
  return { node, lines };
}

const metricOf = async (node: ValidatorNode, kind: string): Promise<string | undefined> => {
  const text = await (await fetch(`http://127.0.0.1:${node.metricsPort}/metrics`)).text();
  return new RegExp(`^stoa_alarm\\{kind="${kind}"\\} (\\d)$`, "m").exec(text)?.[1];
};

/** Says every second that it is in this view, and shows nothing that would lead there. */
function claim(raw: RawValidator, view: number): void {
  const say = (): unknown =>
    raw.send({
      kind: "consensus",
      message: {
        kind: "status",
        status: {
          epoch: 0,
          view: view as View,
          entryCertificate: undefined,
          finalHeight: 0 as Height,
          finalView: 0 as View,
          session: 1,
          nonce: zeroDigest,
          quarantined: false,
          signature: new Uint8Array(64) as Signature,
        },
      },
    });
  say();
  const timer = setInterval(say, 1_000);
  open.push({ close: () => clearInterval(timer) });
}

test("a validator that stands still while a third of the stake is further, and one that reaches no quorum", async () => {
  const { node, lines } = await startVictim();
  const begun = performance.now();
  await until(() => node.status().alarms.length > 0, "it reaches nobody and says so", 15_000);
  expect(performance.now() - begun).toBeLessThan(10_000);
  expect(node.status().alarms[0]).toContain("only 1 of 4 validators");
  expect(await metricOf(node, "quorum-out-of-reach")).toBe("1");
  expect(lines.some((line) => line.startsWith("alarm quorum-out-of-reach"))).toBe(true);

  const others = await Promise.all(
    [0, 1, 2].map((index) =>
      connectRaw({ chainId: chainIdOf(chain.genesis), seed: chain.validatorSeeds[index]!, port: node.meshPort }),
    ),
  );
  open.push(...others);
  await until(() => node.status().alarms.length === 0, "it reaches a quorum");
  expect(await metricOf(node, "quorum-out-of-reach")).toBe("0");
  expect(lines).toContain("the alarm quorum-out-of-reach is over");

  const claimed = performance.now();
  claim(others[0]!, 500);
  claim(others[1]!, 501);
  claim(others[2]!, 1);
  await until(() => node.status().alarms.length > 0, "it is behind and says so", 15_000);
  expect(performance.now() - claimed).toBeLessThan(10_000);
  expect(node.status().alarms[0]).toContain("2 of 4 stake are in later views (up to 501)");
  expect(await metricOf(node, "view-behind")).toBe("1");
  expect(lines.some((line) => line.startsWith("alarm view-behind"))).toBe(true);
}, 60_000);
