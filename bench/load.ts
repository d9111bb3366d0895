/**
 * A load of pre-signed commands: accounts that trade with each other on one instrument, their commands signed before the clock
 * starts, sent to the doors of all validators so that a fixed number is on its way, and counted when they stand in a final
 * block. Even accounts buy and odd accounts sell at one price, so that books stay short.
 */
import { setTimeout as delay } from "node:timers/promises";
import { WebSocket } from "ws";
import { activeEd25519 } from "@stoa/base/active-signature";
import { encode } from "@stoa/base/codec";
import type { Digest } from "@stoa/base/hash";
import type { PublicKey, SecretSeed } from "@stoa/base/signature";
import { limits } from "@stoa/base/limits";
import { money, ticks, lots, timeMs } from "@stoa/base/units";
import type { Address } from "@stoa/cli/devnet/folder";
import { randomSeed } from "@stoa/cli/key-file";
import { createExchange } from "@stoa/exchange/machine/execute";
import {
  command,
  commandSignBytes,
  decodeCommand,
  type CommandBody,
  type OrderBody,
  type PlaceBody,
} from "@stoa/protocol/command";
import { decodeDoorReply, encodeDoorRequest } from "@stoa/protocol/door";
import { chainIdOf, type Genesis } from "@stoa/protocol/genesis";
import type { Instrument } from "@stoa/protocol/instrument";
import { decodePayload } from "@stoa/protocol/payload";

export type Trader = { readonly seed: SecretSeed; readonly key: PublicKey; nonce: bigint };

export function createTraders(count: number): Trader[] {
  return Array.from({ length: count }, () => {
    const seed = randomSeed();
    return { seed, key: activeEd25519.publicKey(seed), nonce: 0n };
  });
}

/** Signs the trader's next command. */
export function signCommand(chainId: Digest, trader: Trader, body: CommandBody): Uint8Array {
  const unsigned = {
    chainId,
    account: trader.key,
    subaccount: 0,
    key: trader.key,
    nonce: ++trader.nonce,
    expiresAtMs: timeMs(Date.now() + 3_600_000),
    body,
  };
  return encode(command, { ...unsigned, signature: activeEd25519.sign(commandSignBytes(unsigned), trader.seed) });
}

/** What a load trades: the perpetual on bitcoin, at the index of genesis until {@link atIndex} says better. */
export type Market = { readonly chainId: Digest; readonly instrument: Instrument; readonly priceTicks: number };

export function marketOf(genesis: Genesis): Market {
  for (const event of createExchange(genesis).events) {
    if (event.kind !== "instrumentListed" || event.instrument.name !== "BTC-PERPETUAL") continue;
    const { instrument } = event;
    const price = genesis.indexes[instrument.index]!.initialPrice;
    return { chainId: chainIdOf(genesis), instrument, priceTicks: Math.round(price / instrument.tick) };
  }
  throw new Error("genesis lists no BTC-PERPETUAL");
}

/** The same market at the price of the index, on its tick: prices far from it are outside the band. */
export function atIndex(market: Market, indexPrice: number | undefined): Market {
  if (indexPrice === undefined) return market;
  return { ...market, priceTicks: Math.round(indexPrice / market.instrument.tick) };
}

export function placeBody({ instrument, priceTicks }: Market, side: "buy" | "sell", label = ""): PlaceBody {
  return {
    kind: "place",
    instrument: instrument.id,
    side,
    type: "limit",
    timeInForce: "good-til-cancelled",
    postOnly: "off",
    reduceOnly: false,
    priceTicks: ticks(priceTicks),
    sizeLots: lots(1),
    goodTilMs: undefined,
    label,
  } as PlaceBody;
}

/** One faucet command per trader: the first credit opens the account. */
export function faucetCommands(market: Market, traders: readonly Trader[], amount: bigint): Uint8Array[] {
  const body: CommandBody = { kind: "faucet", asset: market.instrument.base, amount: money(amount) };
  return traders.map((trader) => signCommand(market.chainId, trader, body));
}

