/** Answers that read weeks of minutes are worked out at most once a minute of block time. */
import type { Services } from "../services.ts";

const remembered = new WeakMap<Services, Map<string, { readonly minute: number; readonly value: unknown }>>();

/** The value of this name, computed anew only when a minute of block time has passed. */
export function oncePerMinute<T>(services: Services, name: string, compute: () => T): T {
  const minute = Math.floor(services.market.timeMs / 60_000);
  const answers = remembered.get(services) ?? new Map<string, { minute: number; value: unknown }>();
  remembered.set(services, answers);
  const known = answers.get(name);
  if (known?.minute === minute) return known.value as T;
  const value = compute();
  answers.set(name, { minute, value });
  return value;
}
