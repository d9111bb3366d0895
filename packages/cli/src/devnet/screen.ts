/**
 * The status screen of a devnet as text: a pure function of what is known. `screenLines` is the live screen of a terminal,
 * `statusLine` the one line for logs and pipes, `accessLines` what a user needs to trade.
 */

export interface ValidatorStatus {
  readonly name: string;
  readonly state: "up" | "down" | "halted";
  readonly height: number;
  readonly peersConnected: number;
  /** Of a process that this devnet started. */
  readonly pid?: number | undefined;
  /** How to start it again, when it is down; why it stopped, when it has halted. */
  readonly hint?: string | undefined;
}

export interface TopOfBook {
  readonly instrument: string;
  readonly bid: readonly [price: string, amount: string] | undefined;
  readonly ask: readonly [price: string, amount: string] | undefined;
  readonly mark: string;
}

export interface DevnetStatus {
  readonly uptimeMs: number;
  readonly height: number;
  /** Order at the gateway to its acknowledgement; absent while there were no orders. */
  readonly finality: { readonly p50Ms: number; readonly p99Ms: number; readonly ordersCount: number } | undefined;
  readonly commandsPerSecond: number;
  readonly tradesPerSecond: number;
  readonly validators: readonly ValidatorStatus[];
  readonly gateway: { readonly state: "up" | "down"; readonly hint?: string | undefined };
  readonly market: "off" | "running" | "down";
  readonly tops: readonly TopOfBook[];
}

export interface ApiAccess {
  readonly httpUrl: string;
  readonly wsUrl: string;
  readonly httpsUrl: string;
  readonly wssUrl: string;
  readonly caFile: string;
  readonly keys: readonly { readonly name: string; readonly clientId: string; readonly clientSecret: string }[];
}

/** The whole live screen, one string per line. */
export function screenLines(status: DevnetStatus, access: ApiAccess): readonly string[] {
  return [
    `Stoa devnet   up ${duration(status.uptimeMs)}   ${marketWords(status.market)}   Ctrl-C ends it`,
    "",
    `  height ${whole(status.height)}   finality ${finalityWords(status)}`,
    `  ${rate(status.commandsPerSecond)} commands/s   ${rate(status.tradesPerSecond)} trades/s`,
    "",
    ...status.validators.map(validatorLine),
    gatewayLine(status.gateway),
    "",
    ...topLines(status.tops),
    "",
    ...accessLines(access),
  ];
}

/** One line that says it all, for output that is no terminal. */
export function statusLine(status: DevnetStatus): string {
  const up = status.validators.filter(({ state }) => state === "up").length;
  const hints = status.validators
    .filter(({ hint }) => hint !== undefined)
    .map(({ name, state, hint }) => `${name} ${state}: ${hint}`);
  return [
    `height ${status.height}`,
    `finality ${finalityWords(status)}`,
    `${rate(status.commandsPerSecond)} commands/s`,
    `${rate(status.tradesPerSecond)} trades/s`,
    `validators ${up}/${status.validators.length}`,
    `gateway ${status.gateway.state}`,
    ...hints,
    ...(status.gateway.hint === undefined ? [] : [`gateway down: ${status.gateway.hint}`]),
  ].join("  ");
}

/** Addresses, keys, and a program to paste. */
export function accessLines(access: ApiAccess): readonly string[] {
  const [first] = access.keys;
  return [
    `  API   ${access.httpsUrl}   ${access.wssUrl}`,
    `        ${access.httpUrl}   ${access.wsUrl}   (no TLS)`,
    ...access.keys.map(({ name, clientId, clientSecret }) => `  key   ${name.padEnd(6)} ${clientId}  ${clientSecret}`),
    "",
    // Short lines: one that the terminal wraps is broken when it is copied out of a multiplexer.
    `  NODE_EXTRA_CA_CERTS=${access.caFile} \\`,
    `    node --input-type=module -e "`,
    `    import ccxt from 'ccxt';`,
    `    const exchange = new ccxt.deribit({`,
    `      apiKey: '${first?.clientId ?? ""}',`,
    `      secret: '${first?.clientSecret ?? ""}',`,
    `      urls: { api: {`,
    `        rest: '${access.httpsUrl}',`,
    `        ws: '${access.wssUrl}' } } });`,
    `    const order = await exchange.createOrder(`,
    `      'BTC/USD:BTC', 'limit', 'buy', 100, 50000);`,
    `    const cancelled = await exchange.cancelOrder(order.id);`,
    `    console.log(order.id, order.status, cancelled.status);"`,
  ];
}

function marketWords(market: DevnetStatus["market"]): string {
  switch (market) {
    case "running":
      return "prices, quotes and trades are SIMULATED";
    case "off":
      return "no simulated market; index prices are SIMULATED";
    case "down":
      return "the simulated market has stopped";
  }
}

function finalityWords({ finality }: DevnetStatus): string {
  if (finality === undefined) return "- (no orders seen)";
  return `p50 ${milliseconds(finality.p50Ms)}  p99 ${milliseconds(finality.p99Ms)}`;
}

function validatorLine({ name, state, height, peersConnected, pid, hint }: ValidatorStatus): string {
  const place = `  ${name.padEnd(12)} ${state.padEnd(8)}`;
  return hint === undefined
    ? `${place} height ${whole(height).padStart(9)}   peers ${peersConnected}${pid === undefined ? "" : `   pid ${pid}`}`
    : `${place} ${state === "down" ? "start it again: " : ""}${hint}`;
}

function gatewayLine({ state, hint }: DevnetStatus["gateway"]): string {
  return `  ${"gateway".padEnd(12)} ${state.padEnd(8)}${hint === undefined ? "" : ` start it again: ${hint}`}`.trimEnd();
}

function topLines(tops: readonly TopOfBook[]): readonly string[] {
  const level = (side: readonly [string, string] | undefined) => side ?? ["-", "-"];
  const row = (cells: readonly string[]) =>
    `  ${cells.map((cell, column) => (column === 0 ? cell.padEnd(22) : cell.padStart(12))).join("")}`;
  const body = tops.map(({ instrument, bid, ask, mark }) => {
    const [bidPrice, bidAmount] = level(bid);
    const [askPrice, askAmount] = level(ask);
    return row([instrument, bidAmount!, bidPrice!, askPrice!, askAmount!, mark]);
  });
  return [row(["simulated market", "amount", "bid", "ask", "amount", "mark"]), ...body];
}

function duration(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  return parts.map((part) => String(part).padStart(2, "0")).join(":");
}

const whole = (value: number): string => String(value).replace(/\B(?=(\d{3})+$)/g, ",");
const rate = (value: number): string => (value < 10 ? value.toFixed(1) : String(Math.round(value)));
const milliseconds = (value: number): string => `${value < 10 ? value.toFixed(1) : Math.round(value)} ms`;
