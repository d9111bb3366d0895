/** The thread of `node-workers.ts`: answers each task in turn, with the fastest kernels that run here. */
import { parentPort } from "node:worker_threads";
import { activeKernel } from "../wasm/active-kernel.ts";
import { createResponder, type Task } from "./messages.ts";

activeKernel();
const respond = createResponder();
parentPort?.on("message", (task: Task) => parentPort?.postMessage(respond(task)));
