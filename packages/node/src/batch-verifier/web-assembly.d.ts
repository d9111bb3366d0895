/** The part of WebAssembly that `batch-verifier.ts` uses. Node's types do not have it, and a browser's are not in `lib`. */
declare namespace WebAssembly {
  class Module {
    /** Compiles at once; throws a CompileError when the bytes are no module that this engine can run. */
    constructor(bytes: Uint8Array);
  }
  class Instance {
    constructor(module: Module);
    readonly exports: Readonly<Record<string, unknown>>;
  }
  interface Memory {
    readonly buffer: ArrayBuffer;
  }
  interface Global {
    readonly value: number;
  }
}
