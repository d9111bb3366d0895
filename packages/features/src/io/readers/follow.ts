/**
 * Follows a venue that speaks Deribit's API over WebSocket, or Stoa's gateway, which speaks it too: asks for the instruments, subscribes to
 * books, trades and tickers, and gives their events as they come. A lost connection is a gap of every book, then comes a new one with new
 * snapshots; a hole in the chain of one book is a gap of that one, which is then subscribed again. The same decoder reads captures: what
 * `record` is given, read back as a capture, gives the same events.
 */
import type { EventBatch } from "../../event.ts";
import type { EventSource } from "../source.ts";
import { FeatureRefusal } from "../../refusal.ts";
import { deribit, deribitName } from "./deribit.ts";
import { EventWriter } from "./event-writer.ts";
import { blankProgress, midnightBefore } from "./file-source.ts";
import { ReadRefusal } from "./read-refusal.ts";
import { SubscriptionSocket } from "./subscription-socket.ts";
import type { TermsByName } from "./terms.ts";
import { Survey, VenueContext } from "./venue.ts";

export interface FollowSettings {
  /** Names of instruments; `*` stands for anything: `BTC-PERPETUAL`, `ETH-*-C`. */
  readonly instruments: readonly string[];
  /** How often the venue speaks; `raw` asks for a session that is authorised. */
  readonly interval?: "100ms" | "agg2" | "raw";
  readonly terms?: TermsByName;
  /** Is told every message that came, as a line of a capture. */
  readonly record?: (line: string) => void;
  /** Wait before a new connection, doubled with each failure; at most `waitMsMax`. */
  readonly waitMs?: number;
  readonly waitMsMax?: number;
}

export interface LiveSource extends EventSource {
  /** Ends the stream: `batches()` comes to its end. */
  close(): void;
  /** Connections that were made, the first included. */
  readonly connectionsCount: number;
}

const channelsPerRequest = 200;

/** Connects, finds the instruments, and refuses if none has such a name. Events come when `batches()` is gone through, once. */
export async function followDeribit(url: string, settings: FollowSettings): Promise<LiveSource> {
  if (settings.instruments.length === 0)
    throw new FeatureRefusal({
      argument: "follow.instruments",
      value: [],
      wanted: "names, like BTC-PERPETUAL or ETH-*",
    });
  const socket = await SubscriptionSocket.open(url);
  try {
    const answer = await socket.request("public/get_instruments", { currency: "any", expired: false });
    const survey = new Survey();
    deribit.survey({ body: { result: answer }, url: "", receivedNs: NaN }, survey);
    const chosen = [...survey.listed.keys()].filter((name) => settings.instruments.some((one) => isNamed(one, name)));
    if (chosen.length === 0) {
      const some = [...survey.listed.keys()].slice(0, 10).join(", ");
      throw new ReadRefusal({
        file: url,
        found: `no instrument ${settings.instruments.join(", ")}`,
        wanted: `one like ${some}`,
      });
    }
    for (const name of chosen) survey.instrument(name).hasBook = true;
    const list = (answer as { readonly instrument_name: string }[]).filter((one) =>
      chosen.includes(one.instrument_name),
    );
    const now = secondsText(1e3 * Date.now());
    settings.record?.(`${url} <-> ${now}`);
    settings.record?.(`${url} -> ${now}: ${JSON.stringify({ result: list })}`);
    return new DeribitFollower(url, socket, survey, settings);
  } catch (error) {
    socket.close();
    throw error;
  }
}

class DeribitFollower implements LiveSource {
  readonly instruments;
  readonly originNs: bigint;
  readonly progress = blankProgress(0);
  connectionsCount = 1;
  readonly #url: string;
  readonly #settings: FollowSettings;
  readonly #survey: Survey;
  readonly #originMs: number;
  #socket: SubscriptionSocket;
  #closed = false;
  #messagesCount = 0;
  #wake: () => void = () => undefined;

