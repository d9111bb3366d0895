/**
 * The form of a line in the table of methods. A line says everything about a method but what it does: its parameters, what a
 * caller needs, what it costs. Dispatch reads the line, so that coercion, scopes, limits and errors are the same for all.
 */
import type { Grant } from "./accounts/authority.ts";
import type { KeyScope } from "./accounts/api-key.ts";
import type { Connection } from "./transport/connection.ts";
import type { Parameters, ValuesOf } from "./parameter.ts";
import type { Services } from "./services.ts";

/** Who calls and how. */
export interface Caller {
  /** The account behind the call; present in every private method. */
  readonly grant: Grant | undefined;
  /** Present when the call came over a WebSocket. */
  readonly connection: Connection | undefined;
  readonly address: string;
}

/** A caller with an account. */
export interface AccountCaller extends Caller {
  readonly grant: Grant;
}

export type Cost = "none" | "read" | "matching" | "subscribe";

export interface Method {
  readonly name: string;
  readonly parameters: Parameters;
  /** Absent for public methods. */
  readonly scope: KeyScope | undefined;
  readonly webSocketOnly: boolean;
  readonly cost: Cost;
  readonly handle: (services: Services, values: never, caller: never) => unknown;
}

interface Line<P extends Parameters, C extends Caller> {
  readonly parameters?: P;
  readonly webSocketOnly?: boolean;
  readonly cost?: Cost;
  readonly handle: (services: Services, values: ValuesOf<P>, caller: C) => unknown;
}

export function publicMethod<const P extends Parameters>(name: string, line: Line<P, Caller>): Method {
  return {
    name: `public/${name}`,
    parameters: line.parameters ?? {},
    scope: undefined,
    webSocketOnly: line.webSocketOnly ?? false,
    cost: line.cost ?? "read",
    handle: line.handle as Method["handle"],
  };
}

export function privateMethod<const P extends Parameters>(
  name: string,
  line: Line<P, AccountCaller> & { readonly scope?: KeyScope },
): Method {
  return {
    name: `private/${name}`,
    parameters: line.parameters ?? {},
    scope: line.scope ?? "read",
    webSocketOnly: line.webSocketOnly ?? false,
    cost: line.cost ?? "read",
    handle: line.handle as Method["handle"],
  };
}
