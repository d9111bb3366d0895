/**
 * A real browser without a screen, driven over its own debugging protocol. Which one: that of STOA_BROWSER, else the Chromium that
 * npm brings (Linux on x64), else one that is installed on this machine. Without any there is an error and no test passes: a check
 * that skips itself checks nothing.
 */
import { spawn, type ChildProcessWithoutNullStreams } from "node:child_process";
import {
  accessSync,
  chmodSync,
  constants,
  createReadStream,
  createWriteStream,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { createBrotliDecompress } from "node:zlib";

export interface Browser {
  /** Evaluates an expression in the page and resolves with its value, awaited; rejects with what it throws. */
  readonly evaluate: (expression: string) => Promise<any>;
  readonly stop: () => Promise<void>;
}

const modules = join(import.meta.dirname, "../../../../node_modules");
const installedNames = [
  "chromium",
  "chromium-browser",
  "chromium-headless-shell",
  "google-chrome",
  "google-chrome-stable",
];

async function findBrowser(): Promise<string> {
  const chosen = process.env["STOA_BROWSER"];
  if (chosen !== undefined) return chosen;
  const fromNpm = process.platform === "linux" && process.arch === "x64" ? await unpackedChromium() : undefined;
  if (fromNpm !== undefined) return fromNpm;
  const folders = (process.env["PATH"] ?? "").split(delimiter);
  const found = folders.flatMap((folder) => installedNames.map((name) => join(folder, name))).find(isExecutable);
  if (found !== undefined) return found;
  throw new Error(
    "no browser: npm has Chromium for Linux on x64; elsewhere install Chromium, or name a browser in STOA_BROWSER",
  );
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** The package holds the program compressed. It is unpacked once per version, aside, so that two runs do not meet half of it. */
async function unpackedChromium(): Promise<string | undefined> {
  const installed = join(modules, "@sparticuz", "chromium");
  const packed = join(installed, "bin", "chromium.br");
  if (!existsSync(packed)) return undefined;
  const { version } = JSON.parse(readFileSync(join(installed, "package.json"), "utf8")) as { version: string };
  const folder = join(modules, ".cache", "stoa-browser");
  const program = join(folder, `chromium-${version}`);
  if (existsSync(program)) return program;
  mkdirSync(folder, { recursive: true });
  const fresh = `${program}.${process.pid}`;
  await pipeline(createReadStream(packed), createBrotliDecompress(), createWriteStream(fresh));
  chmodSync(fresh, 0o755);
  renameSync(fresh, program);
  return program;
}

const startTimeoutMs = 60_000;

/** Opens a page and waits until its scripts have run. */
export async function openBrowser(url: string): Promise<Browser> {
  const program = await findBrowser();
  const folder = mkdtempSync(join(tmpdir(), "stoa-browser-"));
  const settings = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"];
  const child = spawn(program, [...settings, "--remote-debugging-port=0", `--user-data-dir=${folder}`, "about:blank"]);
  const ended = new Promise((resolve) => child.once("close", resolve));
  const stop = async (): Promise<void> => {
    child.kill("SIGKILL");
    await ended;
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  };
  try {
    const opened = await fetch(`http://${await debuggingHost(child, program)}/json/new?${url}`, { method: "PUT" });
    const { webSocketDebuggerUrl } = (await opened.json()) as { webSocketDebuggerUrl: string };
    const page = await openPage(webSocketDebuggerUrl);
    await page.evaluate("window.ready");
    return { evaluate: page.evaluate, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Where the program says that it can be driven. */
function debuggingHost(child: ChildProcessWithoutNullStreams, program: string): Promise<string> {
  let said = "";
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`${program} did not start: ${said}`)), startTimeoutMs);
    child.on("error", reject);
    child.on("close", (code) => reject(new Error(`${program} ended with ${code}: ${said}`)));
    child.stderr.on("data", (data: Buffer) => {
      said += data.toString();
      const [, address] = /DevTools listening on (ws:\S+)/.exec(said) ?? [];
      if (address === undefined) return;
      clearTimeout(timer);
      resolve(new URL(address).host);
    });
  });
}

interface Evaluated {
  readonly result?: { readonly value?: unknown };
  readonly exceptionDetails?: { readonly text: string; readonly exception?: { readonly description?: string } };
}

async function openPage(address: string): Promise<Pick<Browser, "evaluate">> {
  const socket = new WebSocket(address);
  const waiting = new Map<number, (result: Evaluated) => void>();
  let nextId = 1;
  socket.onmessage = ({ data }) => {
    const message = JSON.parse(String(data)) as { id?: number; result?: Evaluated };
    const resolve = waiting.get(message.id ?? 0);
    waiting.delete(message.id ?? 0);
    resolve?.(message.result ?? {});
  };
  await new Promise((resolve, reject) => {
    socket.onopen = resolve;
    socket.onerror = () => reject(new Error("the browser's page cannot be reached"));
  });
  const evaluateOnce = (expression: string): Promise<Evaluated> =>
    new Promise((resolve) => {
      const id = nextId++;
      waiting.set(id, resolve);
      const params = { expression, awaitPromise: true, returnByValue: true };
      socket.send(JSON.stringify({ id, method: "Runtime.evaluate", params }));
    });
  const untilReady = async (): Promise<void> => {
    const deadline = performance.now() + startTimeoutMs;
    while ((await evaluateOnce("window.ready !== undefined")).result?.value !== true) {
      if (deadline < performance.now()) throw new Error("the page's script did not load");
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };
  await untilReady();
  return {
    async evaluate(expression) {
      const { result, exceptionDetails } = await evaluateOnce(expression);
      if (exceptionDetails !== undefined)
        throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
      return result?.value;
    },
  };
}
