/**
 * A simulated market maker: one session on the public API that keeps two-sided quotes on everything with its base currency. It
 * reads marks from the book summaries, its inventory from its positions, and sends what has moved as mass quotes.
 */
import type { Connection } from "./connection.ts";
import { isInverse, type ApiInstrument, type ApiPosition, type ApiSummary } from "./instrument.ts";
import { isCloseEnough, quoteFor, type MakerParameters, type Quote } from "./quoting.ts";
import { pause } from "./pause.ts";

export interface MakerOptions {
  readonly baseCurrency: string;
  readonly parameters: MakerParameters;
  /** One round of quotes per this long. */
  readonly roundMs: number;
}

/** Everything that the exchange shows of these programs carries this word. */
export const simulatedLabel = "simulated";

const entriesPerCommandMax = 100;
/** Listings, positions and quotes that may have been filled are looked at again after this many rounds. */
const listingRounds = 30;
const positionRounds = 5;
const refreshRounds = 8;

interface Standing {
  readonly quote: Quote;
  readonly round: number;
}

/** Quotes until the connection is lost. */
export async function runMaker(connection: Connection, options: MakerOptions): Promise<void> {
  const standing = new Map<string, Standing>();
  let instruments: readonly ApiInstrument[] = [];
  let leans: ReadonlyMap<string, number> = new Map();
  let isOpen = true;
  void connection.closed.then(() => (isOpen = false));
  for (let round = 0; isOpen; round++) {
    const startedMs = Date.now();
    if (round % listingRounds === 0) instruments = await listed(connection, options.baseCurrency);
    if (round % positionRounds === 0) leans = await inventory(connection, instruments, options.parameters);
    const summaries = await summariesOf(connection, instruments);
    const entries = dueQuotes({ instruments, summaries, leans, standing, round, options });
    for (let first = 0; first < entries.length; first += entriesPerCommandMax) {
      await sendQuotes(connection, entries.slice(first, first + entriesPerCommandMax), round);
    }
    await pause(options.roundMs - (Date.now() - startedMs), connection.closed);
  }
}

async function listed(connection: Connection, baseCurrency: string): Promise<readonly ApiInstrument[]> {
  const all = await connection.call<readonly ApiInstrument[]>("public/get_instruments", { expired: false });
  return all.filter((instrument) => instrument.base_currency === baseCurrency);
}

async function summariesOf(
  connection: Connection,
  instruments: readonly ApiInstrument[],
): Promise<ReadonlyMap<string, ApiSummary>> {
  const currencies = [...new Set(instruments.map(({ settlement_currency: currency }) => currency))];
  const lists = await Promise.all(
    currencies.map((currency) =>
      connection.call<readonly ApiSummary[]>("public/get_book_summary_by_currency", { currency }),
    ),
  );
  return new Map(lists.flat().map((summary) => [summary.instrument_name, summary]));
}

/** Inventory per instrument in units of quote size: how far quotes lean away from it. */
async function inventory(
  connection: Connection,
  instruments: readonly ApiInstrument[],
  parameters: MakerParameters,
): Promise<ReadonlyMap<string, number>> {
  const currencies = [...new Set(instruments.map(({ settlement_currency: currency }) => currency))];
  const lists = await Promise.all(
    currencies.map((currency) => connection.call<readonly ApiPosition[]>("private/get_positions", { currency })),
  );
  const named = new Map(instruments.map((instrument) => [instrument.instrument_name, instrument]));
  return new Map(
    lists.flat().flatMap((position): [string, number][] => {
      const instrument = named.get(position.instrument_name);
      if (instrument === undefined) return [];
      const unit = instrument.kind === "option" ? parameters.optionAmount : parameters.futureAmountUsd;
      return [[position.instrument_name, position.size / (unit * 10)]];
    }),
  );
}

interface QuoteEntry {
  readonly instrument_name: string;
  readonly quote_set_id: string;
  readonly bid: { readonly price: number; readonly amount: number };
  readonly ask: { readonly price: number; readonly amount: number };
}

/** What has moved away from where it stands, or has stood so long that it may have been filled. Records it as standing. */
function dueQuotes(input: {
  readonly instruments: readonly ApiInstrument[];
  readonly summaries: ReadonlyMap<string, ApiSummary>;
  readonly leans: ReadonlyMap<string, number>;
  readonly standing: Map<string, Standing>;
  readonly round: number;
  readonly options: MakerOptions;
}): readonly QuoteEntry[] {
  const { standing, round } = input;
  const entries: QuoteEntry[] = [];
  for (const [position, instrument] of input.instruments.entries()) {
    const name = instrument.instrument_name;
    const summary = input.summaries.get(name);
    if (summary === undefined) continue;
    const lean = input.leans.get(name) ?? 0;
    const quote = quoteFor(instrument, summary, { nowMs: Date.now(), lean, parameters: input.options.parameters });
    if (quote === undefined) continue;
    const before = standing.get(name);
    // Refreshing is spread over the rounds, so that no round sends the whole chain.
    const isFresh = before !== undefined && (round + position) % refreshRounds !== 0;
    if (isFresh && isCloseEnough(before.quote, quote)) continue;
    standing.set(name, { quote, round });
    entries.push({
      instrument_name: name,
      quote_set_id: isInverse(instrument) ? simulatedLabel : `${simulatedLabel}-linear`,
      bid: { price: quote.bidPrice, amount: quote.amount },
      ask: { price: quote.askPrice, amount: quote.amount },
    });
  }
  return entries;
}

async function sendQuotes(connection: Connection, quotes: readonly QuoteEntry[], round: number): Promise<void> {
  await connection.call("private/mass_quote", {
    quote_id: `${simulatedLabel}-${round}`,
    mmp_group: simulatedLabel,
    detailed: false,
    quotes,
  });
}
