/** `stoa price`: prices one option, a chain of quotes or a file of positions, and writes what it found as text, JSON or a page. */
import { writeFileSync } from "node:fs";
import { PricingRefusal } from "@stoa/pricing/refusal";
import { renderPage, type Page } from "../chart/page.ts";
import { Failure } from "../failure.ts";
import { chainFromCsv } from "../price/chain-csv.ts";
import { fitChain } from "../price/chain-fit.ts";
import { chainFromGateway } from "../price/chain-gateway.ts";
import { chainObject, chainText } from "../price/chain-text.ts";
import type { PriceFlags } from "../price/flags.ts";
import { priceOption, type OptionAnswer } from "../price/option.ts";
import { portfolioFromCsv } from "../price/positions-csv.ts";
import { reportOf } from "../price/positions-report.ts";
import { positionsObject, positionsText } from "../price/positions-text.ts";
import { shown, textTable } from "../price/text-table.ts";
import { parseTime } from "../price/time.ts";

export async function runPrice(flags: PriceFlags): Promise<void> {
  if (flags.chain !== undefined && flags.gateway !== undefined)
    throw new Failure("--chain and --gateway exclude each other");
  const atMs = flags.at === undefined ? undefined : parseTime(flags.at, "--at");
  if (flags.positions !== undefined) return pricePositions(flags.positions, flags, atMs);
  if (hasMarket(flags)) return priceChain(flags, atMs);
  if (flags.html !== undefined) throw new Failure("--html goes with --chain, --gateway or --positions");
  const answer = priceOption(flags, atMs ?? Date.now());
  console.log(flags.json ? JSON.stringify(objectOf(answer), null, 2) : textOf(answer));
}

const hasMarket = ({ chain, gateway }: PriceFlags): boolean => chain !== undefined || gateway !== undefined;

async function pricePositions(file: string, flags: PriceFlags, atMs: number | undefined): Promise<void> {
  const { unit = "currency", range = 0.3, columns, index } = flags;
  if (!(0 < range && range < 1)) throw new Failure(`--range ${range}: more than 0 and less than 100% is wanted`);
  if (index !== undefined && !(0 < index)) throw new Failure(`--index ${index}: a positive price is wanted`);
  const market = hasMarket(flags)
    ? fitChain(await readChain({ ...flags, unit: undefined, columns: undefined }, atMs))
    : undefined;
  const nowMs = atMs ?? market?.chain.timeMs ?? Date.now();
  const report = explained(file, () =>
    reportOf(portfolioFromCsv(file, { columns, nowMs, indexPrice: index, market }), unit, range),
  );
  if (flags.html !== undefined) {
    const { positionsPage } = await import("../price/positions-page.ts");
    writePage(flags.html, positionsPage(report));
  }
  console.log(flags.json ? JSON.stringify(positionsObject(report), null, 2) : positionsText(report));
}

/** What the library refuses of a file's numbers, with the row: `instruments[2]` is the third under the line of names. */
function explained<T>(file: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof PricingRefusal)) throw error;
    const [, place, field] = /^(?:instruments|positions)\[(\d+)\]\.(\w+)$/.exec(error.argument) ?? [];
    if (place === undefined) throw error;
    throw new Failure(`${file} row ${Number(place) + 2}: ${field}${error.message.slice(error.argument.length)}`);
  }
}

async function priceChain(flags: PriceFlags, timeMs: number | undefined): Promise<void> {
  const fit = fitChain(await readChain(flags, timeMs));
  if (flags.html !== undefined) {
    const { chainPage } = await import("../price/chain-page.ts");
    writePage(flags.html, chainPage(fit));
  }
  console.log(flags.json ? JSON.stringify(chainObject(fit), null, 2) : chainText(fit));
}

type MarketFlags = {
  readonly [name in "chain" | "gateway" | "currency" | "columns" | "unit"]?: PriceFlags[name] | undefined;
};

function readChain({ chain, gateway, currency, columns, unit }: MarketFlags, timeMs: number | undefined) {
  if (chain !== undefined) return chainFromCsv(chain, { columns, unit, currency, timeMs });
  if (currency === undefined) throw new Failure("--gateway wants --currency too, such as --currency BTC");
  return chainFromGateway(gateway!, currency.toUpperCase());
}

function writePage(file: string, page: Page): void {
  writeFileSync(file, renderPage(page));
  console.error(`the page is in ${file}`);
}

function textOf({ title, method, rows }: OptionAnswer): string {
  const hasErrors = rows.some(({ error }) => error !== undefined);
  const head = ["", "value", ...(hasErrors ? ["error"] : []), "  "];
  const lines = rows.map(({ name, value, error, meaning }) => [
    name,
    shown(value, 10),
    ...(hasErrors ? [error === undefined ? "" : `±${shown(error, 2)}`] : []),
    `  ${meaning}`,
  ]);
  const width = Math.max(...lines.map((line) => line.at(-1)!.length));
  const padded = lines.map((line) => [...line.slice(0, -1), line.at(-1)!.padEnd(width)]);
  return `${title}\n${method}\n\n${textTable(head, padded)}`;
}

/** Everything, for programs; derivatives as the table has them. */
function objectOf({ model, method, arguments: told, rows }: OptionAnswer) {
  const named = (pick: (row: OptionAnswer["rows"][number]) => number | undefined) =>
    Object.fromEntries(rows.flatMap((row) => (pick(row) === undefined ? [] : [[row.name, pick(row)]])));
  return {
    model,
    method,
    arguments: told,
    values: named(({ value }) => value),
    errors: named(({ error }) => error),
    units: Object.fromEntries(rows.map(({ name, meaning }) => [name, meaning])),
  };
}
