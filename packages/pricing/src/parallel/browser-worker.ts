/** The worker of `browser-workers.ts`: answers each task in turn, with the fastest kernels that run here. */
import { activeKernel } from "../wasm/active-kernel.ts";
import { createResponder, type Answer, type Task } from "./messages.ts";

type WorkerScope = {
  readonly postMessage: (answer: Answer) => void;
  onmessage: ((event: { readonly data: Task }) => void) | null;
};

const scope = globalThis as unknown as WorkerScope;
activeKernel();
const respond = createResponder();
scope.onmessage = ({ data }) => scope.postMessage(respond(data));
