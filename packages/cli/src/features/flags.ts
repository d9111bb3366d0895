/**
 * The flags of `stoa features` and of its commands describe, list, plot and fit-micro-price. What texts mean is for the modules beside this one, which are loaded
 * when a command is called.
 */
import { Command, InvalidArgumentError, Option } from "commander";

export interface InputFlags {
  readonly input?: readonly string[];
  readonly follow?: string;
  readonly format?: string;
  readonly instrument?: readonly string[];
  readonly record?: string;
  readonly symbol?: string;
  readonly date?: string;
  readonly mapping?: string;
  readonly tick?: string;
  readonly lot?: string;
  readonly multiplier?: number;
  readonly from?: string;
  readonly until?: string;
}

export interface SelectFlags {
  readonly set?: string;
  readonly features?: string;
  readonly table?: readonly string[];
  readonly normalise?: readonly string[];
  readonly clock: string;
  readonly gaps: "strict" | "lenient";
}

export interface FeaturesFlags extends InputFlags, SelectFlags {
  readonly output?: string;
  readonly compression: "zstd" | "none";
  readonly blockRows?: number;
  readonly json: boolean;
}

export interface DescribeFlags extends SelectFlags {
  readonly json: boolean;
}

export interface PlotFlags extends InputFlags, SelectFlags {
  readonly output: string;
  readonly levels: number;
  readonly columns?: string;
}

export interface FitMicroPriceFlags extends InputFlags {
  readonly output: string;
  readonly buckets: number;
  readonly spreads: number;
  readonly edges: "uniform" | "quantile";
}

export interface ListFlags {
  readonly json: boolean;
}

export function addFeatureCommands(stoa: Command): void {
  const features = stoa.command("features").enablePositionalOptions();
  addSelectFlags(addInputFlags(features))
    .description("order-book features of recorded files or of a live stream, as columns")
    .option("--output <file>", "rows into this file: .parquet, .arrow, .feather, .arrows, .csv or .npy; - is stdout")
    .addOption(new Option("--compression <name>", "of Parquet").choices(["zstd", "none"]).default("zstd"))
    .option("--block-rows <count>", "rows of a row group of Parquet or a batch of Arrow (65536)", positive)
    .option("--json", "the summary as one JSON object", false)
    .addHelpText("after", examples)
    .action(async (flags: FeaturesFlags) => (await import("./run.ts")).runFeaturesCommand(flags));
  addSelectFlags(features.command("describe"))
    .description("what the columns are: of a set, of given features, or of a file that was written")
    .argument("[file]", "an output of stoa features")
    .option("--json", "the whole schema as JSON", false)
    .action(async (file: string | undefined, flags: DescribeFlags) =>
      (await import("./describe.ts")).runDescribe(file, flags),
    );
  features
    .command("list")
    .description("every feature, table and normaliser there is, with its parameters")
    .argument("[word]", "only those in whose id or summary it stands")
    .option("--json", "everything as JSON", false)
    .action(async (word: string | undefined, flags: ListFlags) => (await import("./list.ts")).runList(word, flags));
  addSelectFlags(addInputFlags(features.command("plot")))
    .description("a page with the depth of the book over time, trades, the chosen features and labels")
    .requiredOption("--output <file.html>", "the page")
    .option("--levels <count>", "levels of depth on each side", positive, 20)
    .option("--columns <names>", "columns to draw, with * for anything; all of them up to 12 when absent")
    .action(async (flags: PlotFlags) => (await import("./plot.ts")).runPlot(flags));
  addInputFlags(features.command("fit-micro-price"))
    .description("the table of a micro-price, fitted on the quotes of recorded files")
    .requiredOption("--output <file.json>", 'the table, for --features "micro(table=@file.json)"')
    .option("--buckets <count>", "of the imbalance of the best sizes", positive, 10)
    .option("--spreads <count>", "spreads of 1 to so many ticks; wider ones are left out", positive, 2)
    .addOption(
      new Option("--edges <rule>", "buckets equally wide, or equally full")
        .choices(["uniform", "quantile"])
        .default("quantile"),
    )
    .action(async (flags: FitMicroPriceFlags) => (await import("./fit-micro-price.ts")).runFitMicroPrice(flags));
}

function addInputFlags(command: Command): Command {
  return command
    .option("--input <files...>", "recorded files, in their order; generated:EVENTS makes a market")
    .option("--follow <url>", "a live stream: wss://... of a venue, ws://127.0.0.1:PORT of a gateway")
    .option("--format <name>", "dbn, lobster, bitstamp, deribit, binance, bitmex or csv, where it cannot be seen")
    .option("--mapping <file>", "what the columns of CSV files mean, as JSON")
    .option("--symbol <name>", "of the instrument, where the file does not say it")
    .option("--date <day>", "of the file, where its name does not say it (lobster): 2012-06-21")
    .option("--instrument <names...>", "only these instruments; of a live stream with * for anything")
    .option("--record <file>", "what a live stream says, into a file that --input reads again")
    .option("--tick <size>", "price of one tick, where the file does not say it: 0.25")
    .option("--lot <size>", "quantity of one lot, where the file does not say it: 0.001")
    .option("--multiplier <number>", "underlying per unit of size, where it is not 1", decimal)
    .option("--from <time>", "rows from here on: 2026-01-02T09:30Z; events before are read all the same")
    .option("--until <time>", "the end, not included");
}

function addSelectFlags(command: Command): Command {
  return command
    .option("--set <name>", "default (40 columns) or level-1 (10)")
    .option("--features <list>", "such as spread(unit=ticks),ofi(window=10s); stoa features list shows them")
    .option("--table <name=table>", "a table of its own, such as bars=time_bars(step=1m); again for more", collect)
    .option("--normalise <columns=how>", "such as ofi_*=z_count(count=5000); again for more", collect)
    .option("--clock <clock>", "rows at book, book:LEVELS, event, trade, block, volume:LOTS or 100ms", "book")
    .addOption(
      new Option("--gaps <policy>", "after a gap: nulls until the next snapshot (strict), or go on (lenient)")
        .choices(["strict", "lenient"])
        .default("strict"),
    );
}

const examples = `
Examples:
  stoa features --input book.dbn.zst --output out.parquet
  stoa features --input day1.csv day2.csv --features "spread(unit=ticks),ofi(window=10s)" --clock 100ms --output out.arrow
  stoa features --input book.dbn --set default --table "bars=time_bars(step=1m)" --output out.parquet
  stoa features --follow ws://127.0.0.1:7400 --set level-1
  stoa features --input generated:200000 --output out.csv
  stoa features describe out.parquet
  stoa features plot --input book.dbn --features "ofi(window=10s)" --output book.html`;

const collect = (text: string, before: readonly string[] = []): readonly string[] => [...before, text];

function positive(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError("a whole number of at least 1 is wanted.");
  return Number(text);
}

function decimal(text: string): number {
  const value = Number(text);
  if (!(0 < value && value < Infinity)) throw new InvalidArgumentError("a number above 0 is wanted.");
  return value;
}