/** `count` commands of `ordersCount` orders each: one order is a command of its own, several are the parts of a batch. */
export function orderCommands(
  market: Market,
  traders: readonly Trader[],
  { count, ordersCount }: { count: number; ordersCount: number },
): Uint8Array[] {
  return Array.from({ length: count }, (_, index) => {
    const trader = index % traders.length;
    const order = placeBody(market, trader % 2 === 0 ? "buy" : "sell");
    const parts: OrderBody[] = Array.from({ length: ordersCount }, () => order);
    const body: CommandBody = ordersCount === 1 ? order : { kind: "batch", parts };
    return signCommand(market.chainId, traders[trader]!, body);
  });
}

export type LoadResult = {
  readonly elapsedMs: number;
  readonly blocksCount: number;
  /** Admission refusals by reason; commands that were refused never become final. */
  readonly refusals: ReadonlyMap<string, number>;
  /** The bitcoin index that a validator last reported, in 1e-8 dollars. */
  readonly indexPrice: number | undefined;
  /** Of each command that became final, from when it was sent until its block came from a validator. */
  readonly latenciesMs: readonly number[];
};

/** Commands of one frame, what a busy client has to say in one turn; and their bytes, which a door takes at once. */
const frameCountMax = 100;
const frameSizeMax = limits.commandSizeMax;

/**
 * Sends all commands, at most `window` of them on their way, each to every validator, many to a frame as the gateway does; or,
 * with `toOne`, each to one of them in turn. Resolves when every command that some validator admitted is final.
 */
export function runLoad(
  doors: readonly Address[],
  commands: readonly Uint8Array[],
  window: number,
  { toOne = false } = {},
): Promise<LoadResult> {
  const idsByName = new Map(commands.map((command, id) => [nameOf(command), id]));
  const sentMs = new Float64Array(commands.length);
  const latenciesMs: number[] = [];
  const refusedBy = new Map<number, number>();
  const refusals = new Map<string, number>();
  let sent = 0;
  let settled = 0;
  let blocksCount = 0;
  let startedAt = 0;
  let indexPrice: number | undefined;

  return new Promise((resolve, reject) => {
    const sockets = doors.map(({ host, port }) => new WebSocket(`ws://${host}:${port}`, { perMessageDeflate: false }));
    const end = (finish: () => void): void => {
      clearTimeout(timer);
      for (const socket of sockets) socket.removeAllListeners("close").terminate();
      finish();
    };
    const timer = setTimeout(
      () => end(() => reject(new Error(`the load stands still: ${settled} of ${sent} sent commands are settled`))),
      120_000,
    );
    const sendPart = (part: readonly { readonly id: number; readonly command: Uint8Array }[]): void => {
      for (const { id } of part) sentMs[id] = performance.now();
      if (toOne) {
        for (const one of part) sockets[one.id % sockets.length]!.send(encodeDoorRequest({ kind: "submit", ...one }));
      } else {
        const frame = encodeDoorRequest({ kind: "submitToAll", commands: part });
        for (const socket of sockets) socket.send(frame);
      }
    };
    /** The next commands, at most `count`, as one frame to every door. */
    const sendSome = (count: number): void => {
      const part: { id: number; command: Uint8Array }[] = [];
      for (let size = 0; part.length < count; ) {
        const command = commands[sent + part.length]!;
        size += command.length + 8;
        if (frameSizeMax < size) break;
        part.push({ id: sent + part.length, command });
      }
      sendPart(part);
      sent += part.length;
    };
    const pump = (): void => {
      while (sent < commands.length && (sent === settled || sent - settled + frameCountMax <= window)) {
        sendSome(Math.min(frameCountMax, commands.length - sent, window));
      }
      if (settled < commands.length) return;
      end(() => resolve({ elapsedMs: performance.now() - startedAt, blocksCount, refusals, indexPrice, latenciesMs }));
    };
    const takeRefusal = (id: number, refusal: string): void => {
      const count = (refusedBy.get(id) ?? 0) + 1;
      refusedBy.set(id, count);
      if (count < (toOne ? 1 : doors.length)) return;
      refusals.set(refusal, (refusals.get(refusal) ?? 0) + 1);
      settled++;
    };
    const takeFinal = (id: number): 1 => {
      latenciesMs.push(performance.now() - sentMs[id]!);
      return 1;
    };
    const take = (data: Buffer): void => {
      const reply = decodeDoorReply(data);
      if (reply?.kind === "submitted") {
        if (reply.refusal !== "none") takeRefusal(reply.id, reply.refusal);
      } else if (reply?.kind === "block") {
        let ours = 0;
        for (const bytes of decodePayload(reply.block.payload) ?? []) {
          const name = nameOf(bytes);
          const id = idsByName.get(name);
          if (id !== undefined && idsByName.delete(name)) ours += takeFinal(id);
          else indexPrice = bitcoinIndex(bytes) ?? indexPrice;
        }
        if (ours !== 0) blocksCount++;
        settled += ours;
      } else if (reply?.kind === "failure") return end(() => reject(new Error(`a door answered: ${reply.reason}`)));
      pump();
    };
    for (const socket of sockets) {
      socket.binaryType = "nodebuffer";
      socket.on("message", take);
      socket.on("error", (error) => end(() => reject(error)));
      socket.on("close", (code, reason) =>
        end(() => reject(new Error(`a door closed its connection: ${code} ${reason}`))),
      );
    }
    void Promise.all(sockets.map((socket) => new Promise((open) => socket.once("open", open)))).then(async () => {
      const height = await heightNow(sockets[0]!);
      sockets[0]!.send(encodeDoorRequest({ kind: "follow", id: 0xffff_fffe, from: (height + 1) as never }));
      startedAt = performance.now();
      pump();
    });
  });
}

