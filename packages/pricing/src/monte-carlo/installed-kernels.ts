/**
 * Which form of the inner loops a thread uses, and whose memory they work on. It is the TypeScript form until a faster one (WebAssembly
 * SIMD) is installed, which is accepted only if it gives the same bits on probes. Knows nothing of what is simulated.
 */
import { typescriptPathKernels, type PathKernels } from "./path-kernels.ts";
import { probePathKernels } from "./path-probes.ts";

let active: PathKernels = typescriptPathKernels;
/** What of each accepted form may be borrowed again, by length: memory that a form has given is never given back to it. */
const idleColumns = new Map<PathKernels, Map<number, Float64Array[]>>([[typescriptPathKernels, new Map()]]);

/** The form in use for the time of one run: what it allocates is given back by `release`, and must not be used after it. */
export function borrowKernels(): { readonly kernels: PathKernels; readonly release: () => void } {
  const form = active;
  const pool = idleColumns.get(form)!;
  const borrowed: Float64Array[] = [];
  const allocate = (length: number): Float64Array => {
    const column = pool.get(length)?.pop()?.fill(0) ?? form.allocate(length);
    borrowed.push(column);
    return column;
  };
  const release = (): void => {
    for (const column of borrowed.splice(0)) {
      const same = pool.get(column.length);
      if (same === undefined) pool.set(column.length, [column]);
      else same.push(column);
    }
  };
  return { kernels: { ...form, allocate }, release };
}

/** Replaces the form in use by one that gives the same bits; what fails on a probe is refused by an {@link assert}. A form is probed once. */
export function installPathKernels(kernels: PathKernels): void {
  if (!idleColumns.has(kernels)) {
    probePathKernels(kernels, typescriptPathKernels);
    idleColumns.set(kernels, new Map());
  }
  active = kernels;
}
