/** What Prometheus may read of a node, on a port of its own. Counters and gauges only; telemetry never feeds back. */
import { createServer } from "node:http";
import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from "prom-client";
import { listen, type Address } from "./network/mesh.ts";

export interface NodeMetrics {
  readonly registry: Registry;
  readonly height: Gauge;
  readonly executedHeight: Gauge;
  readonly view: Gauge;
  readonly mempoolCommands: Gauge;
  readonly peers: Gauge;
  readonly doorConnections: Gauge;
  readonly commands: Counter;
  readonly trades: Counter;
  readonly nullifiedViews: Counter;
  /** Seconds from the block's time, as its leader set it, to its finality here. */
  readonly finality: Histogram;
  readonly execution: Histogram;
  readonly persist: Histogram;
  /** Offences whose proof this node has come to know, by kind. */
  readonly evidenceFound: Counter<"offence">;
  /** 1 for each validator and kind of offence that the chain has proven. */
  readonly convictions: Gauge<"validator" | "offence">;
  /** 1 when the state computed here is not the agreed one. */
  readonly diverged: Gauge;
  /** 1 when the node has stopped taking part. */
  readonly halted: Gauge;
  /** 1 while this validator signs nothing because its vote log was lost. */
  readonly quarantined: Gauge;
}

const secondsBuckets = [0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128, 0.256, 0.512, 1, 2, 4];

export function createNodeMetrics(): NodeMetrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, prefix: "stoa_" });
  const registers = [registry];
  const gauge = (name: string, help: string): Gauge => new Gauge({ name: `stoa_${name}`, help, registers });
  const counter = (name: string, help: string): Counter => new Counter({ name: `stoa_${name}`, help, registers });
  const seconds = (name: string, help: string): Histogram =>
    new Histogram({ name: `stoa_${name}_seconds`, help, buckets: secondsBuckets, registers });
  return {
    registry,
    height: gauge("height", "Height of the last final block"),
    executedHeight: gauge("executed_height", "Height of the last executed block"),
    view: gauge("view", "Current view of consensus"),
    mempoolCommands: gauge("mempool_commands", "Commands waiting to be ordered"),
    peers: gauge("peers", "Validators connected"),
    doorConnections: gauge("door_connections", "Clients and gateways connected"),
    commands: counter("commands_total", "Commands in executed blocks"),
    trades: counter("trades_total", "Trades in executed blocks"),
    nullifiedViews: counter("views_nullified_total", "Views that ended without a block"),
    finality: seconds("finality", "From block time to finality at this node"),
    execution: seconds("execution", "Execution of one block"),
    persist: seconds("persist", "Append and fdatasync of one group of the vote log"),
    evidenceFound: new Counter({
      name: "stoa_evidence_found_total",
      help: "Offences that this node has come to know the proof of, by kind",
      labelNames: ["offence"],
      registers,
    }),
    convictions: new Gauge({
      name: "stoa_convictions",
      help: "1 for each validator and kind of offence that the chain has proven",
      labelNames: ["validator", "offence"],
      registers,
    }),
    diverged: gauge("diverged", "1 when the state computed here is not the one that a quorum agreed on"),
    halted: gauge("halted", "1 when this node has stopped taking part"),
    quarantined: gauge("quarantined", "1 while this validator signs nothing because its vote log was lost"),
  };
}

export interface MetricsServer {
  readonly port: number;
  readonly stop: () => Promise<void>;
}

export async function serveMetrics(registry: Registry, address: Address): Promise<MetricsServer> {
  const server = createServer((request, response) => {
    if (request.url !== "/metrics") return void response.writeHead(404).end("only /metrics is here\n");
    registry.metrics().then(
      (text) => response.writeHead(200, { "content-type": registry.contentType }).end(text),
      (error: unknown) => response.writeHead(500).end(`${String(error)}\n`),
    );
  });
  const port = await listen(server as never, address, "metrics");
  return {
    port,
    async stop() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
