/**
 * The status screen of a devnet as text: a pure function of what is known. `screenLines` is the live screen of a terminal,
 * `statusLine` the one line for logs and pipes, `accessLines` what a user needs to trade.
 */
import { cut, fill, flow, wrap, type Forms } from "./layout.ts";

export interface ValidatorStatus {
  readonly name: string;
  /** Silent: it runs, and votes for nothing while it is in quarantine. */
  readonly state: "up" | "down" | "halted" | "silent";
  readonly height: number;
  readonly peersConnected: number;
  /** Of a process that this devnet started. */
  readonly pid?: number | undefined;
  /** How to start it again, when it is down; why it stopped, when it has halted; why it is silent. */
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
  readonly keysFile: string;
  readonly keys: readonly { readonly name: string; readonly clientId: string; readonly clientSecret: string }[];
}

export interface ScreenSize {
  readonly rows: number;
  readonly columns: number;
}

/**
 * The live screen: at most so many lines, each at most so wide. What must be read or typed comes first when rows are few:
 * problems, addresses, keys, what happened last; then validators, tops of book, and a program to paste.
 */
export function screenLines(
  status: DevnetStatus,
  access: ApiAccess,
  size: ScreenSize,
  notes: readonly string[] = [],
): readonly string[] {
  const { columns } = size;
  const blocks = {
    head: [headLines(status, columns)],
    validators: validatorForms(status, columns),
    tops: topForms(status.tops, columns),
    api: apiForms(access, columns),
    keys: keyForms(access, columns),
    program: programForms(access, columns),
    notes: noteForms(notes, columns),
  };
  const wishes = [
    ...(["validators", "api", "keys", "notes", "api", "validators", "tops", "tops", "notes", "program"] as const),
    ...(["tops", "program"] as const),
  ];
  return fill(blocks, wishes, size.rows);
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
export const accessLines = (access: ApiAccess): readonly string[] => [
  ...apiLines(access),
  ...access.keys.map(keyLine),
  "",
  ...programLines(access),
];

const apiLines = (access: ApiAccess): readonly string[] => [
  `  API   ${access.httpsUrl}   ${access.wssUrl}`,
  `        ${access.httpUrl}   ${access.wsUrl}   (no TLS)`,
];

type AccessKey = ApiAccess["keys"][number];

const keyLine = ({ name, clientId, clientSecret }: AccessKey): string =>
  `  key   ${name.padEnd(6)} ${clientId}  ${clientSecret}`;

/** Short lines: one that the terminal wraps is broken when it is copied out of a multiplexer. */
function programLines(access: ApiAccess): readonly string[] {
  const [first] = access.keys;
  return [
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

const marketWordsShort: Readonly<Record<DevnetStatus["market"], string>> = {
  running: "SIMULATED prices, trades",
  off: "SIMULATED prices",
  down: "SIMULATED market stopped",
};

function finalityWords({ finality }: DevnetStatus): string {
  if (finality === undefined) return "- (no orders seen)";
  return `p50 ${milliseconds(finality.p50Ms)}  p99 ${milliseconds(finality.p99Ms)}`;
}

function headLines(status: DevnetStatus, columns: number): readonly string[] {
  const title = (words: string) => ["Stoa devnet", `up ${duration(status.uptimeMs)}`, words, "Ctrl-C ends it"];
  const lines = flow(title(marketWords(status.market)), columns);
  return [
    ...(lines.length === 1 ? lines : flow(title(marketWordsShort[status.market]), columns)),
    ...flow(
      [
        `height ${whole(status.height)}`,
        `finality ${finalityWords(status)}`,
        `${rate(status.commandsPerSecond)} commands/s`,
        `${rate(status.tradesPerSecond)} trades/s`,
      ],
      columns,
      "  ",
    ),
  ];
}

/** Problems are never left out: in a line each where rows are few, else in full; then everybody has a line. */
function validatorForms(status: DevnetStatus, columns: number): Forms {
  const { validators, gateway } = status;
  const up = validators.filter(({ state }) => state === "up").length;
  const counts = flow([`validators ${up}/${validators.length} up`, `gateway ${gateway.state}`], columns, "  ");
  const processes = [...validators, { name: "gateway", ...gateway }];
  const problems = processes.filter(({ hint }) => hint !== undefined);
  return [
    [...counts, ...problems.map((one) => cut(problemLine(one), columns))],
    [...counts, ...problems.flatMap((one) => problemLines(one, columns))],
    processes.flatMap((one) => (one.hint === undefined ? [processLine(one, columns)] : problemLines(one, columns))),
  ];
}

interface Process {
  readonly name: string;
  readonly state: string;
  readonly hint?: string | undefined;
  readonly height?: number;
  readonly peersConnected?: number;
  readonly pid?: number | undefined;
}

const placeOf = ({ name, state }: Process): string => `  ${name.padEnd(12)} ${state.padEnd(8)}`;
const problemLine = (one: Process): string =>
  `${placeOf(one)} ${one.state === "down" ? "start it again: " : ""}${one.hint}`;

/** What a process that is not up needs, whole: a command goes on behind a backslash so that it can be pasted. */
function problemLines(one: Process, columns: number): readonly string[] {
  const line = problemLine(one);
  if (line.length <= columns) return [line];
  if (one.state !== "down") return [placeOf(one).trimEnd(), ...wrap(one.hint ?? "", columns, "    ")];
  return [cut(`${placeOf(one)} start it again:`, columns), ...wrap(one.hint ?? "", columns, "    ", " \\")];
}

function processLine(one: Process, columns: number): string {
  const { height, peersConnected, pid } = one;
  if (height === undefined) return placeOf(one).trimEnd();
  const words = `${placeOf(one)} height ${whole(height).padStart(9)}   peers ${peersConnected}`;
  const whose = pid === undefined ? "" : `   pid ${pid}`;
  return cut(words.length + whose.length <= columns ? words + whose : words, columns);
}

type Column = readonly [title: string, cell: (top: TopOfBook) => string | undefined];
const topColumns: readonly Column[] = [
  ["amount", ({ bid }) => bid?.[1]],
  ["bid", ({ bid }) => bid?.[0]],
  ["ask", ({ ask }) => ask?.[0]],
  ["amount", ({ ask }) => ask?.[1]],
  ["mark", ({ mark }) => mark],
];
/** Which columns are left when not all fit. */
const topColumnChoices = [topColumns, topColumns.filter(([title]) => title !== "amount"), topColumns.slice(-1)];

/** Nothing, two, all. A table shows as many columns as it has room for. */
function topForms(tops: readonly TopOfBook[], columns: number): Forms {
  const nameWidth = Math.max(22, ...tops.map(({ instrument }) => instrument.length + 2));
  const chosen = topColumnChoices.find((some) => 2 + nameWidth + 11 * some.length <= columns) ?? [];
  const row = (name: string, cells: readonly string[]): string =>
    cut(`  ${name.padEnd(nameWidth)}${cells.map((cell) => cell.padStart(11)).join("")}`.trimEnd(), columns);
  const title = row(
    "simulated market",
    chosen.map(([word]) => word),
  );
  const rows = tops.map((top) =>
    row(
      top.instrument,
      chosen.map(([, cell]) => cell(top) ?? "-"),
    ),
  );
  if (rows.length === 0) return [[]];
  return [[], [title, ...rows.slice(0, 2)], [title, ...rows]];
}

/** The address that a client begins with; both with TLS; all. */
function apiForms(access: ApiAccess, columns: number): Forms {
  const lines = apiLines(access);
  if (lines.every(({ length }) => length <= columns)) return [lines.slice(0, 1), lines];
  const stacked = [access.httpsUrl, access.wssUrl, access.httpUrl, access.wsUrl].map((url, index) =>
    cut(`${index === 0 ? "  API " : "      "}${url}`, columns),
  );
  return [stacked.slice(0, 1), stacked.slice(0, 2), stacked];
}

/** A secret that does not fit is not cut, because it would be copied so: the file that has it is named instead. */
function keyForms(access: ApiAccess, columns: number): Forms {
  const lines = access.keys.map(keyLine);
  if (lines.every(({ length }) => length <= columns)) return [lines.slice(0, 1), lines];
  const stacked = access.keys.map(({ clientId, clientSecret }) => [`  key ${clientId}`, `      ${clientSecret}`]);
  if (stacked.flat().every(({ length }) => length <= columns)) return [stacked[0] ?? [], stacked.flat()];
  return [wrap(`keys are in ${access.keysFile}`, columns, "  ")];
}

function programForms(access: ApiAccess, columns: number): Forms {
  const lines = programLines(access);
  const hint = cut("  a program to paste: README.md, or make this window larger", columns);
  return lines.every(({ length }) => length <= columns) ? [[], [hint], lines] : [[], [hint]];
}

/** What happened last in one line; in full; and what happened before. */
function noteForms(notes: readonly string[], columns: number): Forms {
  const [last, whole] = [notes.slice(-1), notes.map((note) => wrap(note, columns, "  "))];
  return [last.map((note) => cut(`  ${note}`, columns)), whole.at(-1) ?? [], whole.flat()];
}

function duration(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  return parts.map((part) => String(part).padStart(2, "0")).join(":");
}

const whole = (value: number): string => String(value).replace(/\B(?=(\d{3})+$)/g, ",");
const rate = (value: number): string => (value < 10 ? value.toFixed(1) : String(Math.round(value)));
const milliseconds = (value: number): string => `${value < 10 ? value.toFixed(1) : Math.round(value)} ms`;
