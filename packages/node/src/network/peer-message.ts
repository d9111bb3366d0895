/** What validators' nodes say to each other: consensus messages, and the commands that their mempools share. */
import { byteView, decode, encode, fixedBytes, list, u16, u53, union, type Decoded } from "@stoa/base/codec";
import { limits } from "@stoa/base/limits";
import { concatBytes, toUtf8 } from "@stoa/base/bytes";
import type { Digest } from "@stoa/base/hash";
import { message } from "@stoa/consensus/message";
import { signature } from "@stoa/protocol/primitives";

export const peerProtocolVersion = 3;

export const peerMessage = union({
  /** The first frame in each direction of every connection. `session` counts the starts of the sender's key, which signs it. */
  hello: { tag: 1, fields: { version: u16, chainId: fixedBytes(32), session: u53, signature } },
  /** A younger process uses the receiver's key, as its signed session proves: the receiver must stop. */
  fenced: { tag: 2, fields: { session: u53, signature } },
  consensus: { tag: 3, fields: { message } },
  /** Encoded commands that the sender has checked and taken into its mempool; read as views of the frame. */
  commands: { tag: 4, fields: { commands: list(byteView(limits.commandSizeMax), limits.payloadCommandsCountMax) } },
});
export type PeerMessage = Decoded<typeof peerMessage>;

export const encodePeerMessage = (value: PeerMessage): Uint8Array => encode(peerMessage, value);
export const decodePeerMessage = (bytes: Uint8Array): PeerMessage | undefined => decode(peerMessage, bytes);

/** What a validator signs to say that it has started for the `session`-th time. */
export const sessionSignBytes = (chainId: Digest, session: number): Uint8Array =>
  concatBytes(toUtf8("STOA1/session\0"), chainId, encode(u53, session));
