/** A chain from a running gateway, over the public API that it shares with Deribit: one request, for the book summaries of a currency. */
import { Failure } from "../failure.ts";
import { chainOf, parseInstrument, type Chain, type LooseQuote } from "./chain.ts";

const timeoutMs = 15_000;

/** `underlying` is a currency (BTC), or a pair for options in dollars (BTC_USDC). */
export async function chainFromGateway(gateway: string, underlying: string): Promise<Chain> {
  const currency = underlying.includes("_") ? underlying.split("_")[1]! : underlying;
  const summaries = await request(gateway, `public/get_book_summary_by_currency?currency=${currency}&kind=option`);
  const quotes = summaries.flatMap((summary) => quoteOf(summary, underlying));
  const timeMs = Math.max(...summaries.map(({ creation_timestamp }) => Number(creation_timestamp)));
  if (quotes.length === 0) {
    const names = new Set(summaries.map(({ instrument_name }) => String(instrument_name).split("-")[0]!));
    const there = names.size === 0 ? "it lists no options in that currency" : `it has ${[...names].join(", ")}`;
    throw new Failure(`--currency ${underlying}: ${gateway} has no options of it: ${there}`);
  }
  const unit = underlying.includes("_") ? "currency" : "coin";
  return chainOf({ source: gateway, underlying, unit, timeMs }, quotes);
}

type Summary = Readonly<Record<string, unknown>>;

async function request(gateway: string, path: string): Promise<readonly Summary[]> {
  let url: URL;
  try {
    url = new URL(`/api/v2/${path}`, gateway);
  } catch {
    throw new Failure(`--gateway ${gateway}: an address is wanted, such as http://127.0.0.1:7400`);
  }
  let answer: { result?: readonly Summary[]; error?: { message?: string } };
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(timeoutMs) });
    answer = (await response.json()) as typeof answer;
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error);
    throw new Failure(
      `--gateway ${gateway}: no answer (${cause}): is a gateway running there? npm start shows its address`,
    );
  }
  if (Array.isArray(answer.result)) return answer.result;
  throw new Failure(`--gateway ${gateway} refuses: ${answer.error?.message ?? "its answer has no result"}`);
}

function quoteOf(summary: Summary, underlying: string): LooseQuote[] {
  const instrument = String(summary["instrument_name"]);
  const parsed = parseInstrument(instrument);
  if (parsed === undefined || parsed.underlying !== underlying) return [];
  const price = (name: string): number | undefined => {
    const value = summary[name];
    return typeof value === "number" && 0 < value ? value : undefined;
  };
  const percent = price("mark_iv");
  return [
    {
      instrument,
      type: parsed.type,
      strike: parsed.strike,
      expiryMs: parsed.expiryMs,
      bid: price("bid_price"),
      ask: price("ask_price"),
      mark: price("mark_price"),
      markVolatility: percent === undefined ? undefined : percent / 100,
      forward: price("underlying_price"),
    },
  ];
}
