/**
 * Serves a page with a package's own source files, as they are but for their types: nothing is bundled, so what runs in the browser is
 * what ships, file by file, and an import that a browser cannot follow is an error there.
 */
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { stripTypeScriptTypes } from "node:module";
import type { AddressInfo } from "node:net";
import { join, normalize } from "node:path";

const root = join(import.meta.dirname, "../../../..");
const pageOf = (script: string): string => `<!doctype html><meta charset="utf-8"><script type="importmap">
{ "imports": { "@noble/": "/node_modules/@noble/" } }</script>
<script type="module">window.ready = import("/${script}");</script>`;

export interface SourceServer {
  readonly url: string;
  /** What was asked for, in order. */
  readonly requested: string[];
  readonly stop: () => Promise<void>;
}

/** Serves a page that runs `script`, which may import pure packages and the one that it belongs to. */
export async function startSourceServer(script = "packages/client/test/browser/page.ts"): Promise<SourceServer> {
  const requested: string[] = [];
  const server = createServer((request, response) => {
    const path = normalize(new URL(request.url ?? "/", "http://localhost").pathname);
    requested.push(path);
    contentOf(path, script).then(
      ({ type, text }) => response.writeHead(200, { "content-type": type }).end(text),
      () => response.writeHead(404).end(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    requested,
    stop: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

async function contentOf(path: string, script: string): Promise<{ readonly type: string; readonly text: string }> {
  if (path === "/") return { type: "text/html", text: pageOf(script) };
  const own = script.split("/").slice(0, 2).join("/");
  const served = ["packages/base/", "packages/protocol/", `${own}/`, "node_modules/@noble/"];
  if (!served.some((folder) => path.startsWith(`/${folder}`))) throw new Error(path);
  const source = await readFile(join(root, path), "utf8");
  if (!path.endsWith(".ts")) return { type: "text/javascript", text: source };
  // One address per module, whichever way it is imported.
  const code = stripTypeScriptTypes(source).replace(/"@stoa\/(\w+)\/([\w/-]+)"/g, '"/packages/$1/src/$2.ts"');
  return { type: "text/javascript", text: code };
}
