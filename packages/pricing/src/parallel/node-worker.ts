/** The thread of `node-workers.ts`: answers each task in turn. */
import { parentPort } from "node:worker_threads";
import { createResponder, type Task } from "./messages.ts";

const respond = createResponder();
parentPort?.on("message", (task: Task) => parentPort?.postMessage(respond(task)));
