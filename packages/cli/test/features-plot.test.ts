/** The page of `stoa features plot`, in a real browser: the picture of the book, trades, features and tables, on one axis of time. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openBrowser } from "../../client/test/browser/browser.ts";
import { TimeBuckets } from "../src/features/time-buckets.ts";
import { runStoa } from "./devnet-process.ts";
import { temporaryFolder } from "./temporary.ts";

test("the page draws depth, trades, features and bars in a real browser, without the network, in both themes", async () => {
  const page = join(temporaryFolder(), "book.html");
  const asked = ["--features", "spread,ofi(window=10s),mlofi(levels=3)", "--table", "bars=time_bars(step=1m)"];
  const { stderr, code } = await runStoa("features", "plot", "--input", "generated:4000", ...asked, "--output", page);
  expect([stderr, code]).toEqual([`the page is in ${page}\n`, 0]);
  expect(readFileSync(page, "utf8")).toContain("default-src 'none'");
  const browser = await openBrowser(`file://${page}`);
  const ask = (expression: string) => browser.evaluate(expression) as Promise<never>;
  try {
    expect(await ask("performance.getEntriesByType('resource').length")).toBe(0);
    const titles: readonly string[] = await ask(
      "[...document.querySelectorAll('figcaption span')].map(one => one.textContent)",
    );
    expect(titles.slice(0, 2)).toEqual(["Depth of the book", expect.stringMatching(/^Traded, per /)]);
    expect(titles).toEqual(
      expect.arrayContaining(["spread", "ofi", "mlofi", expect.stringMatching(/^bars: /), "Columns"]),
    );
    // Each chart has lines, and the first a picture as large as its plot, with bids below asks.
    const bare: readonly string[] = await ask(
      "[...document.querySelectorAll('.chart')].filter(one => !one.querySelector('path[stroke-width=\"2\"]')).map(one => one.getAttribute('aria-label'))",
    );
    // What is 0 or 1 is drawn as points, and what was traded as upright bars.
    expect(bare).toEqual([titles[1], "bars: gap"]);
    expect(
      await ask("document.querySelectorAll('.chart')[1].querySelectorAll('path[stroke-width=\"1.5\"]').length > 20"),
    ).toBe(true);
    const colours = `(async () => {
      const image = document.querySelector('.chart image');
      const picture = new Image();
      picture.src = image.getAttribute('href') ?? image.getAttribute('xlink:href');
      await picture.decode();
      const canvas = document.createElement('canvas');
      [canvas.width, canvas.height] = [picture.width, picture.height];
      const context = canvas.getContext('2d');
      context.drawImage(picture, 0, 0);
      const { data, width, height } = context.getImageData(0, 0, canvas.width, canvas.height);
      let [blue, blueRows, orange, orangeRows] = [0, 0, 0, 0];
      for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) {
        const [red, , third, alpha] = data.subarray(4 * (y * width + x), 4 * (y * width + x) + 4);
        if (alpha < 200) continue;
        if (red < third) { blue++; blueRows += y; } else if (third < red) { orange++; orangeRows += y; }
      }
      const box = image.getBoundingClientRect();
      return { aspect: width / height / (box.width / box.height), blue: blue / (width * height), orange: orange / (width * height), bidsBelow: blueRows / blue > orangeRows / orange };
    })()`;
    const picture: { aspect: number; blue: number; orange: number; bidsBelow: boolean } = await ask(colours);
    expect(picture.bidsBelow).toBe(true);
    expect(picture.aspect).toBeCloseTo(1, 1);
    expect(Math.min(picture.blue, picture.orange)).toBeGreaterThan(0.1);
    const axes: readonly string[] = await ask(
      "[...document.querySelectorAll('.chart')].map(one => [...one.querySelectorAll('text')].map(text => text.textContent).join('|'))",
    );
    for (const texts of axes) expect(texts).toMatch(/Time \(UTC\)/);
    await ask("document.getElementById('theme').click()");
    const dark: typeof picture = await ask(colours);
    expect(dark.bidsBelow).toBe(true);
  } finally {
    await browser.stop();
  }
});

test("a stream of any length is thinned to equal stretches of time, and sums stay whole", () => {
  const buckets = new TimeBuckets<number>({ countMax: 10, merge: (one, other) => one + other, stepNs: 1 });
  let sum = 0;
  for (let timeNs = 0; timeNs < 1_000; timeNs += 3) {
    buckets.add(timeNs, timeNs);
    sum += timeNs;
  }
  const { list, stepNs } = buckets;
  expect(list.length).toBeGreaterThan(5);
  expect(list.length).toBeLessThanOrEqual(10);
  expect(list.map(({ timeNs }) => timeNs % stepNs)).toEqual(list.map(() => 0));
  expect(list.reduce((all, { value }) => all + value, 0)).toBe(sum);
  expect(buckets.isNew(999)).toBe(false);
  expect(buckets.isNew(999 + stepNs)).toBe(true);
});

test("a quiet market over a long time has no more stretches than a page can hold, and loses nothing", () => {
  const buckets = new TimeBuckets<number>({ countMax: 10, spanMax: 20, merge: (one, other) => one + other, stepNs: 1 });
  for (const timeNs of [3, 700, 100_000, 900_000]) buckets.add(timeNs, timeNs);
  const { list, stepNs } = buckets;
  expect((list.at(-1)!.timeNs - list[0]!.timeNs) / stepNs).toBeLessThan(20);
  expect(list.reduce((all, { value }) => all + value, 0)).toBe(1_000_703);
});
