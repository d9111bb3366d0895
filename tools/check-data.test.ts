/**
 * `npm run check:data` on a small data set that this test makes: two snapshots in the venue's format, of a surface that is known.
 * Real data are never in the repository. Relies on the command alone; what it computes has its tests in `packages/pricing`.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, describe, expect, test } from "vitest";
import { createPrng } from "@stoa/base/prng";
import { black76 } from "@stoa/pricing/black76";
import { inverseVenueConventions, quotedGreeks } from "@stoa/pricing/quoted-greeks";
import { ssviSlice, type Ssvi } from "@stoa/pricing/surface/ssvi";
import { sviVariance } from "@stoa/pricing/svi";
import { quantile } from "./check-data/measure.ts";
import { readSnapshot } from "./check-data/snapshots.ts";

const root = join(import.meta.dirname, "..");
const folder = mkdtempSync(join(tmpdir(), "stoa-check-data-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const columns =
  "timestamp,instrument_name,underlying,underlying_name,option_type,strike,expiry_datetime,time_to_maturity,bid_price,ask_price,mark_price,mid_price,futures_price,futures_instrument_name,implied_volatility,delta,vega,open_interest,volume,bid_ask_spread,currency,index_price,volume_usd";

/** The options of one currency around an SSVI surface; `shift` moves every mark away from Black-76 at the volatility beside it. */
function rowsOf(time: string, currency: string, forward: number, shift: number): string[] {
  const prng = createPrng(`${time} ${currency}`);
  const ssvi: Ssvi = { rho: -0.2, phi: { kind: "power-law", eta: 1, gamma: 0.4 } };
  return [0.02, 0.07, 0.12, 0.5].flatMap((years, index) => {
    const slice = ssviSlice(ssvi, 0.25 * years);
    const expiry = `2031-0${index + 1}-10T08:00:00+00:00`;
    return [-2, -1.5, -1, -0.5, 0, 0.5, 1, 1.5, 2].flatMap((z) => {
      const strike = Math.round(forward * Math.exp(z * 0.5 * Math.sqrt(years)));
      const exact = Math.sqrt(sviVariance(slice, Math.log(strike / forward)).variance / years);
      const volatility = Number(exact.toFixed(4));
      return (["call", "put"] as const).map((type) => {
        const { price, delta, vega } = black76({ type, forward, strike, years, volatility });
        const mark = price / forward;
        const spread = 0.0005 + 0.002 * prng.nextFloat();
        const bid = mark - spread < 0.0001 ? "" : (mark - spread).toFixed(4);
        const ask = (mark + spread).toFixed(4);
        const name = `${currency}-X-${strike}-${type === "call" ? "C" : "P"}`;
        const cells = [time, name, forward, "F", type, strike, expiry, years, bid, ask, (mark + shift).toFixed(8), ""];
        const tail = [
          forward,
          "F",
          volatility,
          delta.toFixed(5),
          (vega / 100).toFixed(5),
          1,
          1,
          "",
          currency,
          forward,
          0,
        ];
        return [...cells, ...tail].join(",");
      });
    });
  });
}

function writeSnapshot(place: string, name: string, rows: readonly string[]): string {
  mkdirSync(join(place, "deribit-options"), { recursive: true });
  const file = join(place, "deribit-options", `deribit_options_snapshot_${name}.csv.gz`);
  writeFileSync(file, gzipSync([columns, ...rows].join("\n")));
  return file;
}

/** Two tickers as the venue's feed has them, among lines that are none. */
function writeCapture(place: string): void {
  const time = Date.UTC(2031, 0, 1);
  const lines = (["C", "P"] as const).map((letter) => {
    const years = (Date.UTC(2031, 2, 28, 8) - time) / (365 * 86_400_000);
    const option = {
      type: letter === "C" ? "call" : "put",
      forward: 90_000,
      strike: 95_000,
      years,
      volatility: 0.6,
    } as const;
    const { price, delta, gamma, vega, theta, rho } = quotedGreeks(option, inverseVenueConventions);
    const rounded = { delta: delta + 1e-3, gamma, vega, theta, rho };
    const greeks = Object.fromEntries(Object.entries(rounded).map(([name, value]) => [name, Number(value.toFixed(5))]));
    const data = {
      ...{ instrument_name: `BTC-28MAR31-95000-${letter}`, timestamp: time, underlying_price: 90_000 },
      ...{ mark_price: Number(price.toFixed(6)), mark_iv: 60, greeks },
    };
    return `${time / 1000}: ${JSON.stringify({ method: "subscription", params: { channel: "ticker", data } })}`;
  });
  mkdirSync(join(place, "captures"), { recursive: true });
  const text = ["wss://venue <-> 1", '2: {"result":[]}', ...lines].join("\n");
  writeFileSync(join(place, "captures", "DERIBIT.ws.1.gz"), gzipSync(text));
}

