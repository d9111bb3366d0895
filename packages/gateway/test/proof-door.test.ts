/** The gateway's read-only door: it passes questions to its node and answers back, submits nothing, and is bounded. */
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { WebSocket } from "ws";
import { zeroDigest } from "@stoa/base/hash";
import type { PublicKey } from "@stoa/base/signature";
import {
  decodeDoorReply,
  encodeDoorReply,
  encodeDoorRequest,
  type DoorReply,
  type DoorRequest,
} from "@stoa/protocol/door";
import { decodeGenesis } from "@stoa/protocol/genesis";
import { createLocalUpstream } from "./local-upstream.ts";
import { startTestGateway, type TestGateway } from "./harness.ts";

let running: TestGateway;
/** Requests that the node behind the gateway keeps to itself until the test answers them. */
const kept: ((reply: Uint8Array) => void)[] = [];
/** The numbers that connections asked under. */
const askers = new Set<number>();

beforeAll(async () => {
  const upstream = Object.assign(createLocalUpstream(), {
    prove: (request: DoorRequest, answer: (reply: Uint8Array) => void, asker: number): void => {
      askers.add(asker);
      if (request.kind === "state") return void kept.push(answer);
      if (request.kind === "accountNumber")
        answer(encodeDoorReply({ kind: "accountNumber", id: request.id, account: 7 }));
    },
  });
  running = await startTestGateway({
    upstream,
    limits: { anonymous: { perSecond: 1, burst: 200 }, requestSizeMax: 65_536 },
  });
});
afterAll(() => running.stop());

interface Client {
  readonly socket: WebSocket;
  readonly replies: DoorReply[];
  readonly ask: (request: DoorRequest) => Promise<DoorReply>;
}

async function openProofClient(url = running.ws.replace("/ws/api/v2", "/ws/door"), ca?: Buffer): Promise<Client> {
  const socket = new WebSocket(url, { ca });
  const replies: DoorReply[] = [];
  let heard: () => void = () => undefined;
  socket.on("message", (data: Buffer) => {
    replies.push(decodeDoorReply(data)!);
    heard();
  });
  await new Promise((resolve, reject) => socket.once("open", resolve).once("error", reject));
  const ask = async (request: DoorRequest): Promise<DoorReply> => {
    const answered = new Promise<void>((resolve) => (heard = resolve));
    socket.send(encodeDoorRequest(request));
    await answered;
    return replies.at(-1)!;
  };
  return { socket, replies, ask };
}

test("genesis and what the node proves are answered; all else is refused in words (LIGHT-042)", async () => {
  const client = await openProofClient();
  const genesis = await client.ask({ kind: "genesis", id: 1 });
  expect(genesis.kind === "genesis" && decodeGenesis(genesis.genesis)?.chainName).toBe("local");
  const owner = new Uint8Array(32) as PublicKey;
  expect(await client.ask({ kind: "accountNumber", id: 2, owner, subaccount: 0 })).toEqual({
    kind: "accountNumber",
    id: 2,
    account: 7,
  });
  for (const request of [
    { kind: "submit", id: 3, command: new Uint8Array(9) },
    { kind: "status", id: 3 },
    { kind: "receipt", id: 3, command: zeroDigest },
    { kind: "follow", id: 3, from: 1 as never },
  ] as const) {
    const refused = await client.ask(request);
    expect(refused).toMatchObject({ kind: "failure", id: 3, retry: false });
    expect(refused.kind === "failure" && refused.reason).toContain("only proves");
  }
  expect(running.upstream.pendingCount()).toBe(0);
  client.socket.close();
});

test("each connection asks under a number of its own (LIGHT-042)", async () => {
  const owner = new Uint8Array(32) as PublicKey;
  askers.clear();
  for (const client of [await openProofClient(), await openProofClient()]) {
    for (const id of [1, 2]) await client.ask({ kind: "accountNumber", id, owner, subaccount: 0 });
    client.socket.close();
  }
  expect(askers.size).toBe(2);
});

test("the same is offered over TLS, as a page that came over TLS needs it (LIGHT-042)", async () => {
  const { httpsPort, caFile } = running.gateway;
  const client = await openProofClient(`wss://127.0.0.1:${httpsPort}/ws/door`, readFileSync(caFile));
  expect((await client.ask({ kind: "genesis", id: 1 })).kind).toBe("genesis");
  client.socket.close();
});

test("what is no request gets an answer, and ends the connection (LIGHT-042)", async () => {
  const client = await openProofClient();
  const closed = new Promise((resolve) => client.socket.once("close", resolve));
  client.socket.send(Uint8Array.of(9, 9, 9));
  await closed;
  expect(client.replies).toMatchObject([{ kind: "failure", reason: "the frame is no canonical door request" }]);
});

test("a connection waits for so many proofs, an address asks so often (LIGHT-042)", async () => {
  const client = await openProofClient();
  const key = new Uint8Array(4);
  for (let id = 1; id <= 64; id++) client.socket.send(encodeDoorRequest({ kind: "state", id, module: "ledger", key }));
  const over = await client.ask({ kind: "state", id: 65, module: "ledger", key });
  expect(over).toMatchObject({ kind: "failure", id: 65, retry: true });
  expect(kept.length).toBe(64);
  const answered = new Promise((resolve) => client.socket.once("message", resolve));
  kept[0]!(encodeDoorReply({ kind: "failure", id: 1, reason: "later", retry: true }));
  await answered;
  let last: DoorReply | undefined;
  for (let id = 100; id < 400 && !(last?.kind === "failure" && last.reason.includes("address")); id++)
    last = await client.ask({ kind: "accountNumber", id, owner: new Uint8Array(32) as PublicKey, subaccount: 0 });
  expect(last).toMatchObject({ kind: "failure", reason: "too many requests from this address", retry: true });
  client.socket.close();
});

test("a gateway whose node proves nothing has no such door (LIGHT-042)", async () => {
  const bare = await startTestGateway();
  const socket = new WebSocket(bare.ws.replace("/ws/api/v2", "/ws/door"));
  const refused = await new Promise<Error>((resolve) => socket.once("error", resolve));
  expect(refused.message).toContain("404");
  await bare.stop();
});
