/** Structured logs, one JSON object per line, by pino. Every line of a node names the node. */
import { destination, pino, type Logger as PinoLogger } from "pino";

export type Logger = PinoLogger;
export type LogLevel = "debug" | "info" | "warn" | "error" | "silent";

/** Logs to `file`, or to standard output without one. */
export function createLog(options: {
  readonly name: string;
  readonly level?: LogLevel;
  readonly file?: string;
}): Logger {
  const { name, level = "info", file } = options;
  const target = file === undefined ? destination(1) : destination({ dest: file, mkdir: true, sync: false });
  return pino({ level, base: { node: name }, timestamp: pino.stdTimeFunctions.isoTime }, target);
}

export const silentLog = (): Logger => pino({ level: "silent" });
