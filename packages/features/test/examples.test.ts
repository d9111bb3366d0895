/**
 * The examples run as a reader runs them; the guides of docs/features show exactly these programs and what they print. After a change that is meant:
 * `STOA_APPROVE_GOLDEN=1 npx vitest run packages/features/test/examples.test.ts` writes both into the guides.
 */
import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { zstdCompressSync } from "node:zlib";
import { expect, test } from "vitest";
import { flowPresets } from "../src/generator/flow-presets.ts";
import { OrderFlow } from "../src/generator/order-flow.ts";
import { readSchema } from "../src/io/writers/read-schema.ts";
import { dbnHeader, dbnOfEvents } from "./support/dbn-writer.ts";

const root = join(import.meta.dirname, "../../..");
const examples = join(root, "packages/features/examples");
const guides = join(root, "docs/features");
const names = readdirSync(examples)
  .filter((name) => name.endsWith(".ts"))
  .map((name) => name.replace(/\.ts$/, ""));
const isApproving = process.env["STOA_APPROVE_GOLDEN"] === "1";

async function run(args: readonly string[], cwd = root): Promise<string> {
  const { stdout, stderr } = await promisify(execFile)(process.execPath, ["--conditions=@stoa/source", ...args], {
    cwd,
  });
  expect(stderr).toBe("");
  return stdout;
}

/** What stands in the only block of a page that is fenced with these words. */
function block(page: string, fence: string): string | undefined {
  return new RegExp(`\`\`\`${fence}\n([^]*?)\`\`\``).exec(page)?.[1];
}

test.concurrent.each(names)("%s prints what its guide shows, which shows all of it", async (name) => {
  const printed = await run([join(examples, `${name}.ts`)]);
  const program = readFileSync(join(examples, `${name}.ts`), "utf8");
  const path = join(guides, `${name}.md`);
  let page = readFileSync(path, "utf8");
  if (isApproving) {
    for (const [fence, text] of [
      [`text ${name}`, printed],
      [`ts ${name}`, program],
    ] as const)
      page = page.replace(`\`\`\`${fence}\n${block(page, fence)!}`, () => `\`\`\`${fence}\n${text}`);
    writeFileSync(path, page);
  }
  expect(printed).toBe(block(page, `text ${name}`));
  expect(program).toBe(block(page, `ts ${name}`));
});

test("every guide stands in the list, and every example has one", () => {
  const list = readFileSync(join(guides, "README.md"), "utf8");
  for (const page of readdirSync(guides)) if (page !== "README.md") expect(list).toContain(`(${page})`);
  for (const name of names) expect(readdirSync(guides)).toContain(`${name}.md`);
});

/** The market of the quick start as a recorded file. */
function writeMarket(path: string): void {
  const originNs = 1_767_225_600_000_000_000n;
  const records = [dbnHeader({ startNs: originNs, symbols: [["GENERATED", 1]] })];
  for (const batch of new OrderFlow({ seed: 1, parameters: flowPresets["equityIndexFuture"]! }).batches(50_000))
    records.push(...dbnOfEvents(batch, { originNs, tick: 250_000_000n }));
  writeFileSync(path, zstdCompressSync(Buffer.concat(records)));
}

test("an example reads a recorded file by its argument; the README's ten lines turn one into Parquet", async () => {
  const folder = mkdtempSync(join(tmpdir(), "stoa-examples-"));
  try {
    const file = join(folder, "es.mbo.dbn.zst");
    writeMarket(file);
    const printed = await run([join(examples, "quick-start.ts"), file]);
    expect(printed).toBe(block(readFileSync(join(guides, "quick-start.md"), "utf8"), "text quick-start"));

    const readme = readFileSync(join(root, "packages/features/README.md"), "utf8");
    const output = join(folder, "out.parquet");
    const program = block(readme, "ts")!.replace("es.mbo.dbn.zst", file).replace("out.parquet", output);
    await run(["--input-type=module-typescript", "--eval", program], examples);
    const { columns } = (await readSchema(output))!;
    expect(columns.map(({ name }) => name)).toEqual(
      /The file has the columns `([^.]*)`\./.exec(readme)![1]!.split(/`,?\s(?:and )?`/),
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
});
