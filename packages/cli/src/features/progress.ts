/** How far a run is, as one line that is drawn over itself on a terminal, and nothing elsewhere. */
import type { RunProgress } from "@stoa/features/io/batch";

export interface ProgressLine {
  show(progress: RunProgress): void;
  /** Takes the line away. */
  end(): void;
}

const intervalMs = 100;

export function progressLine(output: NodeJS.WriteStream = process.stderr): ProgressLine {
  const beganMs = performance.now();
  let shownMs = -Infinity;
  return {
    show(progress) {
      const nowMs = performance.now();
      if (output.isTTY !== true || nowMs - shownMs < intervalMs) return;
      shownMs = nowMs;
      output.write(`\r${progressText(progress, nowMs - beganMs, (output.columns ?? 80) - 1)}\x1b[K`);
    },
    end() {
      if (output.isTTY === true && shownMs !== -Infinity) output.write("\r\x1b[K");
    },
  };
}

const barCells = 24;
const eighths = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];

/** One line of at most `columns` signs. */
export function progressText(progress: RunProgress, elapsedMs: number, columns: number): string {
  const { bytesRead, bytesTotal, eventsCount, rowsCount, gapsCount } = progress;
  const rate = eventsCount / Math.max(1, elapsedMs);
  const counts = `${amount(eventsCount)} events  ${amount(1000 * rate)}/s  ${amount(rowsCount)} rows${gapsCount === 0 ? "" : `  ${gapsCount} gaps`}`;
  if (bytesTotal === 0) return counts.slice(0, columns);
  const part = Math.min(1, bytesRead / bytesTotal);
  const cells = Math.floor(8 * barCells * part);
  const bar = `${"█".repeat(cells >> 3)}${eighths[cells & 7]}`.padEnd(barCells, "·");
  const left = part < 0.02 ? "" : `  ${timeText((elapsedMs / part) * (1 - part))} left`;
  return `${String(Math.floor(100 * part)).padStart(3)} % ${bar}  ${counts}${left}`.slice(0, columns);
}

const amount = (count: number): string => Math.round(count).toLocaleString("en-US");

function timeText(ms: number): string {
  const seconds = Math.ceil(ms / 1000);
  return seconds < 90 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}
