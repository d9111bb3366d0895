/**
 * Where the validators of a run live. With namespaces each has a network stack of its own, a link to a bridge that can be taken
 * down or made narrow by the kernel, and its vote log on a file system that can really be full. Where the kernel forbids that, they
 * live on the loopback interface, and the relay does what it can.
 *
 * The runner enters the namespaces itself (`unshare`), as the first process of a process namespace: when it ends, however it
 * ends, the kernel ends every process in there, and interfaces and mounts are gone with them. Nothing outside is touched.
 */
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { mkdirSync, readFileSync, readlinkSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { faultKinds, type FaultKind } from "./nemesis.ts";

export const places = ["namespaces", "mounts", "loopback"] as const;
/** `mounts`: the network is the loopback, and file systems can be mounted. */
export type Place = (typeof places)[number];

export interface Surroundings {
  readonly place: Place;
  /** Faults that can be made here. */
  readonly kinds: readonly FaultKind[];
  /** Where validator `index` listens. */
  readonly hostOf: (index: number) => string;
  /** Where relays and clients are. */
  readonly relayHost: string;
  /** The command that runs another one where the validator lives. */
  readonly inside: (index: number, command: readonly string[]) => readonly string[];
  /** Takes the link of a validator down or up; `false` when there is none to take down. */
  readonly setLink: (index: number, up: boolean) => boolean;
  /** Narrows the link of a validator in both directions; `false` when there is none. */
  readonly setRate: (index: number, bytesPerSecond: number | undefined) => boolean;
  /** Makes `folder` a file system of its own, of so many bytes; `false` when that cannot be. */
  readonly mount: (folder: string, size: number) => boolean;
  readonly close: () => void;
}

const unshareOptions: Readonly<Record<Exclude<Place, "loopback">, readonly string[]>> = {
  namespaces: ["-rmnpf", "--mount-proc", "--kill-child"],
  mounts: ["-rmpf", "--mount-proc", "--kill-child"],
};

/** What has to work in there. */
const probes: Readonly<Record<Exclude<Place, "loopback">, string>> = {
  namespaces:
    "ip link set lo up && ip link add stoa0 type bridge && ip link add v0 type veth peer name e0 && " +
    "tc qdisc add dev v0 root tbf rate 512kbit burst 16kb latency 400ms && mount -t tmpfs tmpfs /tmp && unshare -n true",
  mounts: "mount -t tmpfs tmpfs /tmp",
};

/** The best place that this kernel allows, and why not a better one. */
export function findPlace(): { readonly place: Place; readonly why: readonly string[] } {
  const why: string[] = [];
  for (const place of ["namespaces", "mounts"] as const) {
    const { status, stderr, error } = spawnSync("unshare", [...unshareOptions[place], "sh", "-c", probes[place]]);
    if (status === 0) return { place, why };
    const said = error?.message ?? stderr.toString().trim().split("\n")[0] ?? "";
    why.push(`no ${place} here: ${said === "" ? `status ${status}` : said}`);
  }
  return { place: "loopback", why };
}

/** Runs a command in such a place; resolves with its exit code. Who ends this process ends that one, which then cleans up. */
export async function runAt(place: Exclude<Place, "loopback">, command: readonly string[]): Promise<number> {
  const child = spawn("unshare", [...unshareOptions[place], ...command], { stdio: "inherit" });
  process.once("exit", () => child.kill("SIGKILL"));
  const inner = (): number[] =>
    readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, "utf8").split(" ").filter(Boolean).map(Number);
  for (const signal of ["SIGINT", "SIGTERM"] as const)
    process.on(signal, () => inner().forEach((pid) => process.kill(pid, "SIGTERM")));
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => resolve(code ?? 1));
  });
}

/** Prepares the place in which this process is. */
export async function openSurroundings(place: Place, validatorsCount: number): Promise<Surroundings> {
  return place === "namespaces" ? openNamespaces(validatorsCount) : openLoopback(place);
}

function openLoopback(place: Place): Surroundings {
  const host = "127.0.0.1";
  const impossible = (): boolean => false;
  if (place === "mounts") run("ip", ["link", "set", "lo", "up"], true);
  return {
    place,
    kinds: faultKinds.filter((kind) => kind !== "full-disk" || place === "mounts"),
    hostOf: () => host,
    relayHost: host,
    inside: (_, command) => command,
    setLink: impossible,
    setRate: impossible,
    mount: place === "mounts" ? mount : impossible,
    close: unmountAll,
  };
}

