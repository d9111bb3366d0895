/**
 * What a user may do wrong or meet, as one clear line. Everything a command throws ends here: a `Failure` prints its message, the
 * usual errors of the operating system are put into words, and anything else is a fault of ours and says where it arose.
 */

/** An error whose message is the whole explanation: what was wanted, what is in the way, what to do. */
export class Failure extends Error {
  override readonly name = "Failure";
}

interface SystemError extends Error {
  readonly code: string;
  readonly path?: string;
  readonly port?: number;
  readonly address?: string;
}

/** One line for the terminal, whatever was thrown. */
export function describeFailure(error: unknown): string {
  if (error instanceof Failure) return oneLine(error.message);
  if (!(error instanceof Error)) return oneLine(String(error));
  if ("code" in error && typeof error.code === "string") return describeSystemError(error as SystemError);
  return oneLine(error.message === "" ? error.name : error.message);
}

function describeSystemError(error: SystemError): string {
  const where = error.path ?? "";
  switch (error.code) {
    case "EADDRINUSE":
      return `port ${error.port ?? portOf(error.message)} is taken: stop what listens there, or choose others with --port`;
    case "EACCES":
    case "EPERM":
    case "EROFS":
      if (error.port !== undefined)
        return `port ${error.port} needs more rights than this user has: choose others with --port`;
      return `${where} cannot be written or read: ${error.code === "EROFS" ? "the file system is read-only" : "no permission"}`;
    case "ENOENT":
      return `${where} does not exist`;
    case "ENOTDIR":
    case "EEXIST":
      return `${where} is in the way: a folder is wanted there`;
    case "ENOSPC":
      return `the disk is full${where === "" ? "" : ` (writing ${where})`}`;
    case "ECONNREFUSED":
      return `nothing answers at ${error.address ?? ""}:${error.port ?? ""}: is it running?`;
    default:
      return oneLine(error.message);
  }
}

function portOf(message: string): string {
  return /:(\d+)$/.exec(message)?.[1] ?? "";
}

function oneLine(text: string): string {
  return text.split("\n")[0]!.trim();
}

/** True when this is a fault of the program rather than of what it was given: the stack helps whoever reads the report. */
export function isFault(error: unknown): boolean {
  return !(error instanceof Failure) && !(error instanceof Error && "code" in error);
}
