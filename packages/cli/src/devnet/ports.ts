/**
 * Which ports a devnet listens on: fixed offsets from one base port, or free ones of the system's choice. Everything listens on
 * this machine alone.
 */
import { createServer } from "node:net";
import { Failure } from "../failure.ts";

export const host = "127.0.0.1";
export const portBaseDefault = 7400;

export interface DevnetPorts {
  readonly http: number;
  readonly https: number;
  readonly validators: readonly { readonly mesh: number; readonly door: number; readonly metrics: number }[];
}

/** 7400 http and ws, 7443 https and wss, then 7410, 7420 and 7430 onwards for validators, with the default base. */
export function portsFrom(base: number, validatorsCount: number): DevnetPorts {
  if (!Number.isInteger(base) || base < 1024 || 65_535 < base + 49) {
    throw new Failure(`--port must be between 1024 and ${65_535 - 49}, or 0 for free ports: got ${base}`);
  }
  return {
    http: base,
    https: base + 43,
    validators: Array.from({ length: validatorsCount }, (_, index) => ({
      mesh: base + 10 + index,
      door: base + 20 + index,
      metrics: base + 30 + index,
    })),
  };
}

/** Ports that were free a moment ago: held all at once, so that they differ, then released. */
export async function freePorts(validatorsCount: number): Promise<DevnetPorts> {
  const servers = Array.from({ length: 2 + 3 * validatorsCount }, () => createServer());
  const ports = await Promise.all(servers.map(listen));
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  const [http, https] = ports as [number, number];
  return {
    http,
    https,
    validators: Array.from({ length: validatorsCount }, (_, index) => ({
      mesh: ports[2 + 3 * index]!,
      door: ports[3 + 3 * index]!,
      metrics: ports[4 + 3 * index]!,
    })),
  };
}

function listen(server: ReturnType<typeof createServer>): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host, port: 0, exclusive: true }, () => resolve((server.address() as { port: number }).port));
  });
}

/** Names the first port that something else listens on, before any process is started. */
export async function requireFree(ports: DevnetPorts): Promise<void> {
  const wanted: readonly (readonly [string, number])[] = [
    ["the API over http and ws", ports.http],
    ["the API over https and wss", ports.https],
    ...ports.validators.flatMap(({ mesh, door, metrics }, index): [string, number][] => [
      [`validator-${index}'s peers`, mesh],
      [`validator-${index}'s clients`, door],
      [`validator-${index}'s metrics`, metrics],
    ]),
  ];
  for (const [purpose, port] of wanted) {
    if (!(await isFree(port))) {
      throw new Failure(`port ${port} (${purpose}) is taken: stop what listens there, or choose others with --port`);
    }
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(true)));
  });
}
