/** Bad input over HTTP: the three shapes refuse alike, with a status, a code and the field, and nothing moves. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { basic, get, startTestGateway, type Reply, type TestGateway } from "./harness.ts";

let running: TestGateway;
beforeAll(async () => {
  running = await startTestGateway();
});
afterAll(() => running.stop());

interface Answer {
  readonly status: number;
  readonly error: Reply["error"];
}

async function post(body: string, path = "/api/v2", headers: Record<string, string> = {}): Promise<Answer> {
  const response = await fetch(`${running.rest}${path}`, { method: "POST", body, headers });
  const reply = (await response.json()) as Reply;
  expect(reply.result).toBeUndefined();
  return { status: response.status, error: reply.error };
}

const order = { instrument_name: "BTC-PERPETUAL", amount: 100, price: 60_000, type: "limit" };

test.each([
  ["no JSON", "{nonsense", -32700, "request"],
  ["half of a JSON", '{"id":1,"method":"public/te', -32700, "request"],
  ["nothing", "", 11050, "method"],
  ["a number", "17", 11050, "request"],
  ["a list", "[1]", 11050, "request"],
  ["no method", '{"id":1}', 11050, "method"],
  ["parameters that are text", '{"id":1,"method":"public/test","params":"x"}', -32602, "params"],
  ["an unknown method", '{"id":1,"method":"public/magic"}', -32601, "method"],
])("%s is refused with status 400 and a code", async (_, body, code, param) => {
  const before = running.upstream.roots();
  const { status, error } = await post(body);
  expect([400, 404]).toContain(status);
  expect(error?.code).toBe(code);
  expect(error?.data?.param).toBe(param);
  expect(error?.message).toContain(`(${param}: `);
  expect(running.upstream.roots()).toEqual(before);
});

test.each([
  ["amount", { amount: "ten" }],
  ["price", { price: "1e400" }],
  ["post_only", { post_only: "perhaps" }],
  ["type", { type: "magic" }],
  ["label", { label: "x".repeat(65) }],
])(
  "a wrong %s is named alike in a query, in a body under the method's path, and in a body that names the method",
  async (param, change) => {
    const wrong = { ...order, ...change };
    const before = running.upstream.roots();
    const query = Object.fromEntries(Object.entries(wrong).map(([name, value]) => [name, String(value)]));
    const byQuery = await get(running.rest, "private/buy", query, basic(1));
    const byPath = await post(JSON.stringify({ id: 1, params: wrong }), "/api/v2/private/buy", basic(1));
    const byRpc = await post(JSON.stringify({ id: 1, method: "private/buy", params: wrong }), "/api/v2", basic(1));
    for (const error of [byQuery.error, byPath.error, byRpc.error]) {
      expect(error?.code).toBe(byRpc.error?.code);
      expect(error?.data?.param).toBe(param);
      expect(error?.message).toContain(`(${param}: `);
    }
    expect(running.upstream.roots()).toEqual(before);
  },
);

test("text with half a surrogate pair is refused by name, not by a failure inside", async () => {
  const body = `{"id":1,"method":"private/buy","params":{"instrument_name":"BTC-PERPETUAL","amount":100,"price":60000,"label":"\\ud800"}}`;
  const before = running.upstream.roots();
  const { error } = await post(body, "/api/v2", basic(1));
  expect(error).toMatchObject({ code: -32602, data: { param: "label" } });
  expect(running.upstream.roots()).toEqual(before);
});

test("no credentials, half of them, and those of nobody are refused before anything is looked at", async () => {
  const before = running.upstream.roots();
  const body = JSON.stringify({ id: 1, method: "private/buy", params: { ...order, amount: "ten" } });
  for (const headers of [
    {},
    { authorization: "Basic" },
    { authorization: "Basic !!!" },
    { authorization: `Basic ${Buffer.from("client-1").toString("base64")}` },
    { authorization: `Basic ${Buffer.from("client-1:wrong").toString("base64")}` },
    { authorization: "Bearer nobody" },
    { authorization: "deri-hmac-sha256 id=client-1,ts=1,nonce=x,sig=00" },
  ] as Record<string, string>[]) {
    const { status, error } = await post(body, "/api/v2", headers);
    expect(status, JSON.stringify(headers)).toBeLessThan(500);
    expect([10000, 13004, 13009]).toContain(error?.code);
  }
  expect(running.upstream.roots()).toEqual(before);
});
