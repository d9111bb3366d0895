/**
 * The flags of `stoa price` and how their texts are read. A text that is no number is refused with what was wanted; what the
 * numbers mean together is for the modules beside this one.
 */
import { Command, InvalidArgumentError, Option } from "commander";

export const modelNames = ["black76", "black-scholes", "bachelier", "inverse"] as const;
export type ModelName = (typeof modelNames)[number];

export const payoffNames = [
  "vanilla",
  "cash-or-nothing",
  "asset-or-nothing",
  "geometric-asian",
  "arithmetic-asian",
] as const;
export type PayoffName = (typeof payoffNames)[number];

export const barrierNames = ["down-and-out", "down-and-in", "up-and-out", "up-and-in"] as const;
export type BarrierName = (typeof barrierNames)[number];

export interface PriceFlags {
  readonly model?: ModelName;
  readonly payoff: PayoffName;
  readonly type?: "call" | "put";
  readonly exercise: "european" | "american";
  readonly forward?: number;
  readonly spot?: number;
  readonly strike?: number;
  readonly years?: number;
  readonly days?: number;
  readonly expiry?: string;
  readonly volatility?: number;
  readonly iv?: number;
  readonly rate?: number;
  readonly yield?: number;
  readonly barrier?: number;
  readonly barrierKind?: BarrierName;
  readonly steps?: number;
  readonly paths?: number;
  readonly dates?: number;
  readonly seed?: number;
  readonly higher: boolean;
  readonly chain?: string;
  readonly columns?: Readonly<Record<string, string>>;
  readonly unit?: "coin" | "currency";
  readonly gateway?: string;
  readonly currency?: string;
  readonly positions?: string;
  readonly index?: number;
  readonly range?: number;
  readonly at?: string;
  readonly html?: string;
  readonly json: boolean;
}

export function addPriceFlags(command: Command): Command {
  return addChainFlags(addOptionFlags(command))
    .option("--html <file>", "write a page with plots into this file (chain, positions)")
    .option("--json", "one JSON object in the place of the table", false)
    .addHelpText("after", examples);
}

function addOptionFlags(command: Command): Command {
  return command
    .addOption(
      new Option("--model <name>", "default: black76 with --forward, black-scholes with --spot").choices(modelNames),
    )
    .addOption(new Option("--type <type>", "call or put").choices(["call", "put"]))
    .addOption(new Option("--payoff <name>", "what is paid at expiry").choices(payoffNames).default("vanilla"))
    .addOption(new Option("--exercise <style>", "when").choices(["european", "american"]).default("european"))
    .option("--forward <price>", "of the underlying for delivery at expiry", number)
    .option("--spot <price>", "of the underlying now", number)
    .option("--strike <price>", "in the currency of the forward or the spot", number)
    .option("--years <years>", "to expiry", number)
    .option("--days <days>", "to expiry, 365 of them a year", number)
    .option("--expiry <time>", "such as 25DEC26 (08:00 UTC) or 2026-12-25T08:00Z, in the place of --years or --days")
    .option("--volatility <volatility>", "per year: 60% or 0.6; for bachelier in units of price", fraction)
    .option("--iv <price>", "in the place of --volatility: the one that explains this price", number)
    .option("--rate <rate>", "interest, continuously compounded: 5% or 0.05", fraction)
    .option("--yield <rate>", "what the underlying pays, continuously compounded", fraction)
    .option("--barrier <price>", "the level of a barrier option, with --barrier-kind", number)
    .addOption(new Option("--barrier-kind <kind>", "what the barrier does").choices(barrierNames))
    .option("--steps <count>", "of the grid in price, where finite differences are used (200)", number)
    .option("--paths <count>", "by simulation, with so many pairs of paths and their standard error", number)
    .option("--dates <count>", "of a simulation: fixings, or chances to exercise (50)", number)
    .option("--seed <number>", "of a simulation (1)", number)
    .option("--higher", "second and third derivatives too", false);
}

function addChainFlags(command: Command): Command {
  return command
    .option("--chain <file>", "a CSV file of quotes: fit its surface and compare")
    .option("--columns <names>", "its columns where they have other names: bid=best_bid,ask=best_ask", columnNames)
    .addOption(
      new Option(
        "--unit <unit>",
        "what the quotes are in, where a file does not say it, or what profits are shown in (currency)",
      ).choices(["coin", "currency"]),
    )
    .option("--gateway <url>", "the quotes of a running gateway, such as http://127.0.0.1:7400; with --currency")
    .option("--currency <name>", "which currency of the gateway, or of a file that holds several")
    .option(
      "--positions <file>",
      "a CSV file of positions: payoff and scenarios; --chain or --gateway may say the market",
    )
    .option("--index <price>", "the index price, where the positions' file does not say it", number)
    .option("--range <part>", "how far prices move in the scenarios of positions (30%)", fraction)
    .option("--at <time>", "now, where a file does not say it: 2026-01-02T09:18Z");
}

const examples = `
Examples:
  stoa price --type call --forward 100000 --strike 110000 --days 30 --volatility 60%
  stoa price --type put --spot 100 --strike 95 --years 0.5 --rate 4% --iv 3.2
  stoa price --type put --spot 36 --strike 40 --years 1 --rate 6% --volatility 20% --exercise american
  stoa price --chain quotes.csv --html surface.html
  stoa price --gateway http://127.0.0.1:7400 --currency BTC
  stoa price --positions book.csv --html book.html`;

export function number(text: string): number {
  const value = Number(text.replaceAll("_", ""));
  if (text.trim() === "" || Number.isNaN(value)) throw new InvalidArgumentError(`a number is wanted, such as 95000.5.`);
  return value;
}

/** 60% and 0.6 are the same. */
function fraction(text: string): number {
  return text.endsWith("%") ? number(text.slice(0, -1)) / 100 : number(text);
}

function columnNames(text: string): Readonly<Record<string, string>> {
  const pairs = text.split(",").map((pair) => pair.split("="));
  if (pairs.some((pair) => pair.length !== 2 || pair.includes("")))
    throw new InvalidArgumentError("NAME=COLUMN,NAME=COLUMN is wanted, such as bid=best_bid.");
  return Object.fromEntries(pairs as [string, string][]);
}
