/**
 * `stoa devnet`: prepares the data folder, starts four validators, a gateway and the simulated market as processes of their own,
 * and shows how they do until it is told to end; then it ends every process that it started.
 */
import { closeSync, existsSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { setTimeout as delay } from "node:timers/promises";
import { installNativeCrypto } from "@stoa/node/native-crypto";
import type { CertificatesName } from "@stoa/protocol/finality/scheme";
import { endRequested, reportReady } from "../child.ts";
import type { GatewayReady } from "../commands/gateway.ts";
import { Failure } from "../failure.ts";
import {
  createDevnet,
  folderOf,
  hasDevnet,
  loadApiKeys,
  loadGenesis,
  loadNetwork,
  removeDevnet,
  requireWritable,
  writeNetwork,
  type Address,
  type Network,
} from "./folder.ts";
import { createObserver, isGatewayReport, type Observer } from "./observer.ts";
import { devnetParticipants, validatorName, validatorsCount } from "./participants.ts";
import { freePorts, host, portBaseDefault, portsFrom, requireFree, type DevnetPorts } from "./ports.ts";
import type { ApiAccess } from "./screen.ts";
import { submitAuthorizations } from "./sessions.ts";
import { startChild, type Child, type Death } from "./supervisor.ts";
import { openTerminal, type Terminal } from "./terminal.ts";

export interface DevnetOptions {
  readonly dataDir: string;
  readonly fresh: boolean;
  /** The base port; 0 for free ports; absent for those of the folder or the default. */
  readonly port: number | undefined;
  readonly seed: number | undefined;
  readonly indexFile: string | undefined;
  /** Blocks that each validator keeps; absent for all, so that a replay can begin at genesis. */
  readonly retentionBlocks: number | undefined;
  /** How votes become certificates on a chain made now. */
  readonly certificates: CertificatesName | undefined;
  readonly market: boolean;
  readonly quiet: boolean;
}

/** What a devnet tells the process that started it, such as a test. */
export interface DevnetReady {
  readonly access: ApiAccess;
  /** Process ids by name: `validator-0` ..., `gateway`, `market`. */
  readonly pids: { readonly [name: string]: number };
}

const mainFile = fileURLToPath(new URL("../main.ts", import.meta.url));
const lookMs = 1_000;
const authorizeTriesMax = 6;

/** Runs until it is told to end. */
export async function runDevnet(options: DevnetOptions): Promise<void> {
  installNativeCrypto();
  const ended = endRequested();
  const terminal = openTerminal(options.quiet);
  const release = lockFolder(options.dataDir);
  const children: Child[] = [];
  let isEnding = false;
  void ended.then(() => (isEnding = true));
  try {
    const network = await prepare(options, terminal);
    const running = await Promise.race([
      start({ options, network, terminal, children, isEnding: () => isEnding }),
      ended,
    ]);
    if (typeof running === "object") await watch({ ...running, terminal, ended });
  } catch (error) {
    // Ctrl-C reaches children that are too young to leave it to us; their ends are then no failure.
    await delay(50);
    if (!isEnding) throw error;
  } finally {
    if (0 < children.length) terminal.end(`ending ${children.length} processes`);
    await endAll(children);
    release();
  }
}

/** The market first, so that its orders are gone; validators last. */
async function endAll(children: readonly Child[]): Promise<void> {
  const validators = children.filter(({ name }) => name.startsWith("validator-"));
  const others = children.filter((child) => !validators.includes(child)).reverse();
  for (const child of others) await child.stop();
  await Promise.all(validators.map((child) => child.stop()));
}

/** One devnet per folder: two would run the same validators twice. */
function lockFolder(dataDir: string): () => void {
  const { root } = folderOf(dataDir);
  requireWritable(root);
  const file = join(root, "devnet.pid");
  if (existsSync(file)) {
    const pid = Number(readFileSync(file, "utf8"));
    if (isRunning(pid))
      throw new Failure(
        `a devnet runs in ${root} already (process ${pid}): end it first, or choose another folder with --data`,
      );
    rmSync(file);
  }
  const descriptor = openSync(file, "wx", 0o600);
  writeSync(descriptor, String(process.pid));
  closeSync(descriptor);
  return () => rmSync(file, { force: true });
}

function isRunning(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0 || pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    // A process id is used again sooner or later: where the system tells, only a devnet's counts.
    const file = `/proc/${pid}/cmdline`;
    return !existsSync(file) || readFileSync(file, "utf8").includes("devnet");
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}

/** The network in the folder, made now or on an earlier start, with its ports free. */
async function prepare(options: DevnetOptions, terminal: Terminal): Promise<Network> {
  const { dataDir } = options;
  if (options.fresh) removeDevnet(dataDir);
  const isNew = !hasDevnet(dataDir);
  const kept = isNew ? undefined : loadNetwork(dataDir);
  const ports = await portsWanted(options.port, kept?.ports);
  await requireFree(ports);
  if (kept === undefined) {
    terminal.step(`making keys and genesis in ${folderOf(dataDir).root}`);
    const { seed = 1, indexFile, retentionBlocks, certificates } = options;
    return createDevnet(dataDir, { ports, seed, indexFile, retentionBlocks, certificates, startMs: Date.now() });
  }
  requireSameCertificates(options);
  terminal.step(`going on with ${folderOf(dataDir).root} (--fresh begins anew)`);
  const prices = {
    ...kept.prices,
    ...(options.seed === undefined ? {} : { seed: options.seed }),
    ...(options.indexFile === undefined ? {} : { file: options.indexFile, originMs: Date.now() }),
  };
  const network = { ...kept, ports, prices, retentionBlocks: options.retentionBlocks ?? kept.retentionBlocks };
  writeNetwork(dataDir, network);
  return network;
}

/** A chain keeps the certificates of its genesis. */
function requireSameCertificates({ dataDir, certificates }: DevnetOptions): void {
  if (certificates === undefined) return;
  const kept = loadGenesis(dataDir).certificates.kind;
  if (kept !== certificates)
    throw new Failure(`${folderOf(dataDir).root} holds a chain with ${kept}: --fresh begins anew with ${certificates}`);
}

async function portsWanted(base: number | undefined, kept: DevnetPorts | undefined): Promise<DevnetPorts> {
  if (base === 0) return freePorts(validatorsCount);
  if (base !== undefined) return portsFrom(base, validatorsCount);
  return kept ?? portsFrom(portBaseDefault, validatorsCount);
}

interface Running {
  readonly observer: Observer;
  readonly access: ApiAccess;
}

async function start(input: {
  readonly options: DevnetOptions;
  readonly network: Network;
  readonly terminal: Terminal;
  readonly children: Child[];
  readonly isEnding: () => boolean;
}): Promise<Running> {
  const { options, network, terminal, children, isEnding } = input;
  const folder = folderOf(options.dataDir);
  const doors = network.ports.validators.map(({ door }) => ({ host, port: door }));
  const observer = createObserver({
    doors,
    gatewayUrl: `http://${host}:${network.ports.http}/api/v2/public/test`,
    restartCommand: (name) =>
      `npm run stoa -- ${name === "gateway" ? "gateway" : "node"} --data ${join(options.dataDir, name)}`,
    pidOf: (name) => children.find((child) => child.name === name && child.isAlive())?.pid,
    startedMs: Date.now(),
  });
  const onDeath = (death: Death): void => {
    // A signal to the whole process group ends the children too.
    if (!isEnding()) terminal.note(deathWords(death, join(folder.log, `${death.name}.log`)));
  };
  const child = (
    name: string,
    args: readonly string[],
    extra: Partial<Parameters<typeof startChild>[0]> = {},
  ): Child => {
    const started = startChild({
      name,
      args: [...process.execArgv, mainFile, ...args],
      logFile: join(folder.log, `${name}.log`),
      onDeath,
      ...extra,
    });
    children.push(started);
    return started;
  };

  terminal.step(`starting ${validatorsCount} validators`);
  const validators = doors.map((_, index) => child(validatorName(index), ["node", "--data", folder.validator(index)]));
  await Promise.all(validators.map(({ ready }) => ready));
  terminal.step("waiting for the first final block");
  await firstBlock(observer);
  terminal.step("starting the gateway");
  const gateway = child("gateway", ["gateway", "--data", folder.gateway], {
    onMessage: (message) => void (isGatewayReport(message) && observer.takeReport(message)),
    onDeath: (death) => {
      observer.takeReport(undefined);
      onDeath(death);
    },
  });
  const { caFile, sessionsAuthorized } = (await gateway.ready) as GatewayReady;
  if (!sessionsAuthorized) {
    terminal.step("authorising the gateway's session keys on the chain");
    await authorize({ dataDir: options.dataDir, doors, observer, gateway });
  }
  const access = accessOf(options.dataDir, network, caFile);
  if (options.market) {
    terminal.step("starting the simulated market");
    const market = child("market", ["market", "--data", folder.root], {
      onDeath: (death) => {
        observer.setMarket("down");
        onDeath(death);
      },
    });
    await market.ready;
    observer.setMarket("running");
  }
  terminal.ready(access);
  reportReady({ access, pids: Object.fromEntries(children.map(({ name, pid }) => [name, pid])) } satisfies DevnetReady);
  return { observer, access };
}

async function firstBlock(observer: Observer): Promise<void> {
  const before = (await observer.look()).height;
  for (let tries = 0; tries < 300; tries++) {
    const { height, validators } = await observer.look();
    if (before < height || (before <= 1 && 1 <= height)) return;
    const halted = validators.find(({ state }) => state === "halted");
    if (halted !== undefined) throw new Failure(`${halted.name} has stopped: ${halted.hint ?? ""}`);
    await delay(100);
  }
  throw new Failure("no block became final within 30 s: see the logs in the data folder's log/");
}

/** Submits until the gateway sees it done: a command may be lost with the validator that took it. */
async function authorize(input: {
  readonly dataDir: string;
  readonly doors: readonly Address[];
  readonly observer: Observer;
  readonly gateway: Child;
}): Promise<void> {
  const genesis = loadGenesis(input.dataDir);
  for (let tries = 0; tries < authorizeTriesMax; tries++) {
    await submitAuthorizations(input.dataDir, genesis, input.doors);
    for (let waits = 0; waits < 100; waits++) {
      if (input.observer.sessionsAuthorized()) return;
      if (!input.gateway.isAlive()) throw new Failure("the gateway ended while it was started: see log/gateway.log");
      await delay(50);
    }
  }
  throw new Failure(
    "the exchange did not authorise the gateway's session keys: see the logs in the data folder's log/",
  );
}

function accessOf(dataDir: string, { ports }: Network, caFile: string): ApiAccess {
  const users = new Set(devnetParticipants.filter(({ role }) => role === "user").map(({ name }) => name));
  return {
    httpUrl: `http://${host}:${ports.http}`,
    wsUrl: `ws://${host}:${ports.http}/ws/api/v2`,
    httpsUrl: `https://${host}:${ports.https}`,
    wssUrl: `wss://${host}:${ports.https}/ws/api/v2`,
    caFile,
    keysFile: folderOf(dataDir).apiKeys,
    keys: loadApiKeys(dataDir).filter(({ name }) => users.has(name)),
  };
}

function deathWords({ name, pid, code, signal, reason }: Death, logFile: string): string {
  const how = signal === null ? `with code ${code}` : `by ${signal}`;
  return `${name} (process ${pid}) ended ${how}${reason === undefined ? "" : `: ${reason}`}; its log is ${logFile}`;
}

async function watch(input: Running & { readonly terminal: Terminal; readonly ended: Promise<string> }): Promise<void> {
  const { observer, access, terminal, ended } = input;
  let isEnding = false;
  void ended.then(() => (isEnding = true));
  while (!isEnding) {
    const status = await observer.look();
    if (!isEnding) terminal.show(status, access);
    await Promise.race([delay(lookMs, undefined, { ref: false }), ended]);
  }
  observer.close();
}
