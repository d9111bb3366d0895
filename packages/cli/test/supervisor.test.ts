import { spawn } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "vitest";
import { startChild, type Death } from "../src/devnet/supervisor.ts";
import { temporaryFolder } from "./temporary.ts";

const childModule = new URL("../src/child.ts", import.meta.url).href;

/** A program that is a good child: it says it is ready, and ends when it is told to or left alone. */
const goodChild = `
  import { endRequested, reportReady } from ${JSON.stringify(childModule)};
  const ended = endRequested();
  const alive = setInterval(() => {}, 1000);
  reportReady({ pid: process.pid });
  const why = await ended;
  console.log("ended by " + why);
  clearInterval(alive);
  process.exit(0);
`;

function program(place: string, name: string, source: string): string {
  const file = join(place, name);
  writeFileSync(file, source);
  return file;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

async function until(condition: () => boolean): Promise<void> {
  for (let tries = 0; tries < 200 && !condition(); tries++) await delay(50);
  expect(condition()).toBe(true);
}

test("a child is ready when it says so, and SIGTERM ends it cleanly", async () => {
  const place = temporaryFolder();
  const logFile = join(place, "child.log");
  const deaths: Death[] = [];
  const child = startChild({
    name: "good",
    args: [program(place, "good.mts", goodChild)],
    logFile,
    onDeath: (death) => deaths.push(death),
  });
  expect(await child.ready).toEqual({ pid: child.pid });
  await child.stop();
  expect(child.isAlive()).toBe(false);
  expect(readFileSync(logFile, "utf8")).toContain("ended by SIGTERM");
  expect(deaths).toEqual([]);
});

test("a child that is killed is reported with its signal, and not started again", async () => {
  const place = temporaryFolder();
  const deaths: Death[] = [];
  const child = startChild({
    name: "victim",
    args: [program(place, "good.mts", goodChild)],
    logFile: join(place, "child.log"),
    onDeath: (death) => deaths.push(death),
  });
  await child.ready;
  process.kill(child.pid, "SIGKILL");
  await until(() => deaths.length === 1);
  expect(deaths[0]).toMatchObject({ name: "victim", pid: child.pid, signal: "SIGKILL" });
});

test("a child that fails to start gives its own words", async () => {
  const place = temporaryFolder();
  const source = `process.send({ kind: "failed", message: "the disk is full" }); process.exitCode = 1;`;
  const child = startChild({ name: "bad", args: [program(place, "bad.mjs", source)], logFile: join(place, "log") });
  await expect(child.ready).rejects.toThrow("bad: the disk is full");
});

test("a child that ignores SIGTERM is killed", async () => {
  const place = temporaryFolder();
  const source = `process.on("SIGTERM", () => {}); setInterval(() => {}, 1000); process.send({ kind: "ready" });`;
  const child = startChild({ name: "deaf", args: [program(place, "deaf.mjs", source)], logFile: join(place, "log") });
  await child.ready;
  await child.stop(200);
  expect(child.isAlive()).toBe(false);
});

test("when the supervisor is killed with kill -9, its children end themselves", async () => {
  const place = temporaryFolder();
  const good = program(place, "good.mts", goodChild);
  const pidFile = join(place, "pid");
  const supervisorModule = new URL("../src/devnet/supervisor.ts", import.meta.url).href;
  const parent = program(
    place,
    "parent.mts",
    `import { writeFileSync, renameSync } from "node:fs";
     import { startChild } from ${JSON.stringify(supervisorModule)};
     const child = startChild({ name: "good", args: [${JSON.stringify(good)}], logFile: ${JSON.stringify(join(place, "log"))} });
     await child.ready;
     writeFileSync(${JSON.stringify(`${pidFile}.part`)}, String(child.pid));
     renameSync(${JSON.stringify(`${pidFile}.part`)}, ${JSON.stringify(pidFile)});
     setInterval(() => {}, 1000);`,
  );
  const supervisor = spawn(process.execPath, [parent], { stdio: "ignore" });
  await until(() => existsSync(pidFile));
  const pid = Number(readFileSync(pidFile, "utf8"));
  expect(isAlive(pid)).toBe(true);
  supervisor.kill("SIGKILL");
  await until(() => !isAlive(pid));
  expect(readFileSync(join(place, "log"), "utf8")).toContain("the parent process is gone");
});
