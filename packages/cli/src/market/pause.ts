/** Waiting that ends early when there is nothing left to wait for. */

/** Resolves after `ms` (at once when that is past), or when `ended` does. */
export async function pause(ms: number, ended: Promise<void>): Promise<void> {
  if (ms <= 0) return;
  let timer: NodeJS.Timeout | undefined;
  await Promise.race([
    ended,
    new Promise<void>((resolve) => {
      timer = setTimeout(resolve, ms);
    }),
  ]);
  clearTimeout(timer);
}