const bridge = "stoa0";
const network = "10.77.0";
const relayHost = `${network}.254`;
const hostOf = (index: number): string => `${network}.${index + 1}`;
const outer = (index: number): string => `v${index}`;
const inner = "e0";

async function openNamespaces(validatorsCount: number): Promise<Surroundings> {
  const holders: ChildProcess[] = [];
  run("ip", ["link", "set", "lo", "up"]);
  run("ip", ["link", "add", bridge, "type", "bridge"]);
  run("ip", ["addr", "add", `${relayHost}/24`, "dev", bridge]);
  run("ip", ["link", "set", bridge, "up"]);
  for (let index = 0; index < validatorsCount; index++) {
    // Keeps the namespace while the validator itself is dead.
    const holder = spawn("unshare", ["-n", "sleep", "infinity"], { stdio: "ignore" });
    holders.push(holder);
    await hasOwnNetwork(holder.pid!);
    run("ip", ["link", "add", outer(index), "type", "veth", "peer", "name", inner, "netns", String(holder.pid)]);
    run("ip", ["link", "set", outer(index), "master", bridge, "up"]);
    const within = ["-t", String(holder.pid), "-n"];
    run("nsenter", [...within, "ip", "link", "set", "lo", "up"]);
    run("nsenter", [...within, "ip", "addr", "add", `${hostOf(index)}/24`, "dev", inner]);
    run("nsenter", [...within, "ip", "link", "set", inner, "up"]);
  }
  const inside = (index: number, command: readonly string[]): readonly string[] => [
    ...["nsenter", "-t", String(holders[index]!.pid), "-n"],
    ...command,
  ];
  const runInside = (index: number, command: readonly string[]): void => {
    const [program, ...args] = inside(index, command);
    run(program!, args);
  };
  return {
    place: "namespaces",
    kinds: faultKinds,
    hostOf,
    relayHost,
    inside,
    setLink(index, up) {
      run("ip", ["link", "set", outer(index), up ? "up" : "down"]);
      return true;
    },
    setRate(index, bytesPerSecond) {
      const shape = (device: string): string[] =>
        bytesPerSecond === undefined
          ? ["tc", "qdisc", "del", "dev", device, "root"]
          : ["tc", "qdisc", "replace", "dev", device, "root", "tbf", ...rateOf(bytesPerSecond)];
      const [program, ...args] = shape(outer(index));
      run(program!, args);
      runInside(index, shape(inner));
      return true;
    },
    mount,
    close() {
      for (const holder of holders) holder.kill("SIGKILL");
      unmountAll();
    },
  };
}

const rateOf = (bytesPerSecond: number): string[] =>
  `rate ${8 * bytesPerSecond}bit burst 16kb latency 400ms`.split(" ");

async function hasOwnNetwork(pid: number): Promise<void> {
  const networkOf = (process: number | "self"): string => {
    try {
      return readlinkSync(`/proc/${process}/ns/net`);
    } catch {
      return "";
    }
  };
  for (let tries = 0; tries < 1_000; tries++) {
    const found = networkOf(pid);
    if (found !== "" && found !== networkOf("self")) return;
    await delay(5);
  }
  throw new Error(`process ${pid} has no network of its own after 5 s`);
}

const mounted: string[] = [];

function mount(folder: string, size: number): boolean {
  mkdirSync(folder, { recursive: true });
  run("mount", ["-t", "tmpfs", "-o", `size=${size}`, "tmpfs", folder]);
  mounted.push(folder);
  return true;
}

function unmountAll(): void {
  // Lazily: what was killed a moment ago may hold them still.
  for (const folder of mounted.splice(0)) run("umount", ["-l", folder], true);
}

function run(program: string, args: readonly string[], mayFail = false): void {
  const { status, stderr, error } = spawnSync(program, args);
  if (status === 0 || mayFail) return;
  throw new Error(`${program} ${args.join(" ")}: ${error?.message ?? stderr.toString().trim()}`);
}
