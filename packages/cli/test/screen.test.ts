import { expect, test } from "vitest";
import type { NodeStatus } from "@stoa/protocol/door";
import { createLatencyRing } from "../src/devnet/latency.ts";
import { validatorStatus } from "../src/devnet/observer.ts";
import { screenLines, statusLine, type ApiAccess, type DevnetStatus } from "../src/devnet/screen.ts";
import { decimal } from "../src/devnet/tops.ts";

const access: ApiAccess = {
  httpUrl: "http://127.0.0.1:7400",
  wsUrl: "ws://127.0.0.1:7400/ws/api/v2",
  httpsUrl: "https://127.0.0.1:7443",
  wssUrl: "wss://127.0.0.1:7443/ws/api/v2",
  caFile: "/tmp/stoa/ca.pem",
  keysFile: "/tmp/stoa/gateway/keys.json",
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

const large = { rows: 50, columns: 120 };

test("the screen shows height, finality, rates, validators, tops of book, addresses, keys and a ccxt snippet", () => {
  const screen = screenLines(status, access, large).join("\n");
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

test("a validator in quarantine is not up: it is silent, and the screen says why", () => {
  const why = "quarantined until view 90: its vote log was lost (gone)";
  const node = { height: 12_345, peersConnected: 3, halted: undefined, quarantine: why } as NodeStatus;
  const seen = validatorStatus("validator-2", node, { restartCommand: () => "", pidOf: () => 4712 });
  const now = { ...status, validators: [status.validators[0]!, seen] };
  expect(screenLines(now, access, large).join("\n")).toContain(`validator-2  silent   ${why}`);
  expect(statusLine(now)).toContain("validators 1/2");
  expect(statusLine(now)).toContain(`validator-2 silent: ${why}`);
});

test("a gateway that is down is shown with the command that starts it again", () => {
  const down = { ...status, gateway: { state: "down", hint: "npm run stoa -- gateway --data y" } } as const;
  const text = "start it again: npm run stoa -- gateway --data y";
  const lines = screenLines(down, access, large);
  expect(lines.some((line) => line.includes("gateway      down") && line.includes(text))).toBe(true);
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
  const lines = screenLines(status, access, large);
  const program = lines.slice(lines.findIndex((line) => line.includes("import ccxt")));
  expect(program.length).toBeGreaterThan(5);
  for (const line of program) expect(line.length, line).toBeLessThanOrEqual(80);
});

/** A devnet as it is: four validators, of which one may be down, six tops of book, two keys. */
function wholeStatus(hint?: string): DevnetStatus {
  const validators = Array.from({ length: 4 }, (_, index) => ({
    name: `validator-${index}`,
    state: index === 1 && hint !== undefined ? ("down" as const) : ("up" as const),
    height: 12_345,
    peersConnected: 3,
    pid: 4_711 + index,
    hint: index === 1 ? hint : undefined,
  }));
  const option = { ...status.tops[0]!, instrument: "BTC-23NOV26-106000-C" };
  return { ...status, validators, tops: [...Array.from({ length: 4 }, () => status.tops[0]!), option, option] };
}
const wholeAccess: ApiAccess = {
  ...access,
  keys: ["alice", "bob"].map((name) => ({ name, clientId: `${name}-12431d11`, clientSecret: "5".repeat(48) })),
};
const restart = "npm run stoa -- node --data /home/somebody/with/a/long/path/to/.stoa/validator-1";
const note =
  "12:00:01  validator-1 (process 4712) ended by SIGKILL; its log is /home/somebody/.stoa/log/validator-1.log";

test("nothing wraps or scrolls, whatever the size of the terminal, and what is simulated says so", () => {
  for (let rows = 1; rows <= 60; rows++) {
    for (let columns = 20; columns <= 140; columns += 1) {
      const lines = screenLines(wholeStatus(restart), wholeAccess, { rows, columns }, [note, note]);
      expect(lines.length, `${rows} x ${columns}`).toBeLessThanOrEqual(rows);
      for (const line of lines) expect(line.length, `${rows} x ${columns}: ${line}`).toBeLessThanOrEqual(columns);
      if (8 < rows) expect(lines.join("\n")).toContain("SIMULATED");
    }
  }
});

test("on 24 rows of 80 columns are the validators, the market, all addresses and keys", () => {
  const lines = screenLines(wholeStatus(), wholeAccess, { rows: 23, columns: 80 });
  const text = lines.join("\n");
  for (let index = 0; index < 4; index++) expect(text).toContain(`validator-${index}  up`);
  for (const { clientSecret } of wholeAccess.keys) expect(text).toContain(clientSecret);
  expect(text).toContain(access.wsUrl);
  expect(text).toContain("BTC-23NOV26-106000-C");
  expect(text).not.toContain("import ccxt");
  expect(text).toContain("make this window larger");
});

test("on few rows problems, an address and a key come before the market and the validators that are well", () => {
  const lines = screenLines(wholeStatus(restart), wholeAccess, { rows: 19, columns: 60 }, [note]);
  const text = lines.join("\n");
  expect(text).toContain("validators 3/4 up");
  expect(text).not.toContain("validator-0  up");
  // A command that has two lines can be pasted: the shell joins them.
  const command = text.slice(text.indexOf("npm run")).split("\n");
  expect(command[0]).toMatch(/ \\$/);
  expect(text).toContain("https://127.0.0.1:7443");
  expect(text).toContain("5".repeat(48));
  expect(text).toContain("ended by SIGKILL");
});

test("a secret that does not fit is never cut: its file is named", () => {
  const text = screenLines(wholeStatus(), wholeAccess, { rows: 40, columns: 50 }).join("\n");
  expect(text).not.toContain("555");
  expect(text).toContain("/tmp/stoa/gateway/keys.json");
});
