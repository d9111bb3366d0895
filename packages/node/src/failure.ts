/**
 * The one error class of the shell: a code from a closed list, a message for the operator that says what, got what and read
 * where, and what to do about it. Crosses threads as plain data, because structured cloning forgets classes.
 */

export const nodeErrorCodes = [
  "configuration-invalid",
  "key-not-in-genesis",
  "port-taken",
  "port-not-usable",
  "folder-not-writable",
  "folder-in-use",
  "folder-of-another-node",
  "vote-log-missing",
  "vote-log-damaged",
  "vote-log-unreadable",
  "signer-refused",
  "votes-forgotten",
  "block-log-damaged",
  "block-log-missing",
  "blocks-pruned",
  "start-cancelled",
  "event-log-damaged",
  "snapshot-damaged",
  "snapshot-refused",
  "disk-full",
  "disk-error",
  "state-divergence",
  "replica-halted",
  "session-fenced",
  "invariant-broken",
  "thread-died",
] as const;
export type NodeErrorCode = (typeof nodeErrorCodes)[number];

export interface NodeErrorData {
  readonly code: NodeErrorCode;
  readonly message: string;
  /** The file that the error is about, and where in it. */
  readonly file?: string | undefined;
  readonly offset?: number | undefined;
}

export class NodeError extends Error {
  override readonly name = "NodeError";
  readonly code: NodeErrorCode;
  readonly file: string | undefined;
  readonly offset: number | undefined;

  constructor(code: NodeErrorCode, message: string, where: { readonly file?: string; readonly offset?: number } = {}) {
    super(message);
    this.code = code;
    this.file = where.file;
    this.offset = where.offset;
  }
}

/** What an error looks like to another thread; anything that is no {@link NodeError} is a broken invariant. */
export function errorToData(error: unknown): NodeErrorData {
  if (error instanceof NodeError)
    return { code: error.code, message: error.message, file: error.file, offset: error.offset };
  const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { code: "invariant-broken", message };
}

export function errorFromData(data: NodeErrorData): NodeError {
  return new NodeError(data.code, data.message, {
    ...(data.file === undefined ? {} : { file: data.file }),
    ...(data.offset === undefined ? {} : { offset: data.offset }),
  });
}

/** The `code` of a system error such as `ENOSPC`, or an empty string. */
export function systemCode(error: unknown): string {
  return typeof error === "object" && error !== null && "code" in error ? String(error.code) : "";
}
