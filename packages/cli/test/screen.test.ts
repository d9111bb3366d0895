import { expect, test } from "vitest";
import { createLatencyRing } from "../src/devnet/latency.ts";
import { screenLines, statusLine, type ApiAccess, type DevnetStatus } from "../src/devnet/screen.ts";
import { decimal } from "../src/devnet/tops.ts";

const access: ApiAccess = {
  httpUrl: "http://127.0.0.1:7400",
  wsUrl: "ws://127.0.0.1:7400/ws/api/v2",
  httpsUrl: "https://127.0.0.1:7443",
  wssUrl: "wss://127.0.0.1:7443/ws/api/v2",
  caFile: "/tmp/stoa/ca.pem",
  keys: [{ name: "alice", clientId: "alice-1", clientSecret: "secret-1" }],
};

const status: DevnetStatus = {
  uptimeMs: 3_723_000,
  height: 12_345,
  finality: { p50Ms: 21.4, p99Ms: 80, ordersCount: 10 },
  commandsPerSecond: 123.4,
  tradesPerSecond: 1.26,
  validators: [
    { name: "validator-0", state: "up", height: 12_345, peersConnected: 3, pid: 4711 },
    { name: "validator-1", state: "down", height: 0, peersConnected: 0, hint: "npm run stoa -- node --data x" },
  ],
  gateway: { state: "up" },
  market: "running",
  tops: [{ instrument: "BTC-PERPETUAL", bid: ["100000", "50000"], ask: undefined, mark: "100000.1" }],
};

test("the screen shows height, finality, rates, validators, tops of book, addresses, keys and a ccxt snippet", () => {
  const screen = screenLines(status, access).join("\n");
  for (const text of [
    "up 01:02:03",
    "SIMULATED",
    "height 12,345",
    "p50 21 ms  p99 80 ms",
    "123 commands/s",
    "1.3 trades/s",
    "validator-1  down     start it again: npm run stoa -- node --data x",
    "height    12,345   peers 3   pid 4711",
    "BTC-PERPETUAL",
    access.httpsUrl,
    access.wssUrl,
    "alice-1  secret-1",
    "NODE_EXTRA_CA_CERTS=/tmp/stoa/ca.pem",
    "new ccxt.deribit",
  ])
    expect(screen).toContain(text);
});

test("where the output is no terminal, one line says the same", () => {
  const line = statusLine({ ...status, finality: undefined });
  expect(line).toContain("height 12345  finality - (no orders seen)");
  expect(line).toContain("validators 1/2");
  expect(line).toContain("validator-1 down: npm run stoa -- node --data x");
  expect(line).not.toContain("\n");
});

test("a gateway that is down is shown with the command that starts it again", () => {
  const down = { ...status, gateway: { state: "down", hint: "npm run stoa -- gateway --data y" } } as const;
  const text = "start it again: npm run stoa -- gateway --data y";
  expect(screenLines(down, access).some((line) => line.includes("gateway      down") && line.includes(text))).toBe(
    true,
  );
  expect(statusLine(down)).toContain("gateway down: npm run stoa -- gateway --data y");
});

test("percentiles are of the latest latencies only", () => {
  const ring = createLatencyRing(100);
  expect(ring.summary()).toBeUndefined();
  for (let ms = 1; ms <= 1_000; ms++) ring.add(ms);
  expect(ring.summary()).toEqual({ p50Ms: 951, p99Ms: 1_000, count: 1_000 });
});

test("fixed-point figures are shown without trailing zeros and without floating point", () => {
  expect(decimal(10_000_050_000_000n)).toBe("100000.5");
  expect(decimal(1n)).toBe("0.00000001");
  expect(decimal(-150_000_000n)).toBe("-1.5");
  expect(decimal(123_456_789n, 2)).toBe("1.23");
});

test("the lines of the program to paste fit eighty columns, so that no terminal breaks them", () => {
  const lines = screenLines(status, access);
  const program = lines.slice(lines.findIndex((line) => line.includes("import ccxt")));
  expect(program.length).toBeGreaterThan(5);
  for (const line of program) expect(line.length, line).toBeLessThanOrEqual(80);
});