function bitcoinIndex(bytes: Uint8Array): number | undefined {
  const body = decodeCommand(bytes)?.body;
  return body?.kind === "prices" ? body.indexes.find(({ index }) => index === 0)?.price : undefined;
}

/** The market as the validators see it, waiting for the first of their prices. */
export async function openMarket(
  doors: readonly Address[],
  genesis: Genesis,
  traders: readonly Trader[],
  amount: bigint,
): Promise<Market> {
  const market = marketOf(genesis);
  const funded = await runLoad(doors, faucetCommands(market, traders, amount), traders.length);
  for (const [reason, count] of funded.refusals) throw new Error(`${count} faucet commands were refused: ${reason}`);
  return refreshMarket(doors, market, traders[0]!);
}

/** The market at the index of now. Blocks with prices are seen while a command without effect becomes final, and again if needed. */
export async function refreshMarket(doors: readonly Address[], market: Market, trader: Trader): Promise<Market> {
  for (let attempt = 0; attempt < 20; attempt++) {
    const nothing = { kind: "cancelAll", label: "nothing", orders: [] } as unknown as CommandBody;
    const { indexPrice } = await runLoad(doors, [signCommand(market.chainId, trader, nothing)], 1);
    if (indexPrice !== undefined) return atIndex(market, indexPrice);
    await delay(200);
  }
  throw new Error("no block with prices was seen");
}

function heightNow(socket: WebSocket): Promise<number> {
  return new Promise((resolve) => {
    const listen = (data: Buffer): void => {
      const reply = decodeDoorReply(data);
      if (reply?.kind !== "status") return;
      socket.off("message", listen);
      resolve(reply.status.height);
    };
    socket.on("message", listen);
    socket.send(encodeDoorRequest({ kind: "status", id: 0xffff_ffff }));
  });
}

/** The tail of a command is its signature: its first bytes name it well enough here. */
const nameOf = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset + bytes.length - 64, 16).toString("latin1");
