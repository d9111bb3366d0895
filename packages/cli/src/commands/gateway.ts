/**
 * `stoa gateway`: a node that follows the chain without voting, and the API on top of it, in one process. While it runs it tells its
 * parent, if there is one, how long orders take to become final and what the tops of a few books are.
 */
import { startGateway } from "@stoa/gateway/gateway";
import type { Upstream } from "@stoa/gateway/upstream";
import { readApiKeys } from "@stoa/gateway/accounts/api-key";
import { startFollower, type Follower } from "@stoa/node/follower";
import { createLog, type Logger } from "@stoa/node/log";
import { installNativeCrypto } from "@stoa/node/native-crypto";
import { join } from "node:path";
import { endRequested, reportReady } from "../child.ts";
import { loadGatewayFile, loadGenesis, type GatewayFile } from "../devnet/folder.ts";
import { createLatencyRing, type LatencyRing } from "../devnet/latency.ts";
import type { GatewayReport } from "../devnet/observer.ts";
import { areAuthorized } from "../devnet/sessions.ts";
import { topsOf } from "../devnet/tops.ts";
import { whileBlocksArePruned } from "../rejoin.ts";

const reportMs = 500;

/** What a gateway tells its parent when it is up. */
export interface GatewayReady {
  readonly caFile: string;
  readonly sessionsAuthorized: boolean;
}

export async function runGateway(dataDir: string): Promise<void> {
  installNativeCrypto();
  const ended = endRequested();
  const file = loadGatewayFile(dataDir);
  const log = createLog({ name: "gateway" });
  await whileBlocksArePruned(ended, async (signal) => {
    const follower = await startFollower(
      { genesis: loadGenesis(dataDir), dataFolder: dataDir, doors: file.doors },
      { log, signal },
    );
    const isThere = await Promise.race([
      follower.caughtUp.then(() => true),
      follower.failure.then(() => false),
      ended.then(() => false),
    ]);
    return isThere ? serve(dataDir, file, follower, log) : follower;
  });
}

/** The API on top of a follower, and the reports to the parent; stops with the follower. */
async function serve(
  dataDir: string,
  file: GatewayFile,
  follower: Follower,
  log: Logger,
): Promise<Pick<Follower, "failure" | "stop">> {
  const latencies = createLatencyRing();
  const keys = readApiKeys(join(dataDir, "keys.json"));
  const gateway = await startGateway({
    upstream: timed(follower, latencies),
    dataDir,
    http: file.http,
    https: file.https,
    keys,
    testnet: true,
    log: (message, fields) => log.warn(fields ?? {}, message),
  });
  let sessionsAuthorized = areAuthorized(follower.query, keys);
  const detail: GatewayReady = { caFile: gateway.caFile, sessionsAuthorized };
  reportReady(detail);
  const reporting = setInterval(() => {
    sessionsAuthorized ||= areAuthorized(follower.query, keys);
    const report: GatewayReport = {
      kind: "report",
      finality: latencies.summary(),
      tops: topsOf(follower.query),
      sessionsAuthorized,
    };
    if (process.connected) process.send?.(report);
  }, reportMs);
  return {
    failure: follower.failure,
    async stop() {
      clearInterval(reporting);
      await gateway.stop();
      await follower.stop();
    },
  };
}

/** The same upstream, with the time from a command's submission to its final outcome noted. */
function timed(upstream: Upstream, latencies: LatencyRing): Upstream {
  return {
    ...upstream,
    async submit(command) {
      const startedMs = performance.now();
      const outcome = await upstream.submit(command);
      if (outcome.kind === "final") latencies.add(performance.now() - startedMs);
      return outcome;
    },
  };
}
