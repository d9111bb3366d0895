/**
 * Who is asking: HMAC signatures over raw requests, Basic and Bearer headers, the grants of `public/auth` and the tokens they
 * give. Secrets are compared in constant time, timestamps must be fresh, and a signed request that changes something is
 * accepted once.
 */
import { createHmac, randomBytes } from "node:crypto";
import { ApiError, invalidParameter } from "../errors.ts";
import { equalSecrets, type KeyScope, type Principal } from "./api-key.ts";

/** What a caller may do: a principal and the scopes of the token or key it came with. */
export interface Grant {
  readonly principal: Principal;
  readonly scopes: ReadonlySet<KeyScope>;
  /** A token of scope `connection` dies with the connection it was issued on. */
  readonly connection: object | undefined;
}

export interface TokenAnswer {
  readonly access_token: string;
  readonly refresh_token: string;
  readonly token_type: "bearer";
  readonly expires_in: number;
  readonly scope: string;
  readonly enabled_features: readonly string[];
  readonly sid?: string;
  readonly state?: string;
}

export interface SignedRequest {
  readonly method: string;
  /** Path and query exactly as sent. */
  readonly target: string;
  readonly body: string;
}

interface Session {
  readonly grant: Grant;
  readonly sessionName: string | undefined;
  readonly accessToken: string;
  readonly refreshToken: string;
  readonly expiresMs: number;
}

export interface Authority {
  readonly principals: ReadonlyMap<string, Principal>;
  /** What an Authorization header grants; throws `unauthorized` or `invalid_credentials`. */
  readonly fromHeader: (header: string, request: SignedRequest) => HeaderGrant;
  readonly fromToken: (token: string, connection: object | undefined) => Grant;
  readonly authenticate: (parameters: AuthParameters, connection: object | undefined) => AuthResult;
  readonly dropConnection: (connection: object) => void;
  readonly dropToken: (grant: Grant) => void;
  /** True the first time this signed request is seen within its lifetime. */
  readonly firstUse: (signature: string) => boolean;
}

export interface HeaderGrant {
  readonly grant: Grant;
  /** Names a signed request however its header was written: the key and the signature that was found right. */
  readonly signature: string | undefined;
}

export interface AuthParameters {
  readonly grant_type: "client_credentials" | "client_signature" | "refresh_token";
  readonly client_id: string | undefined;
  readonly client_secret: string | undefined;
  readonly timestamp: number | undefined;
  readonly signature: string | undefined;
  readonly nonce: string | undefined;
  readonly data: string | undefined;
  readonly refresh_token: string | undefined;
  readonly state: string | undefined;
  readonly scope: string | undefined;
}

export interface AuthResult {
  readonly grant: Grant;
  readonly answer: TokenAnswer;
}

const clockToleranceMs = 60_000;
/** Deribit's year: some clients schedule their refresh from it and would spin on small values. */
const tokenLifetimeSeconds = 31_536_000;
const sessionsPerKeyCountMax = 16;
const connectionSessionsCountMax = 8_192;
const usedSignaturesCountMax = 100_000;

