/** Signing: what is covered, what names a command, which nonces are chosen. */
import { expect, test } from "vitest";
import { activeEd25519 } from "@stoa/base/active-signature";
import { toHex } from "@stoa/base/bytes";
import { createNonces, signCommand, type Signer } from "@stoa/client/sign";
import type { CommandBody } from "@stoa/protocol/command";
import { decodeCommand, signBytesOfEncoded } from "@stoa/protocol/command";
import { makeChain, seedOf } from "./chain.ts";

const { chainId } = makeChain();
const signer: Signer = { chainId, seed: seedOf(9) };
const body: CommandBody = { kind: "cancel", order: 7 };

test("a signed command decodes to what was asked for, and its signature holds", () => {
  const { command, encoded } = signCommand(signer, { nonce: 5n, expiresAtMs: 1_234, body });
  expect(decodeCommand(encoded)).toEqual(command);
  expect(command.account).toEqual(activeEd25519.publicKey(signer.seed));
  expect(command).toMatchObject({ nonce: 5n, expiresAtMs: 1_234, subaccount: 0, body });
  expect(activeEd25519.verify(command.signature, signBytesOfEncoded(encoded), command.key)).toBe(true);
});

test("a session key signs for the account that authorised it", () => {
  const account = activeEd25519.publicKey(seedOf(8));
  const { command, encoded } = signCommand({ ...signer, account, subaccount: 3 }, { nonce: 1n, expiresAtMs: 1, body });
  expect(command.account).toEqual(account);
  expect(command.subaccount).toBe(3);
  expect(command.key).toEqual(activeEd25519.publicKey(signer.seed));
  expect(activeEd25519.verify(command.signature, signBytesOfEncoded(encoded), command.key)).toBe(true);
});

test("the same content gives the same bytes and name; any other nonce, expiry or chain gives others", () => {
  const content = { nonce: 1n, expiresAtMs: 10, body };
  const first = signCommand(signer, content);
  expect(signCommand(signer, content)).toEqual(first);
  const others = [
    signCommand(signer, { ...content, nonce: 2n }),
    signCommand(signer, { ...content, expiresAtMs: 11 }),
    signCommand({ ...signer, chainId: seedOf(3) as never }, content),
  ];
  expect(new Set([first, ...others].map(({ digest }) => toHex(digest))).size).toBe(4);
});

test("nonces are dense", () => {
  const nonces = createNonces(100n);
  expect([nonces(), nonces(), nonces()]).toEqual([100n, 101n, 102n]);
});
