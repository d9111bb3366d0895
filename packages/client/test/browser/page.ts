/** What runs in the browser: the light client as it ships, and attempts to deceive it with proofs of a running node. */
import { installBls } from "@stoa/base/active-bls";
import { fromHex } from "@stoa/base/bytes";
import { decode, encode } from "@stoa/base/codec";
import { createPrng } from "@stoa/base/prng";
import { connect } from "@stoa/client/connect";
import { openLightClient, type LightClient, type Proved } from "@stoa/client/light-client";
import { blsOfNoble } from "@stoa/client/noble-bls";
import { isDisbelief } from "@stoa/client/verify";
import { verifyOrderEvents } from "@stoa/client/verify-events";
import { finalityFault } from "@stoa/client/verify-headers";
import { verifyState } from "@stoa/client/verify-state";
import type { Codec } from "@stoa/base/codec";
import { eventsProof } from "@stoa/protocol/events-proof";
import { finalityProof } from "@stoa/protocol/finality/proof";
import { stateProof } from "@stoa/protocol/state-proof";
import { ledgerRecordKey } from "@stoa/protocol/state-record";
import { bls12_381 } from "@noble/curves/bls12-381.js";

/** Everything crosses to the test as JSON. */
const plain = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value, (_, one: unknown) => (typeof one === "bigint" ? `${one}` : one)) ?? "null");
const shown = <T>({ value, height, header }: Proved<T>): unknown =>
  plain({ value, height, headerHeight: header.height });

let light: LightClient | undefined;
const opened = (): LightClient => {
  if (light === undefined) throw new Error("the light client is not open");
  return light;
};

const actions = {
  installNoble: () => installBls(() => blsOfNoble(bls12_381)),
  /** Opens the light client on a gateway's or a node's door; `chainId` in hexadecimal. */
  async open(url: string, chainId: string, timeoutMs = 60_000) {
    light = await openLightClient({ trust: { chainId: fromHex(chainId)! }, doors: [connect(url)], timeoutMs });
    return light.head().header.height;
  },
  balance: async (account: number, asset: string) => shown(await opened().balance(account, asset)),
  order: async (order: number) => shown(await opened().order(order)),
  position: async (account: number, instrument: number) => shown(await opened().position(account, instrument)),
  async fills(order: number, from: number, through: number) {
    const found = await opened().fills(order, { from, through });
    return plain({ filledLots: found.filledLots, kinds: found.events.map(({ event }) => event.kind) });
  },
  /** Follows until there are so many new headers. */
  async follow(count: number) {
    const heights: number[] = [];
    await new Promise<void>((resolve) => {
      const stop = opened().follow(({ header }) => {
        if (heights.push(header.height) < count) return;
        stop();
        resolve();
      });
    });
    return heights;
  },
  /** Takes real proofs, changes bytes of them, and says how many changes were tried and which were believed. */
  async deceive(url: string, order: number, from: number, tries: number) {
    const { chain } = opened();
    const door = connect(url);
    const wanted = { module: "ledger", key: ledgerRecordKey(1) } as const;
    const state = await door.state(wanted.module, wanted.key);
    const { proofs } = await door.orderEvents({ order, from, index: 0, through: from });
    const { final } = await door.headers(undefined, 1);
    door.close();
    const believed = [
      ...changes(stateProof, state, tries, (one) => !isDisbelief(verifyState(chain, one, wanted))),
      ...changes(eventsProof, proofs[0]!, tries, (one) => !isDisbelief(verifyOrderEvents(chain, one, order))),
      ...changes(finalityProof, final, tries, (one) => finalityFault(chain, one) === undefined),
    ];
    return believed;
  },
};

function changes<T>(codec: Codec<T>, value: T, tries: number, isBelieved: (value: T) => boolean): string[] {
  if (!isBelieved(value)) return ["the honest proof is not believed"];
  const bytes = encode(codec, value);
  const prng = createPrng(tries);
  const found: string[] = [];
  for (let count = 0; count < tries; count++) {
    const place = Math.floor((count * bytes.length) / tries);
    const changed = decode(codec, bytes.with(place, bytes[place]! ^ (1 + prng.below(255))));
    if (changed !== undefined && isBelieved(changed)) found.push(`byte ${place} of ${bytes.length}`);
  }
  return found;
}

Object.assign(globalThis, actions);
