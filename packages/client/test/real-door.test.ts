/** The client against four validators as they ship: every answer checked by the client itself, none by the node's word. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { activeEd25519 } from "@stoa/base/active-signature";
import { connect, type DoorConnection } from "@stoa/client/connect";
import { followChain, type ChainFollower } from "@stoa/client/follow";
import { createNonces, signCommand, type SignedCommand } from "@stoa/client/sign";
import { submitCommand, type Answer } from "@stoa/client/submit";
import { trustGenesis, type TrustedChain } from "@stoa/client/trust";
import { chainIdOf } from "@stoa/protocol/genesis";
import type { CommandBody } from "@stoa/protocol/command";
import { limitOrder, testChain } from "../../node/test/network.ts";
import { startMeshOf, type TestMesh } from "../../node/test/validators.ts";
import { buyOneLot } from "./example.ts";
import { untilOpen } from "./until-open.ts";

const { genesis, ...seeds } = testChain();
const nonces = createNonces(BigInt(Date.now()) * 1_000n);
let mesh: TestMesh;
let doors: DoorConnection[];
let chain: TrustedChain;
let follower: ChainFollower;

beforeAll(async () => {
  mesh = await startMeshOf({ genesis, ...seeds });
  doors = mesh.doors.slice(0, 3).map(({ host, port }) => connect(`ws://${host}:${port}`));
  chain = trustGenesis(await doors[0]!.genesis(), chainIdOf(genesis));
  follower = followChain({ chain, doors, from: 1 });
  const placed = await untilOpen(() => submit(sign(limitOrder({ instrument: 1, side: "buy", priceTicks: 99_000 }))));
  await submit(sign({ kind: "cancel", order: placed }));
}, 120_000);

afterAll(async () => {
  follower?.stop();
  for (const door of doors ?? []) door.close();
  await mesh?.stop();
});

function sign(body: CommandBody, account = 0): SignedCommand {
  const signer = { chainId: chain.chainId, seed: seeds.accountSeeds[account]! };
  return signCommand(signer, { nonce: nonces(), expiresAtMs: Date.now() + 30_000, body });
}

const submit = (signed: SignedCommand): Promise<Answer> => submitCommand(signed, { chain, doors, follower });

test("an order rests, with proof, and the same bytes again have the same answer", async () => {
  const signed = sign(limitOrder({ instrument: 1, side: "buy", priceTicks: 100_000 }));
  const answer = await submit(signed);
  expect(answer.kind === "final" && answer.receipt.events.map(({ kind }) => kind)).toEqual(["order"]);
  expect(answer).toMatchObject({ receipt: { events: [{ order: { state: "open", sizeLots: 1 } }] } });
  const again = await submit(signed);
  expect(again.kind === "final" && again.receipt.events).toEqual(answer.kind === "final" && answer.receipt.events);
  expect(again.kind === "final" && again.receipt.block.digest).toEqual(
    answer.kind === "final" && answer.receipt.block.digest,
  );
});

test("a refusal by the exchange is final and proved like anything else", async () => {
  const answer = await submit(sign({ kind: "cancel", order: 999_999 }));
  expect(answer).toMatchObject({ kind: "final", receipt: { events: [{ kind: "refused", reason: "order-unknown" }] } });
});

test("what no node takes is refused by each with its reason", async () => {
  const stranger = signCommand(
    { chainId: activeEd25519.publicKey(seeds.accountSeeds[0]!) as never, seed: seeds.accountSeeds[0]! },
    { nonce: nonces(), expiresAtMs: Date.now() + 30_000, body: { kind: "cancel", order: 1 } },
  );
  expect(await submit(stranger)).toEqual({ kind: "refused", refusals: ["chain-wrong", "chain-wrong", "chain-wrong"] });
  const forged = sign({ kind: "cancel", order: 1 });
  const encoded = forged.encoded.slice();
  encoded[encoded.length - 1]! ^= 1;
  const refusals = ["signature-invalid", "signature-invalid", "signature-invalid"];
  expect(await submit({ ...forged, encoded })).toEqual({ kind: "refused", refusals });
});

test("the example of the reference does what it says, and is shown word for word", async () => {
  const urls = mesh.doors.map(({ host, port }) => `ws://${host}:${port}`);
  const answer = await buyOneLot({ urls, chainId: chainIdOf(genesis), seed: seeds.accountSeeds[1]! });
  expect(answer).toMatchObject({ kind: "final", receipt: { events: [{ kind: "order", order: { state: "open" } }] } });
  const example = readFileSync(join(import.meta.dirname, "example.ts"), "utf8");
  const page = readFileSync(join(import.meta.dirname, "../../../docs/reference/client.md"), "utf8");
  expect(page).toContain(example.slice(example.indexOf("import ")));
});

test("status tells where a node is", async () => {
  const status = await doors[0]!.status();
  expect(status).toMatchObject({ validator: 0 });
  expect(status.height).toBeGreaterThan(0);
});
