/** The types of `runtime.mjs`, for the tests and benches that start processes as `stoa.mjs` does. */
export const flags: readonly string[];
export const environment: Readonly<Record<string, string>>;
