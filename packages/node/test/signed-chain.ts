/** The first blocks of a chain with a quorum's certificates, and a door that feeds them; for tests without validators. */
import { WebSocketServer } from "ws";
import { createExchange } from "@stoa/exchange/machine/execute";
import type { FinalBlock } from "@stoa/protocol/block";
import { decodeDoorRequest, encodeDoorReply } from "@stoa/protocol/door";
import type { Certificate } from "@stoa/protocol/finality/certificate";
import { headerDigest, type Header } from "@stoa/protocol/finality/header";
import { certifiersOf } from "@stoa/protocol/finality/scheme";
import { consensusSignBytes } from "@stoa/protocol/finality/vote";
import type { ValidatorIndex } from "@stoa/protocol/primitives";
import type { Address } from "../src/network/mesh.ts";
import { emptyBlock } from "./empty-block.ts";
import { localhost, testChain } from "./network.ts";

export const { genesis, validatorSeeds } = testChain();
export const { set, scheme } = certifiersOf(genesis);
const { roots } = createExchange(genesis);

export function certify(kind: "notarize" | "finalize", header: Header): Certificate {
  const { view } = header;
  const digest = headerDigest(header);
  const message = consensusSignBytes({ kind, chainId: set.chainId, epoch: 0, view, digest });
  const votes = [0, 1, 2].map((signer) => {
    const signature = scheme.signVote(message, validatorSeeds[signer]!);
    return { kind, epoch: 0, view, signer: signer as ValidatorIndex, digest, signature };
  });
  return scheme.assemble(set, votes);
}

/** Headers from height 1 on, each the parent of the next; nothing is executed in them but genesis. */
export function headersUpTo(last: number, changes: Partial<Header> = {}): readonly Header[] {
  const headers: Header[] = [];
  for (let height = 1; height <= last; height++) {
    const { header } = emptyBlock(genesis, height);
    const parent = headers.at(-1);
    const parentDigest = parent === undefined ? header.parentDigest : headerDigest(parent);
    headers.push({ ...header, parentDigest, executed: roots, ...changes });
  }
  return headers;
}

export const finalBlockOf = (header: Header): FinalBlock => ({
  header,
  descendants: [],
  certificates: [certify("finalize", header)],
  payload: new Uint8Array(0),
});

export interface Source {
  readonly address: Address;
  readonly connectionsCount: () => number;
  readonly stop: () => void;
}

/** A door that answers whoever follows it with these blocks from the wanted height on, and nothing else. */
export async function openSource(blocks: readonly FinalBlock[]): Promise<Source> {
  const server = new WebSocketServer({ host: "127.0.0.1", port: 0 });
  await new Promise((resolve) => server.once("listening", resolve));
  let connectionsCount = 0;
  server.on("connection", (socket) => {
    connectionsCount++;
    socket.on("message", (data: Buffer) => {
      const request = decodeDoorRequest(data);
      if (request?.kind !== "follow") return;
      for (const block of blocks)
        if (request.from <= block.header.height) socket.send(encodeDoorReply({ kind: "block", block }));
    });
  });
  return {
    address: localhost((server.address() as { port: number }).port),
    connectionsCount: () => connectionsCount,
    stop() {
      for (const socket of server.clients) socket.terminate();
      server.close();
    },
  };
}
