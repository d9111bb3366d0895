import { createHmac } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { requestSignature } from "../src/accounts/authority.ts";
import { apiKeyOf, basic, get, openClient, startTestGateway, type Reply, type TestGateway } from "./harness.ts";

describe("signatures of HTTP requests", () => {
  const stamp = { ts: "1763296256773", nonce: "1763296256774" };
  test.each([
    ["/api/v2/private/get_positions", "dd3eb83ab5101101cb37551e473fb22dcffb5db4c9e831acd8a9773e8924df9e"],
    [
      "/api/v2/private/get_account_summary?currency=ETH&extended=false",
      "29e8d4f59a20193bce58cecbeb4497415fe987fc344733645e15c5195dbdd16e",
    ],
  ])("%s has the signature that other clients compute", (target, expected) => {
    expect(requestSignature("secret", stamp, { method: "GET", target, body: "" })).toBe(expected);
  });
});

describe("authority", () => {
  let running: TestGateway;
  beforeAll(async () => {
    running = await startTestGateway({
      keys: [apiKeyOf(1), apiKeyOf(2, { scopes: ["read"] }), apiKeyOf(3, { tier: "standard" })],
    });
  });
  afterAll(() => running.stop());

  const signed = (
    target: string,
    change: {
      readonly ts?: number;
      readonly nonce?: string;
      readonly secret?: string;
      readonly signedTarget?: string;
    } = {},
  ): Record<string, string> => {
    const ts = String(change.ts ?? Date.now());
    const nonce = change.nonce ?? String(Math.random());
    const sig = requestSignature(
      change.secret ?? "secret-1",
      { ts, nonce },
      {
        method: "GET",
        target: change.signedTarget ?? target,
        body: "",
      },
    );
    return { authorization: `deri-hmac-sha256 id=client-1,ts=${ts},nonce=${nonce},sig=${sig}` };
  };
  const fetchSigned = async (target: string, headers: Record<string, string>): Promise<any> =>
    (await fetch(`${running.rest}${target}`, { headers })).json();

  test("a signature over the raw target is accepted, whatever the order of its fields", async () => {
    const target = "/api/v2/private/get_account_summary?currency=BTC&x=%20a+b";
    expect((await fetchSigned(target, signed(target))).result.balance).toBe(100);
  });

  test("a POST is signed over its raw body, with the method in the body and /api/v2 as the target", async () => {
    const body = JSON.stringify({
      jsonrpc: "2.0",
      id: 3,
      method: "private/get_positions",
      params: { currency: "BTC" },
    });
    const post = async (signedBody: string): Promise<any> => {
      const stamp = { ts: String(Date.now()), nonce: "uuid-like" };
      const sig = requestSignature("secret-1", stamp, { method: "POST", target: "/api/v2", body: signedBody });
      const authorization = `deri-hmac-sha256 id=client-1,ts=${stamp.ts},sig=${sig},nonce=${stamp.nonce}`;
      return (await fetch(`${running.rest}/api/v2`, { method: "POST", body, headers: { authorization } })).json();
    };
    expect(await post(body)).toMatchObject({ id: 3, result: [] });
    expect((await post(body.replace("BTC", "ETH"))).error.code).toBe(13004);
  });

  test("a changed query, a wrong secret and an old timestamp are refused by name", async () => {
    const target = "/api/v2/private/get_account_summary?currency=BTC";
    const changed = await fetchSigned(target, signed(target, { signedTarget: target.replace("BTC", "ETH") }));
    expect(changed.error).toMatchObject({ code: 13004, data: { param: "sig" } });
    expect((await fetchSigned(target, signed(target, { secret: "guess" }))).error.code).toBe(13004);
    const old = await fetchSigned(target, signed(target, { ts: Date.now() - 120_000 }));
    expect(old.error).toMatchObject({ code: 13009, data: { param: "ts" } });
  });

  test("a signed order is good for one time; a signed read may repeat", async () => {
    const order = "/api/v2/private/buy?instrument_name=BTC-PERPETUAL&amount=10&price=59500";
    const headers = signed(order, { nonce: "fixed" });
    expect((await fetchSigned(order, headers)).result.order.order_state).toBe("open");
    // However its header is written: as it was, in another order, in capitals, with more in it.
    const [ts, sig] = [/ts=(\d+)/, /sig=([0-9a-f]+)/].map((pattern) => pattern.exec(headers["authorization"]!)![1]!);
    for (const authorization of [
      headers["authorization"]!,
      `deri-hmac-sha256 sig=${sig},nonce=fixed,ts=${ts},id=client-1`,
      `deri-hmac-sha256 id=client-1, ts=${ts}, nonce=fixed, sig=${sig!.toUpperCase()}`,
      `DERI-HMAC-SHA256 id=client-1,ts=${ts},nonce=fixed,sig=${sig},note=again`,
    ])
      expect((await fetchSigned(order, { authorization })).error, authorization).toMatchObject({
        code: 13009,
        data: { param: "nonce" },
      });
    const read = "/api/v2/private/get_open_orders";
    const readHeaders = signed(read, { nonce: "fixed" });
    expect((await fetchSigned(read, readHeaders)).result).toHaveLength(1);
    expect((await fetchSigned(read, readHeaders)).result).toHaveLength(1);
  });

  test("Basic and Bearer work over HTTP; unknown tokens and schemes do not", async () => {
    expect((await get(running.rest, "private/get_positions", {}, basic(1))).result).toEqual([]);
    const granted = await get(running.rest, "public/auth", {
      grant_type: "client_credentials",
      client_id: "client-1",
      client_secret: "secret-1",
      scope: "session:desk",
      state: "mine",
    });
    expect(granted.result).toMatchObject({ token_type: "bearer", expires_in: 31_536_000, sid: "desk", state: "mine" });
    const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
    expect((await get(running.rest, "private/get_positions", {}, bearer(granted.result.access_token))).result).toEqual(
      [],
    );
    expect((await get(running.rest, "private/get_positions", {}, bearer("nonsense"))).error?.code).toBe(13009);
    expect((await get(running.rest, "private/get_positions", {}, { authorization: "Digest x" })).error?.code).toBe(
      13009,
    );
    const refreshed = await get(running.rest, "public/auth", {
      grant_type: "refresh_token",
      refresh_token: granted.result.refresh_token,
    });
    expect(refreshed.result.access_token).not.toBe(granted.result.access_token);
    expect(
      (await get(running.rest, "private/get_positions", {}, bearer(granted.result.access_token))).error?.code,
    ).toBe(13009);
    expect(
      (await get(running.rest, "private/get_positions", {}, bearer(refreshed.result.access_token))).result,
    ).toEqual([]);
  });

  test("a WebSocket is authenticated by a signature with a timestamp as text", async () => {
    const client = await openClient(running.ws);
    const timestamp = String(Date.now());
    const signature = createHmac("sha256", "secret-1").update(`${timestamp}\nn\ndata`).digest("hex");
    const answer = await client.call("public/auth", {
      grant_type: "client_signature",
      client_id: "client-1",
      timestamp,
      nonce: "n",
      data: "data",
      signature,
    });
    expect(answer.result.scope).toContain("connection");
    expect((await client.call("private/get_positions")).result).toEqual([]);
    await client.close();
  });

  test("a token of scope connection works on its connection only", async () => {
    const [one, other] = await Promise.all([openClient(running.ws), openClient(running.ws)]);
    const token = (await one.auth(1)).result.access_token;
    expect((await one.call("private/get_positions", { access_token: token })).result).toEqual([]);
    expect((await other.call("private/get_positions", { access_token: token })).error).toMatchObject({
      code: 13009,
      data: { param: "access_token" },
    });
    await Promise.all([one.close(), other.close()]);
  });

  test("new tokens of a connection end its earlier ones; a session has sixteen at most", async () => {
    const client = await openClient(running.ws);
    const first = (await client.auth(1)).result.access_token;
    await client.auth(1);
    expect((await client.call("private/get_positions", { access_token: first })).error?.code).toBe(13009);
    const tokens: string[] = [];
    for (let count = 0; count < 17; count++) {
      const scope = `session:s${count}`;
      const grant = { grant_type: "client_credentials", client_id: "client-1", client_secret: "secret-1", scope };
      tokens.push((await get(running.rest, "public/auth", grant)).result.access_token);
    }
    const codes = await Promise.all(
      tokens.map(async (token) => (await client.call("private/get_positions", { access_token: token })).error?.code),
    );
    expect(codes[0]).toBe(13009);
    expect(codes.slice(1)).toEqual(Array(16).fill(undefined));
    await client.close();
  });

  test("wrong credentials name the field that is wrong", async () => {
    const auth = (query: Record<string, string>) =>
      get(running.rest, "public/auth", { grant_type: "client_credentials", ...query });
    expect((await auth({ client_id: "nobody", client_secret: "x" })).error).toMatchObject({
      code: 13004,
      data: { param: "client_id" },
    });
    expect((await auth({ client_id: "client-1", client_secret: "x" })).error).toMatchObject({
      code: 13004,
      data: { param: "client_secret" },
    });
    expect((await auth({ grant_type: "password" })).error).toMatchObject({
      code: -32602,
      data: { param: "grant_type" },
    });
  });

  test("a key or a token without the scope of a method is forbidden to call it", async () => {
    const order = { instrument_name: "BTC-PERPETUAL", amount: "10", price: "59000" };
    expect((await get(running.rest, "private/buy", order, basic(2))).error).toMatchObject({
      code: 13021,
      data: { param: "scope" },
    });
    expect((await get(running.rest, "private/get_open_orders", {}, basic(2))).result).toEqual([]);
    const client = await openClient(running.ws);
    const granted = await client.call("public/auth", {
      grant_type: "client_credentials",
      client_id: "client-1",
      client_secret: "secret-1",
      scope: "trade:read",
    });
    expect(granted.result.scope).toContain("trade:read");
    expect((await client.call("private/buy", order)).error?.code).toBe(13021);
    await client.close();
  });

  test("requests beyond the rate get 10028 and status 429, and the connection lives on", async () => {
    const client = await openClient(running.ws);
    await client.auth(3);
    const answers = await Promise.all(Array.from({ length: 60 }, () => client.call("private/cancel_all")));
    const refused = answers.filter((answer) => answer.error?.code === 10028);
    expect(refused.length).toBeGreaterThan(10);
    expect(answers.filter((answer) => answer.result === 0).length).toBeGreaterThanOrEqual(20);
    expect((await client.call("private/get_positions")).result).toEqual([]);
    // A token may have come back meanwhile: together they are more than the bucket refills.
    const responses = await Promise.all(
      Array.from({ length: 20 }, () => fetch(`${running.rest}/api/v2/private/cancel_all`, { headers: basic(3) })),
    );
    const limited = responses.find((response) => response.status === 429);
    expect(((await limited!.json()) as Reply).error?.code).toBe(10028);
    await client.close();
  });
});
