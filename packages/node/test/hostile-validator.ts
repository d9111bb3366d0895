/**
 * A validator that floods, in a process of its own: it holds a key of genesis and dials all others, as validator 0 does, with one
 * kind of flood at a time and as much of it as their sockets take. Cut off, it comes back. Told what to do over the IPC channel.
 */
import { setTimeout as delay } from "node:timers/promises";
import { fromHex } from "@stoa/base/bytes";
import type { SecretSeed } from "@stoa/base/signature";
import { decodeGenesis } from "@stoa/protocol/genesis";
import { channelOf, frameOf, hostileOf, type Flood, type Heard, type Hostile } from "./floods.ts";
import { installNativeCrypto } from "../src/native-crypto.ts";
import { connectRaw, type RawValidator } from "./raw-validator.ts";

installNativeCrypto();

export type ToHostile =
  | { readonly kind: "begin"; readonly genesis: string; readonly seed: string; readonly ports: readonly number[] }
  | { readonly kind: "flood"; readonly flood: Flood | undefined };
export interface FromHostile {
  readonly flood: Flood;
  /** What was written since the last report. */
  readonly framesCount: number;
  readonly bytesCount: number;
  readonly connectionsCount: number;
}

let chain: Hostile;
let flood: Flood | undefined;
let written = { framesCount: 0, bytesCount: 0, connectionsCount: 0 };

process.on("disconnect", () => process.exit(0));
process.on("message", (message: ToHostile) => {
  if (message.kind === "flood") {
    flood = message.flood;
    return;
  }
  const { genesis, seed, ports } = message;
  chain = hostileOf(decodeGenesis(fromHex(genesis)!)!, fromHex(seed)! as SecretSeed);
  for (const port of ports) void attack(port);
  setInterval(() => {
    if (flood !== undefined) process.send!({ flood, ...written } satisfies FromHostile);
    written = { framesCount: 0, bytesCount: 0, connectionsCount: 0 };
  }, 500);
});

async function attack(port: number): Promise<void> {
  const heard: Heard = { firstView: 0, view: 1, certificate: undefined };
  for (;;) {
    const current = flood;
    if (current === undefined) {
      await delay(20);
      continue;
    }
    const raw = await connectRaw({ ...chain, port, channel: channelOf[current] });
    written.connectionsCount++;
    let open = true;
    void raw.closed.then(() => (open = false));
    for (let count = 0; open && flood === current; count++) {
      listen(raw, heard);
      const frame = frameOf(current, chain, heard, count);
      written.framesCount++;
      written.bytesCount += frame.length;
      const isCalm = raw.sendBytes(frame);
      // What is read slowly lies here: then this waits, for as long as the flood is wanted.
      while (!isCalm && open && flood === current && 0 < raw.socket.writableLength) await delay(5);
      if (count % 64 === 0) await delay(0);
    }
    raw.close();
  }
}

function listen(raw: RawValidator, heard: Heard): void {
  for (const message of raw.received.splice(0)) {
    if (message.kind !== "consensus") continue;
    const inner = message.message;
    if (inner.kind === "status") heard.view = Math.max(heard.view, inner.status.view);
    if (inner.kind === "vote") heard.view = Math.max(heard.view, inner.vote.view);
    if (heard.firstView === 0) heard.firstView = heard.view;
    if (inner.kind === "certificate") heard.certificate = message;
  }
}
