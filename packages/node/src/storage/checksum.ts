/**
 * CRC-32 of bytes in several parts: what guards every stored record against torn writes and rot (not against people; those
 * are stopped by the hashes and signatures inside). The polynomial is zlib's, because Node brings that one in native code.
 */
import { crc32 } from "node:zlib";

export function checksumOf(...parts: readonly Uint8Array[]): number {
  let checksum = 0;
  for (const part of parts) checksum = crc32(part, checksum);
  return checksum >>> 0;
}
