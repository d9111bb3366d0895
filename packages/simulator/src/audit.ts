/** A running hash of everything that happens in a world: two runs of one seed are the same run exactly when it is equal. */
import { createHash } from "node:crypto";

export interface Audit {
  readonly note: (...parts: readonly (string | number | Uint8Array)[]) => void;
  /** The hash of all that was noted; ends the audit. */
  readonly digest: () => string;
}

export function createAudit(): Audit {
  const hash = createHash("sha256");
  return {
    note(...parts) {
      for (const part of parts) hash.update(typeof part === "number" ? `${part};` : part);
      hash.update("\n");
    },
    digest: () => hash.digest("hex"),
  };
}
