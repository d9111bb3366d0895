/** `stoa features fit-micro-price` as a process, and its table in a run of `stoa features`. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { parseMicroPriceTable } from "@stoa/features/micro-price/table";
import { runStoa } from "./devnet-process.ts";
import { refusalOf } from "./features-refusal.ts";
import { temporaryFolder } from "./temporary.ts";

test("a micro-price is fitted on one market and applied to it by its table", async () => {
  const file = join(temporaryFolder(), "micro.json");
  const flags = ["--input", "generated:20000", "--buckets", "4", "--spreads", "2", "--edges", "uniform"];
  const fitted = await runStoa("features", "fit-micro-price", ...flags, "--output", file);
  expect(fitted.code).toBe(0);
  const table = parseMicroPriceTable(readFileSync(file, "utf8"));
  expect(table.imbalanceEdges).toEqual([0.25, 0.5, 0.75]);
  expect(fitted.stdout).toContain(`${table.observationsCount} pairs of quotes`);
  const [adjustments] = table.adjustments;
  expect(fitted.stdout).toContain(adjustments!.map((value) => value.toFixed(3)).at(-1));
  // Where the bid is the heavier the price is expected to rise.
  expect(adjustments![3]).toBeGreaterThan(adjustments![2]!);
  expect(adjustments![2]).toBeGreaterThan(0);

  const list = `mid(unit=ticks),qi(form=share),spread(unit=ticks),micro(table=@${file}, unit=ticks)`;
  const applied = await runStoa("features", "--input", "generated:3000", "--features", list, "--output", "-");
  const rows = applied.stdout.trim().split("\n").slice(1);
  let numbers = 0;
  for (const row of rows) {
    const [, , , mid, share, spread, micro] = row.split(",").map((cell) => (cell === "" ? NaN : Number(cell)));
    if (spread! <= 2) {
      expect(micro).toBe(mid! + table.adjustments[spread! - 1]![Math.floor(4 * share!)]!);
      numbers++;
    } else expect(micro).toBeNaN();
  }
  expect(numbers).toBeGreaterThan(500);
}, 60_000);

test("a fit is refused in one line of what it cannot be of", async () => {
  const output = ["--output", join(temporaryFolder(), "micro.json")];
  const wanted: readonly (readonly [readonly string[], RegExp])[] = [
    [["--input", "generated:30"], /imbalanceBuckets is 10, but must be fewer/],
    [["--input", "generated:30", "--from", "2026-01-01"], /of whole files/],
    [["--follow", "ws://127.0.0.1:1", "--instrument", "X"], /of recorded files/],
    [["--input", "generated:300", "--edges", "odd"], /Allowed choices are uniform, quantile/],
  ];
  for (const [flags, reason] of wanted) expect(await refusalOf("fit-micro-price", ...flags, ...output)).toMatch(reason);
});
