/**
 * The checks of recorded markets on markets that this test makes: what is whole agrees, a single wrong cell or a lost message is told.
 * Real data are never in the repository.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, expect, test } from "vitest";
import { deribitLines, randomUpdates } from "../packages/features/test/support/capture-writer.ts";
import { lobsterOf } from "../packages/features/test/support/lobster-writer.ts";
import { randomOrders } from "../packages/features/test/support/random-market.ts";
import { isKept, lineOfAgreement, numbersAgree, type Agreement } from "./check-data/markets/agreement.ts";
import { checkMarkets } from "./check-data/markets/markets.ts";

const root = mkdtempSync(join(tmpdir(), "stoa-check-markets-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

function folderOf(name: string, files: Readonly<Record<string, string | Uint8Array>>): string {
  for (const [file, content] of Object.entries(files)) {
    mkdirSync(join(root, name, file, ".."), { recursive: true });
    writeFileSync(join(root, name, file), content);
  }
  return join(root, name);
}

const named = (agreements: readonly Agreement[], text: string): Agreement =>
  agreements.find(({ what }) => what.includes(text))!;

test("LOBSTER's rows agree, and one that contradicts its message is told", async () => {
  const { messages, rows, shown } = lobsterOf(randomOrders(3, 900), { levels: 4, from: 100 });
  const name = "lobster/TEST_2012-06-21_34200000_57600000";
  const right = await checkMarkets(
    folderOf("right", { [`${name}_message_4.csv`]: messages, [`${name}_orderbook_4.csv`]: rows }),
  );
  expect(right.map(isKept)).toEqual([true, true]);
  expect(named(right, "rows of the book").total).toBe(shown.length);
  const lines = rows.split("\n");
  const cells = lines[200]!.split(",");
  cells[1] = String(Number(cells[1]) + 1);
  lines[200] = cells.join(",");
  const files = { [`${name}_message_4.csv`]: messages, [`${name}_orderbook_4.csv`]: lines.join("\n") };
  const wrong = await checkMarkets(folderOf("wrong", files));
  expect(isKept(named(wrong, "without a correction"))).toBe(false);
});

test("a capture without holes agrees, one with a hole does not", async () => {
  const lines = deribitLines("X-PERPETUAL", randomUpdates(1, 200));
  const capture = (kept: readonly string[]) => ({ "captures/DERIBIT.ws.1.0.gz": gzipSync(kept.join("\n")) });
  expect((await checkMarkets(folderOf("whole", capture(lines)))).map(isKept)).toEqual([true, true]);
  const book = lines.findIndex((line, index) => index > 60 && line.includes("prev_change_id"));
  const torn = await checkMarkets(folderOf("torn", capture(lines.filter((_, index) => index !== book))));
  expect(torn.map(isKept)).toEqual([false, false]);
});

test("a folder without markets has nothing to say, and nothing to compare is no agreement", async () => {
  expect(await checkMarkets(root)).toEqual([]);
  expect(isKept({ what: "", agreed: 0, total: 0, required: 1 })).toBe(false);
  const agreement = numbersAgree("numbers", 1e-9, { one: [1, 1], two: [2, 2.1], three: [NaN, NaN] });
  expect(lineOfAgreement(agreement)).toBe("OFF numbers (off: two, three): 1 of 3 (33.33 %)");
});
