// Adds to package-lock.json what `npm install` leaves out (tools/lock.ts says why), and says how much that was. Run it
// after every change of a dependency, as `npx node tools/fix-lock.mjs`; a second run changes nothing.
import { readFileSync, writeFileSync } from "node:fs";
import { missingPackages, withStubs } from "./lock.ts";

const path = process.argv[2] ?? new URL("../package-lock.json", import.meta.url);
const lock = JSON.parse(readFileSync(path, "utf8"));
const missing = missingPackages(lock);
if (0 < missing.length) writeFileSync(path, `${JSON.stringify(withStubs(lock), null, 2)}\n`);
console.log(missing.length === 0 ? "the lock is complete" : `added ${missing.map(({ name }) => name).join(", ")}`);
