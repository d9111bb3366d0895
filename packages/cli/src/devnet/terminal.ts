/**
 * Where a devnet speaks: start-up steps as lines, then one live screen on a terminal, or a line now and then where the output is
 * no terminal. The text itself comes from `screen.ts`.
 */
import { accessLines, screenLines, statusLine, type ApiAccess, type DevnetStatus } from "./screen.ts";

export interface Terminal {
  /** A step of the start, as it begins. */
  readonly step: (text: string) => void;
  /** Everything runs: how to reach it. */
  readonly ready: (access: ApiAccess) => void;
  readonly show: (status: DevnetStatus, access: ApiAccess) => void;
  /** Something happened that the user should read. */
  readonly note: (text: string) => void;
  /** The last words, below whatever was shown. */
  readonly end: (text: string) => void;
}

const lineIntervalMs = 10_000;
const notesCountMax = 5;

export function openTerminal(isQuiet: boolean, output: NodeJS.WriteStream = process.stdout): Terminal {
  return output.isTTY === true && !isQuiet ? liveTerminal(output) : plainTerminal(output, isQuiet);
}

function plainTerminal(output: NodeJS.WriteStream, isQuiet: boolean): Terminal {
  const write = (line: string) => void output.write(`${line}\n`);
  let shownMs = 0;
  return {
    step: (text) => write(`- ${text}`),
    ready(access) {
      write("ready");
      for (const line of accessLines(access)) write(line);
    },
    show(status) {
      if (isQuiet || Date.now() - shownMs < lineIntervalMs) return;
      shownMs = Date.now();
      write(statusLine(status));
    },
    note: write,
    end: write,
  };
}

const clearScreen = "\x1b[2J\x1b[H";
const home = "\x1b[H";
const clearLine = "\x1b[K";
const clearBelow = "\x1b[J";
const hideCursor = "\x1b[?25l";
const showCursor = "\x1b[?25h";

function liveTerminal(output: NodeJS.WriteStream): Terminal {
  const notes: string[] = [];
  const beganMs = Date.now();
  let isLive = false;
  return {
    step: (text) => void output.write(`  ${((Date.now() - beganMs) / 1000).toFixed(1).padStart(5)} s  ${text}\n`),
    ready: () => undefined,
    show(status, access) {
      // The last row stays free: a line that ends there would scroll the screen.
      const size = { rows: Math.max(1, output.rows - 1), columns: output.columns };
      const body = screenLines(status, access, size, notes).map((line) => `${line}${clearLine}`);
      output.write(`${isLive ? home : hideCursor + clearScreen}${body.join("\n")}\n${clearBelow}`);
      isLive = true;
    },
    note(text) {
      const clock = new Date().toISOString().slice(11, 19);
      notes.push(`${clock}  ${text}`);
      while (notesCountMax < notes.length) notes.shift();
      if (!isLive) output.write(`${text}\n`);
    },
    end(text) {
      output.write(`${isLive ? showCursor : ""}${text}\n`);
      isLive = false;
    },
  };
}
