/**
 * How commands are told apart: by a digest of their bytes. Knows nothing of what they say, nor of nodes.
 */
import { toHex } from "@stoa/base/bytes";
import { sha256 } from "@stoa/base/hash";

export const commandName = (command: Uint8Array): string => toHex(sha256(command));
