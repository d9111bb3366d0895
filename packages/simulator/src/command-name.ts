/** How commands are told apart. */
import { toHex } from "@stoa/base/bytes";
import { sha256 } from "@stoa/base/hash";

export const commandName = (command: Uint8Array): string => toHex(sha256(command));