export function createAuthority(principals: ReadonlyMap<string, Principal>, nowMs: () => number): Authority {
  const byAccess = new Map<string, Session>();
  const byRefresh = new Map<string, Session>();
  const used = new Map<string, number>();

  const principalOf = (clientId: string | undefined): Principal => {
    const principal = clientId === undefined ? undefined : principals.get(clientId);
    if (principal === undefined)
      throw new ApiError("invalid_credentials", { reason: "unknown client_id", param: "client_id" });
    return principal;
  };

  const drop = (session: Session): void => {
    byAccess.delete(session.accessToken);
    byRefresh.delete(session.refreshToken);
  };

  const open = (grant: Grant, sessionName: string | undefined): Session => {
    const session: Session = {
      grant,
      sessionName,
      accessToken: `${nowMs()}.${randomBytes(32).toString("base64url")}`,
      refreshToken: `${nowMs()}.${randomBytes(32).toString("base64url")}`,
      expiresMs: nowMs() + 1000 * tokenLifetimeSeconds,
    };
    const lasting = (other: Session): boolean =>
      grant.connection === undefined
        ? other.grant.connection === undefined && other.grant.principal === grant.principal
        : other.grant.connection !== undefined;
    const peers = [...byAccess.values()].filter(lasting);
    const peersCountMax = grant.connection === undefined ? sessionsPerKeyCountMax : connectionSessionsCountMax;
    if (peersCountMax <= peers.length) drop(peers[0]!);
    byAccess.set(session.accessToken, session);
    byRefresh.set(session.refreshToken, session);
    return session;
  };

  const fromToken = (token: string, connection: object | undefined): Grant => {
    const session = byAccess.get(token);
    if (session === undefined || session.expiresMs <= nowMs())
      throw unauthorized("invalid or expired token", "access_token");
    if (session.grant.connection !== undefined && session.grant.connection !== connection)
      throw unauthorized("a token of scope connection belongs to its connection", "access_token");
    return session.grant;
  };

  const withSecret = (clientId: string | undefined, secret: string | undefined): Principal => {
    const principal = principalOf(clientId);
    if (secret === undefined) throw invalidParameter("client_secret", "value required");
    if (!equalSecrets(principal.secret, secret))
      throw new ApiError("invalid_credentials", { reason: "wrong client_secret", param: "client_secret" });
    return principal;
  };

  const withSignature = (parameters: AuthParameters): Principal => {
    const principal = principalOf(parameters.client_id);
    const { timestamp, signature, nonce = "", data = "" } = parameters;
    if (timestamp === undefined) throw invalidParameter("timestamp", "value required");
    if (signature === undefined) throw invalidParameter("signature", "value required");
    if (clockToleranceMs < Math.abs(nowMs() - timestamp))
      throw new ApiError("invalid_credentials", {
        reason: "timestamp is not within a minute of now",
        param: "timestamp",
      });
    const expected = hmac(principal.secret, `${timestamp}\n${nonce}\n${data}`);
    if (!equalSecrets(expected, signature.toLowerCase()))
      throw new ApiError("invalid_credentials", { reason: "wrong signature", param: "signature" });
    return principal;
  };

  const refreshed = (token: string | undefined): Session => {
    if (token === undefined) throw invalidParameter("refresh_token", "value required");
    const session = byRefresh.get(token);
    if (session === undefined || session.expiresMs <= nowMs())
      throw unauthorized("invalid or expired token", "refresh_token");
    return session;
  };

  const dropConnection = (connection: object): void => {
    for (const session of [...byAccess.values()]) if (session.grant.connection === connection) drop(session);
  };

  const authenticate = (parameters: AuthParameters, connection: object | undefined): AuthResult => {
    if (parameters.grant_type === "refresh_token") {
      const old = refreshed(parameters.refresh_token);
      drop(old);
      const grant = old.grant.connection === undefined ? old.grant : { ...old.grant, connection };
      return { grant, answer: answerOf(open(grant, old.sessionName), parameters.state) };
    }
    const principal =
      parameters.grant_type === "client_credentials"
        ? withSecret(parameters.client_id, parameters.client_secret)
        : withSignature(parameters);
    // Earlier tokens of a connection end with its new ones: nobody collects them without bound.
    if (connection !== undefined) dropConnection(connection);
    const words = (parameters.scope ?? "").split(/[\s,]+/).filter((word) => word !== "");
    const sessionName = words.find((word) => word.startsWith("session:"))?.slice("session:".length);
    const grant: Grant = {
      principal,
      scopes: requestedScopes(principal, words),
      connection: sessionName === undefined ? connection : undefined,
    };
    return { grant, answer: answerOf(open(grant, sessionName), parameters.state) };
  };

  return {
    principals,
    fromToken,
    authenticate,
    fromHeader(header, request) {
      const separator = header.indexOf(" ");
      const scheme = (separator < 0 ? header : header.slice(0, separator)).toLowerCase();
      const rest = separator < 0 ? "" : header.slice(separator + 1).trim();
      switch (scheme) {
        case "bearer":
          return { grant: fromToken(rest, undefined), signature: undefined };
        case "basic": {
          const [clientId = "", ...secret] = Buffer.from(rest, "base64").toString("utf8").split(":");
          return { grant: wholeGrant(withSecret(clientId, secret.join(":"))), signature: undefined };
        }
        case "deri-hmac-sha256":
          return signedGrant(principals, rest, request, nowMs());
        default:
          throw unauthorized("unknown authorization scheme", "Authorization");
      }
    },
    dropConnection,
    dropToken(grant) {
      for (const session of [...byAccess.values()]) if (session.grant === grant) drop(session);
    },
    firstUse(signature) {
      const now = nowMs();
      for (const [old, expires] of used) {
        if (now < expires && used.size < usedSignaturesCountMax) break;
        used.delete(old);
      }
      if (used.has(signature)) return false;
      used.set(signature, now + 2 * clockToleranceMs);
      return true;
    },
  };
}

