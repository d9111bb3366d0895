/**
 * Subscriptions: which connections follow which channels, and when channels speak. A message is written once and sent to all
 * subscribers of its topic. A new subscriber is first brought to where the topic stands.
 */
import type { Connection } from "../transport/connection.ts";
import type { Services } from "../services.ts";
import { topicNamed } from "./channel.ts";
import { intervalMs, type Interval, type Topic } from "./topic.ts";
import type { BlockUpdate } from "./update.ts";

interface Line {
  readonly name: string;
  readonly key: string;
  readonly topic: Topic;
  readonly subscribers: Set<Connection>;
  pending: boolean;
}

export interface Feed {
  /** Subscribes to those of the channels that exist and are allowed; the rest is left out. Messages begin after the reply. */
  readonly subscribe: (connection: Connection, names: readonly string[], label: string | undefined) => SubscribeResult;
  readonly unsubscribe: (connection: Connection, names: readonly string[]) => readonly string[];
  readonly unsubscribeAll: (connection: Connection) => void;
  readonly apply: (update: BlockUpdate) => void;
  readonly close: () => void;
}

export interface SubscribeResult {
  readonly accepted: readonly string[];
  /** Some channel was left out because raw channels need an account. */
  readonly rawRefused: boolean;
}

export function createFeed(services: () => Services): Feed {
  const lines = new Map<string, Line>();
  const keysOf = new Map<Connection, Map<string, string>>();

  /** A channel that fails ends for its subscribers, who can tell and come back; the others and the chain go on. */
  const guarded = (line: Line, action: () => void): void => {
    try {
      action();
    } catch (error) {
      const reason = error instanceof Error ? (error.stack ?? error.message) : String(error);
      services().log("a channel failed", { channel: line.name, error: reason });
      lines.delete(line.key);
      for (const connection of line.subscribers) connection.close("a channel failed");
    }
  };

  const broadcast = (line: Line): void => guarded(line, () => send(line));

  const send = (line: Line): void => {
    line.pending = false;
    if (line.subscribers.size === 0) return;
    for (const data of line.topic.flush()) {
      const message = notification(line.name, data);
      for (const connection of line.subscribers) {
        const label = connection.channels.get(line.name);
        connection.send(label === undefined ? message : notification(line.name, data, label));
      }
    }
  };

  const flushInterval = (interval: Interval) => () => {
    for (const line of lines.values()) {
      const due = line.topic.interval === interval && line.pending;
      if (due || (interval === "agg2" && line.topic.polled === true)) broadcast(line);
    }
  };
  const timers = [
    setInterval(flushInterval("100ms"), intervalMs["100ms"]),
    setInterval(flushInterval("agg2"), intervalMs.agg2),
  ];

  const activate = (connection: Connection, name: string, key: string, topic: Topic): void => {
    if (keysOf.get(connection)?.get(name) !== key) return;
    let line = lines.get(key);
    if (line === undefined) lines.set(key, (line = { name, key, topic, subscribers: new Set(), pending: false }));
    // What the topic has gathered belongs to the earlier subscribers; the newcomer's first message already contains it.
    broadcast(line);
    line.subscribers.add(connection);
    const { topic: live } = line;
    const label = connection.channels.get(name);
    guarded(line, () => {
      for (const data of live.initial()) connection.send(notification(name, data, label));
    });
  };

  const remove = (connection: Connection, name: string): boolean => {
    const key = keysOf.get(connection)?.get(name);
    if (key === undefined) return false;
    keysOf.get(connection)!.delete(name);
    connection.channels.delete(name);
    const line = lines.get(key);
    line?.subscribers.delete(connection);
    if (line?.subscribers.size === 0) lines.delete(key);
    return true;
  };

  return {
    subscribe(connection, names, label) {
      const accepted: string[] = [];
      let rawRefused = false;
      for (const name of new Set(names)) {
        const keys = keysOf.get(connection) ?? new Map<string, string>();
        keysOf.set(connection, keys);
        if (keys.has(name)) {
          accepted.push(name);
          continue;
        }
        if (services().limits.channelsPerConnectionCountMax <= keys.size) continue;
        const found = topicNamed(services(), name, connection.grant);
        if (found.kind === "raw-refused") rawRefused = true;
        if (found.kind !== "topic") continue;
        const key = found.account === undefined ? name : `${name}@${found.account}`;
        keys.set(name, key);
        connection.channels.set(name, label);
        accepted.push(name);
        queueMicrotask(() => activate(connection, name, key, lines.get(key)?.topic ?? found.topic()));
      }
      return { accepted, rawRefused };
    },
    unsubscribe: (connection, names) => names.filter((name) => remove(connection, name)),
    unsubscribeAll(connection) {
      for (const name of [...(keysOf.get(connection)?.keys() ?? [])]) remove(connection, name);
      keysOf.delete(connection);
    },
    apply(update) {
      for (const line of lines.values()) {
        guarded(line, () => {
          if (line.topic.gather(update)) line.pending = true;
        });
        if (line.pending && line.topic.interval === "raw") broadcast(line);
      }
    },
    close() {
      for (const timer of timers) clearInterval(timer);
      lines.clear();
    },
  };
}

const notification = (channel: string, data: unknown, label?: string): string =>
  JSON.stringify({
    jsonrpc: "2.0",
    method: "subscription",
    params: label === undefined ? { channel, data } : { channel, data, label },
  });