  constructor(url: string, socket: SubscriptionSocket, survey: Survey, settings: FollowSettings) {
    this.#url = url;
    this.#socket = socket;
    this.#survey = survey;
    this.#settings = settings;
    this.instruments = survey.instruments(settings.terms, deribitName);
    this.originNs = midnightBefore(BigInt(Date.now()) * 1_000_000n);
    this.#originMs = Number(this.originNs / 1_000_000n);
  }

  close(): void {
    this.#closed = true;
    this.#socket.close();
    this.#wake();
  }

  async *batches(): AsyncGenerator<EventBatch> {
    const { instruments, progress } = this;
    const context = new VenueContext({
      source: this.#url,
      instruments,
      originMs: this.#originMs,
      survey: this.#survey,
    });
    const decoder = deribit.decoder(context);
    const writer = new EventWriter();
    const batchOf = (): EventBatch => {
      progress.eventsCount += writer.batch.count;
      progress.gapsCount = decoder.gapsCount;
      progress.skippedCount = decoder.skippedCount;
      return writer.batch;
    };
    try {
      while (!this.#closed) {
        await this.#subscribe(instruments.map(({ name }) => name)).catch((error: unknown) => {
          // What the venue refuses at the beginning it refuses for good: an interval that asks for a session, say.
          if (this.connectionsCount === 1 && !this.#socket.isClosed) throw error;
          this.#socket.close();
        });
        for await (const messages of this.#socket.messages()) {
          for (const { text, receivedUs } of messages) {
            progress.bytesRead += text.length;
            this.#settings.record?.(`${secondsText(receivedUs)}: ${text}`);
            context.place = `message ${++this.#messagesCount}`;
            const receivedNs = (receivedUs - 1e3 * this.#originMs) * 1e3;
            decoder.message({ body: JSON.parse(text), url: "", receivedNs }, writer);
          }
          for (const index of decoder.broken) this.#again(instruments[index]!.name);
          decoder.broken.clear();
          if (writer.batch.count > 0) yield batchOf();
          writer.clear();
        }
        if (this.#closed) return;
        const nowMs = Date.now();
        this.#settings.record?.(`${this.#url} <-> ${secondsText(1e3 * nowMs)}`);
        decoder.reconnected((nowMs - this.#originMs) * 1e6, writer);
        decoder.broken.clear();
        yield batchOf();
        writer.clear();
        await this.#reconnect();
      }
    } finally {
      this.close();
    }
  }

  async #subscribe(names: readonly string[]): Promise<void> {
    const { interval = "100ms" } = this.#settings;
    const channels = names.flatMap((name) =>
      ["book", "trades", "ticker"].map((family) => `${family}.${name}.${interval}`),
    );
    for (let from = 0; from < channels.length; from += channelsPerRequest)
      await this.#socket.request("public/subscribe", { channels: channels.slice(from, from + channelsPerRequest) });
  }

  /** A book that is broken begins again with a snapshot when it is subscribed anew. */
  #again(name: string): void {
    const channels = [`book.${name}.${this.#settings.interval ?? "100ms"}`];
    const socket = this.#socket;
    void socket
      .request("public/unsubscribe", { channels })
      .then(() => socket.request("public/subscribe", { channels }))
      .catch(() => socket.close());
  }

  async #reconnect(): Promise<void> {
    const { waitMs = 500, waitMsMax = 30_000 } = this.#settings;
    for (let wait = waitMs; !this.#closed; wait = Math.min(2 * wait, waitMsMax)) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, wait);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      if (this.#closed) return;
      const socket = await SubscriptionSocket.open(this.#url).catch(() => undefined);
      if (socket === undefined) continue;
      this.#socket = socket;
      this.connectionsCount++;
      if (this.#closed) socket.close();
      return;
    }
  }
}

/** As captures have times: seconds since 1970 with six decimals. */
function secondsText(us: number): string {
  const text = String(Math.round(us));
  return `${text.slice(0, -6)}.${text.slice(-6)}`;
}

function isNamed(pattern: string, name: string): boolean {
  const parts = pattern.split("*").map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${parts.join(".*")}$`).test(name);
}