function run(...parameters: string[]): {
  readonly status: number | null;
  readonly out: string;
  readonly error: string;
} {
  const node = join(root, "node_modules/.bin/node");
  const command = join(root, "tools/check-data/command.ts");
  const { status, stdout, stderr } = spawnSync(node, ["--conditions=@stoa/source", command, ...parameters], {
    encoding: "utf8",
  });
  return { status, out: stdout, error: stderr };
}

describe("npm run check:data", () => {
  const good = join(folder, "good");
  const shift = 0.00002;
  const times = ["2031-01-01T00:00:00+00:00", "2031-01-02T00:00:00+00:00"];
  const files = times.map((time, index) =>
    writeSnapshot(good, `2031010${index + 1}T000000Z`, [
      ...rowsOf(time, "BTC", 90_000, shift),
      ...rowsOf(time, "ETH", 3_000, shift),
    ]),
  );

  test("prints what the data hold, and writes a page that holds the same", () => {
    // The second source has one expiry whose risk reversal is 0.3 beyond any that the surface can have.
    const numbers = { atm_iv: 0.5, rr25: 0.3, bf25: 0.01 };
    const reference = { deribit_20310101T000000Z: { BTC: { "2031-03-10T08:00:00+00:00": numbers } } };
    writeFileSync(join(good, "golden_reference.json"), JSON.stringify(reference));
    writeCapture(good);
    const page = join(folder, "page.html");
    const { status, out, error } = run(good, "--page", page);
    expect(status, error + out).toBe(0);
    expect(out.match(/72 options, 4 expiries/g)).toHaveLength(4);
    // The marks were moved by 2e-5 coin: this is what Black-76 must be off by.
    expect(out).toMatch(/venue: mark +2\.0e-5 +2\.0e-5/);
    expect(out).toMatch(/0 butterflies and 0 calendars refused of 16 slices, 0 of \d+ spreads below nothing/);
    const [, money, reversal] = /second source, 1 expiries.*at the money (\S+) .*risk reversal (\S+) /.exec(out) ?? [];
    expect(Number(money)).toBeLessThan(0.02);
    expect(Number(reversal)).toBeGreaterThan(0.25);
    // The captured delta is 1e-3 off on purpose, the other greeks by the rounding of their decimals at most.
    const [, deltaOff, gammaOff] = /captured tickers, 2, .*delta (\S+) .*gamma (\S+) /.exec(out) ?? [];
    expect(Number(deltaOff)).toBeCloseTo(1e-3, 5);
    expect(Number(gammaOff)).toBeLessThan(1e-5);
    const median = Number(/fit: volatility +(\S+)/.exec(out)?.[1]);
    expect(median).toBeLessThan(0.003);
    const html = readFileSync(page, "utf8");
    expect(html).toContain("4 chains of 288 options");
    for (const title of [
      "Smile",
      "Residuals",
      "Term structure",
      "Risk reversals",
      "Volatility index",
      "A second source",
    ]) {
      expect(html).toContain(title);
    }
  });

  test("ends with 1 when a chain has no surface, and 2 when it is pointed at nothing", () => {
    const bare = join(folder, "bare");
    const rows = rowsOf(times[0]!, "BTC", 90_000, 0).map((line) => {
      const cells = line.split(",");
      cells[8] = "";
      cells[9] = "";
      return cells.join(",");
    });
    writeSnapshot(bare, "20310101T000000Z", rows);
    const { status, out } = run(bare, "--page", join(folder, "bare.html"));
    expect(status).toBe(1);
    expect(out).toContain("no surface");
    expect(run(folder)).toMatchObject({ status: 2, error: expect.stringContaining("deribit-options") });
    expect(run()).toMatchObject({ status: 2, error: expect.stringContaining("usage") });
  });

  test("reads a snapshot as chains by currency and expiry, and names file and line of what is no number", () => {
    const [btc, eth] = readSnapshot(files[0]!);
    expect(btc).toMatchObject({ currency: "BTC", time: times[0] });
    expect(eth!.expiries.map(({ years, forward, rows }) => [years, forward, rows.length])).toEqual([
      [0.02, 3_000, 18],
      [0.07, 3_000, 18],
      [0.12, 3_000, 18],
      [0.5, 3_000, 18],
    ]);
    const spoilt = rowsOf(times[0]!, "BTC", 90_000, 0);
    spoilt[3] = spoilt[3]!.replace(/,(call|put),\d+,/, ",$1,many,");
    const file = writeSnapshot(join(folder, "spoilt"), "20310101T000000Z", spoilt);
    expect(() => readSnapshot(file)).toThrow(`${file}:5: strike is no number: "many"`);
  });

  test("takes quantiles as the number below which a part lies", () => {
    expect([0, 0.5, 0.99, 1].map((part) => quantile([4, 1, 3, 2], part))).toEqual([1, 3, 4, 4]);
    expect(quantile([], 0.5)).toBeUndefined();
  });
});
