/**
 * A connection to the mesh of a validator, made by hand with some key: for tests that play a validator which misbehaves on the
 * wire. Says hello unless told not to, and takes note of what comes back.
 */
import { connect, type TLSSocket } from "node:tls";
import { activeEd25519 } from "@stoa/base/active-signature";
import type { Digest } from "@stoa/base/hash";
import type { SecretSeed } from "@stoa/base/signature";
import type { Channel } from "../src/network/channels.ts";
import { createFrameReader, frameHead } from "../src/network/frame.ts";
import { createTransportIdentity } from "../src/network/identity.ts";
import {
  decodePeerMessage,
  encodePeerMessage,
  peerProtocolVersion,
  sessionSignBytes,
  type PeerMessage,
} from "../src/network/peer-message.ts";

export interface RawValidator {
  readonly socket: TLSSocket;
  readonly received: PeerMessage[];
  readonly closed: Promise<void>;
  /** Writes a frame. False when the socket wants to be waited for. */
  readonly sendBytes: (body: Uint8Array) => boolean;
  readonly send: (message: PeerMessage) => boolean;
  readonly close: () => void;
}

export interface RawOptions {
  readonly chainId: Digest;
  readonly seed: SecretSeed;
  readonly port: number;
  readonly channel?: Channel;
  readonly session?: number;
  readonly hello?: boolean;
  /** The loopback address to come from. */
  readonly from?: string;
}

export const helloOf = ({
  chainId,
  seed,
  session = 1,
}: Pick<RawOptions, "chainId" | "seed" | "session">): PeerMessage => ({
  kind: "hello",
  version: peerProtocolVersion,
  chainId,
  session,
  signature: activeEd25519.sign(sessionSignBytes(chainId, session), seed),
});

/** Resolves when TLS is up on this side; whether the other side took the connection shows later. */
export async function connectRaw(options: RawOptions): Promise<RawValidator> {
  const { seed, port, channel = "votes", hello = true, from } = options;
  const identity = createTransportIdentity(seed);
  const socket = connect({
    host: "127.0.0.1",
    port,
    key: identity.privateKey,
    cert: identity.certificate,
    rejectUnauthorized: false,
    checkServerIdentity: () => undefined,
    ALPNProtocols: [`stoa-mesh/${peerProtocolVersion}/${channel}`],
    ...(from === undefined ? {} : { localAddress: from }),
  });
  const received: PeerMessage[] = [];
  const frames = createFrameReader(4 * 1024 * 1024);
  socket.on("data", (chunk: Buffer) =>
    frames.push(chunk, (frame) => {
      const message = decodePeerMessage(Uint8Array.from(frame));
      if (message !== undefined) received.push(message);
    }),
  );
  socket.on("error", () => undefined);
  const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  await Promise.race([new Promise((resolve) => socket.once("secureConnect", resolve)), closed]);
  const sendBytes = (body: Uint8Array): boolean => {
    socket.cork();
    socket.write(frameHead(body.length));
    const isCalm = socket.write(body);
    socket.uncork();
    return isCalm;
  };
  const send = (message: PeerMessage): boolean => sendBytes(encodePeerMessage(message));
  if (hello) send(helloOf(options));
  return { socket, received, closed, sendBytes, send, close: () => socket.destroy() };
}
