/**
 * A simulated taker: one session on the public API that now and then takes what the makers offer, in random instruments and small
 * random sizes, and leans towards closing what it has. Its draws are seeded; what it meets is not.
 */
import type { Prng } from "@stoa/base/prng";
import { ApiError, type Connection } from "./connection.ts";
import { amountOnGrid, isInverse, type ApiInstrument, type ApiPosition, type ApiSummary } from "./instrument.ts";
import { simulatedLabel } from "./maker.ts";
import { pause } from "./pause.ts";

export interface TakerOptions {
  /** Mean time between two orders. */
  readonly intervalMs: number;
  /** Dollars of one order in a future or perpetual; options trade in a few tenths of a coin. */
  readonly orderUsd: number;
}

const listingOrders = 50;
const positionOrders = 10;

/** What may be traded, by how much a taker likes it. */
interface Choice {
  readonly instrument: ApiInstrument;
  readonly weight: number;
}

/** Trades until the connection is lost. Refusals are part of the game and are passed over. */
export async function runTaker(connection: Connection, random: Prng, options: TakerOptions): Promise<void> {
  let choices: readonly Choice[] = [];
  let positions: ReadonlyMap<string, number> = new Map();
  let isOpen = true;
  void connection.closed.then(() => (isOpen = false));
  for (let count = 0; isOpen; count++) {
    if (count % listingOrders === 0) choices = await choicesOf(connection);
    if (count % positionOrders === 0) positions = await positionsOf(connection);
    const instrument = drawn(choices, random);
    if (instrument !== undefined) {
      const held = positions.get(instrument.instrument_name) ?? 0;
      await takeOnce(connection, random, { instrument, held, orderUsd: options.orderUsd });
    }
    // Exponential gaps: the trades of independent people.
    await pause(-Math.log(1 - random.nextFloat()) * options.intervalMs, connection.closed);
  }
}

async function choicesOf(connection: Connection): Promise<readonly Choice[]> {
  const all = await connection.call<readonly ApiInstrument[]>("public/get_instruments", { expired: false });
  const options = all.filter(({ kind }) => kind === "option").length;
  return all.map((instrument) => ({
    instrument,
    weight: instrument.settlement_period === "perpetual" ? 10 : instrument.kind === "future" ? 2 : 30 / options,
  }));
}

async function positionsOf(connection: Connection): Promise<ReadonlyMap<string, number>> {
  const positions = await connection.call<readonly ApiPosition[]>("private/get_positions", { currency: "any" });
  return new Map(positions.map(({ instrument_name, size }) => [instrument_name, size]));
}

function drawn(choices: readonly Choice[], random: Prng): ApiInstrument | undefined {
  let rest = random.nextFloat() * choices.reduce((sum, { weight }) => sum + weight, 0);
  for (const { instrument, weight } of choices) {
    rest -= weight;
    if (rest < 0) return instrument;
  }
  return undefined;
}

async function takeOnce(
  connection: Connection,
  random: Prng,
  input: { instrument: ApiInstrument; held: number; orderUsd: number },
): Promise<void> {
  const { instrument, held } = input;
  const [summary] = await connection.call<readonly ApiSummary[]>("public/get_book_summary_by_instrument", {
    instrument_name: instrument.instrument_name,
  });
  // Three times in four an existing position is made smaller, so that none grows for ever.
  const isClosing = held !== 0 && random.nextFloat() < 0.75;
  const isBuy = isClosing ? held < 0 : random.nextFloat() < 0.5;
  const best = isBuy ? summary?.ask_price : summary?.bid_price;
  if (best === null || best === undefined) return;
  const order = {
    instrument_name: instrument.instrument_name,
    amount: amountOf(instrument, {
      mark: summary!.mark_price,
      usd: input.orderUsd * (0.2 + random.nextFloat()),
      random,
    }),
    type: "limit",
    price: best,
    time_in_force: "immediate_or_cancel",
    label: simulatedLabel,
  };
  try {
    await connection.call(isBuy ? "private/buy" : "private/sell", order);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
  }
}

function amountOf(instrument: ApiInstrument, input: { mark: number; usd: number; random: Prng }): number {
  if (instrument.kind === "option")
    return amountOnGrid(instrument, instrument.min_trade_amount * (1 + input.random.below(8)));
  return amountOnGrid(instrument, isInverse(instrument) ? input.usd : input.usd / input.mark);
}