const unauthorized = (reason: string, param: string): ApiError => new ApiError("unauthorized", { reason, param });

const hmac = (secret: string, message: string): string => createHmac("sha256", secret).update(message).digest("hex");

const wholeGrant = (principal: Principal): Grant => ({ principal, scopes: principal.scopes, connection: undefined });

/** The signature of `deri-hmac-sha256`: over timestamp, nonce, method, raw target and raw body, a newline after each. */
export const requestSignature = (
  secret: string,
  stamp: { readonly ts: string; readonly nonce: string },
  request: SignedRequest,
): string => hmac(secret, `${stamp.ts}\n${stamp.nonce}\n${request.method}\n${request.target}\n${request.body}\n`);

function signedGrant(
  principals: ReadonlyMap<string, Principal>,
  fieldsText: string,
  request: SignedRequest,
  nowMs: number,
): HeaderGrant {
  const fields = new Map<string, string>();
  for (const part of fieldsText.split(",")) {
    const equals = part.indexOf("=");
    if (0 < equals) fields.set(part.slice(0, equals).trim(), part.slice(equals + 1).trim());
  }
  const [id, ts, sig, nonce] = ["id", "ts", "sig", "nonce"].map((name) => fields.get(name));
  if (id === undefined || ts === undefined || sig === undefined || nonce === undefined)
    throw unauthorized("id, ts, sig and nonce are expected", "Authorization");
  const principal = principals.get(id);
  if (principal === undefined) throw new ApiError("invalid_credentials", { reason: "unknown client id", param: "id" });
  const signature = requestSignature(principal.secret, { ts, nonce }, request);
  if (!equalSecrets(signature, sig.toLowerCase()))
    throw new ApiError("invalid_credentials", { reason: "wrong signature", param: "sig" });
  const timestampMs = Number(ts);
  if (!Number.isFinite(timestampMs) || clockToleranceMs < Math.abs(nowMs - timestampMs))
    throw unauthorized("timestamp is not within a minute of now", "ts");
  return { grant: wholeGrant(principal), signature: `${id} ${signature}` };
}

const areas = ["trade", "wallet", "account"] as const;

/** Scopes that a request for a token asks for, never more than the key has. Without a word about an area, all of it. */
function requestedScopes(principal: Principal, words: readonly string[]): ReadonlySet<KeyScope> {
  const granted = new Set<KeyScope>(principal.scopes);
  const level = (area: string): string | undefined =>
    words.find((word) => word.startsWith(`${area}:`))?.slice(area.length + 1);
  const trade = level("trade");
  if (trade !== undefined && trade !== "read_write") granted.delete("trade");
  const wallet = level("wallet");
  if (wallet !== undefined && wallet !== "read_write") {
    granted.delete("transfer");
    granted.delete("withdraw");
  }
  if (areas.every((area) => level(area) === "none")) granted.delete("read");
  return granted;
}

function answerOf(session: Session, state: string | undefined): TokenAnswer {
  const { scopes, connection } = session.grant;
  const wallet = scopes.has("withdraw") || scopes.has("transfer") ? "read_write" : "read";
  const words = [
    session.sessionName !== undefined
      ? `session:${session.sessionName}`
      : connection !== undefined
        ? "connection"
        : undefined,
    session.grant.principal.subaccount === 0 ? "mainaccount" : undefined,
    `account:${scopes.has("read") ? "read" : "none"}`,
    `trade:${scopes.has("trade") ? "read_write" : scopes.has("read") ? "read" : "none"}`,
    `wallet:${wallet}`,
  ];
  return {
    access_token: session.accessToken,
    refresh_token: session.refreshToken,
    token_type: "bearer",
    expires_in: tokenLifetimeSeconds,
    scope: words.filter((word) => word !== undefined).join(" "),
    enabled_features: [],
    ...(session.sessionName === undefined ? {} : { sid: session.sessionName }),
    ...(state === undefined ? {} : { state }),
  };
}
