/**
 * A validator on a disk that is really full. The network of `full-disk-network.ts` needs a file system of its own, which a user
 * namespace gives; where the system forbids those, `/dev/full` stands for the disk and the test says so.
 */
import { spawn, spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, test } from "vitest";
import type { Digest } from "@stoa/base/hash";
import type { PublicKey, Signature } from "@stoa/base/signature";
import type { View } from "@stoa/base/units";
import type { DurableRecord } from "@stoa/consensus/effect";
import type { ValidatorIndex } from "@stoa/protocol/primitives";
import type { NodeError } from "../src/failure.ts";
import { openAppendFile } from "../src/storage/append-file.ts";
import { systemFiles } from "../src/storage/files.ts";
import { openVoteLog } from "../src/storage/vote-log.ts";
import type { FullDisk } from "./full-disk-network.ts";
import { testFolder } from "./network.ts";

const probe = testFolder();
const mountsAllowed =
  spawnSync("unshare", ["-rm", "mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", probe.path]).status === 0;
probe.remove();

if (mountsAllowed) describe("one of four validators on a disk that is really full", reallyFull);
else describe("a vote log on /dev/full, because this system forbids user namespaces", deviceFull);

/** Runs the network in namespaces of its own and returns what it saw. */
async function networkOnSmallDisks(): Promise<Readonly<Record<string, FullDisk>>> {
  const script = fileURLToPath(new URL("./full-disk-network.ts", import.meta.url));
  const child = spawn("unshare", ["-rm", process.execPath, "--conditions=@stoa/source", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let output = "";
  child.stdout.on("data", (part: Buffer) => (output += part.toString()));
  await new Promise((resolve) => child.once("close", resolve));
  return JSON.parse(output.trim().split("\n").at(-1)!);
}

function reallyFull(): void {
  let seen: Readonly<Record<string, FullDisk>>;
  beforeAll(async () => {
    seen = await networkOnSmallDisks();
  }, 480_000);

  test.each(["votes", "blocks"])("full under its %s: one line says so, before it votes", (place) => {
    const { code, message, bytesFree, votesCertified, votesUnknown } = seen[place]!;
    expect(code).toBe("disk-full");
    expect(message).toMatch(new RegExp(`^the disk is full: write of \\S+/${place}/\\S+ failed \\(ENOSPC\\)\\.`));
    expect(message).toContain("Free some space");
    expect(message).not.toContain("\n");
    expect(bytesFree).toBeLessThan(64 * 1024);
    // Whatever the others were given to sign with is a vote that its own disk holds.
    expect(votesCertified).toBeGreaterThan(10);
    expect(votesUnknown).toBe(0);
  });

  test.each(["votes", "blocks"])(
    "full under its %s: what is stored stays readable, and three others go on",
    (place) => {
      const { blocksRead, blocksDiffering, blocksWithout } = seen[place]!;
      expect(blocksRead).toBeGreaterThan(10);
      expect(blocksDiffering).toBe(0);
      expect(blocksWithout).toBeGreaterThanOrEqual(5);
    },
  );

  test.each(["votes", "blocks"])("full under its %s: no start without space, with space it catches up", (place) => {
    const { restartOnFull, blocksAfter } = seen[place]!;
    expect(restartOnFull).toMatch(/^the disk is full: .+\(ENOSPC\)/);
    expect(restartOnFull).not.toContain("\n");
    expect(blocksAfter).toBeGreaterThan(5);
  });
}

function deviceFull(): void {
  test("refuses the vote, and what is stored stays readable", () => {
    console.warn("no user namespaces here: /dev/full stands for a disk that is really full");
    const folder = testFolder();
    const nullify = (view: number): DurableRecord => ({
      kind: "voted",
      vote: {
        kind: "nullify",
        epoch: 0,
        view: view as View,
        signer: 0 as ValidatorIndex,
        signature: new Uint8Array(64) as Signature,
      },
      header: undefined,
      payload: undefined,
    });
    let full = false;
    const open = (historyExists: boolean) =>
      openVoteLog({
        folder: folder.path,
        chainId: new Uint8Array(32) as Digest,
        key: new Uint8Array(32) as PublicKey,
        epoch: 0,
        historyExists,
        report: () => undefined,
        files: {
          ...systemFiles,
          open(path, options) {
            const file = systemFiles.open(path, options);
            const device = openAppendFile("/dev/full");
            return { ...file, append: (bytes) => (full ? device : file).append(bytes) };
          },
        },
      });
    const log = open(false);
    log.append([nullify(1)], true);
    full = true;
    let refusal: NodeError | undefined;
    try {
      log.append([nullify(2)], true);
    } catch (error) {
      refusal = error as NodeError;
    }
    expect(refusal?.code).toBe("disk-full");
    full = false;
    const again = open(true);
    expect(again.records).toEqual([nullify(1)]);
    again.close();
    folder.remove();
  });
}
