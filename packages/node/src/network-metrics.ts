/** What Prometheus may read of the mesh: counts by channel, who is cut off, and the alarms of the network. */
import { Counter, Gauge, type Registry } from "prom-client";
import { channels } from "./network/channels.ts";
import type { ChannelCounts } from "./network/line.ts";
import { networkAlarms } from "./network/view-watch.ts";
import type { ConsensusProgress } from "./thread-message.ts";

const channelHelp: Readonly<Record<keyof ChannelCounts, readonly [name: string, help: string]>> = {
  sentCount: ["frames_sent", "Frames written to validators"],
  sentSize: ["bytes_sent", "Bytes of frames written to validators"],
  receivedCount: ["messages_received", "Messages from validators; each command in a message counts as one"],
  receivedSize: ["bytes_received", "Bytes from validators"],
  droppedCount: ["frames_dropped", "Frames dropped because too much waited for a validator"],
  slowCount: ["slow_readers", "Connections given up because a validator did not read"],
  throttledCount: ["throttled", "Times that a validator over its budget was not read for a while"],
};
const channelCounts = Object.keys(channelHelp) as readonly (keyof ChannelCounts)[];

/** The thread of consensus tells totals; the counters are brought up to them. */
export function createNetworkMetrics(
  registry: Registry,
): (progress: Pick<ConsensusProgress, "network" | "alarms">) => void {
  const registers = [registry];
  const counter = (name: string, help: string) => new Counter({ name: `stoa_${name}_total`, help, registers });
  const banned = new Gauge({
    name: "stoa_peers_banned",
    help: "Validators cut off for a while for what no honest validator does",
    registers,
  });
  const alarm = new Gauge({
    name: "stoa_alarm",
    help: "1 while an operator should look at this",
    labelNames: ["kind"],
    registers,
  });
  const offences = counter("peer_offences", "Times that a validator did what no honest validator does");
  const refused = counter("mesh_connections_refused", "Connections closed before or in their handshake");
  const byChannel = channelCounts.map((count) => {
    const [name, help] = channelHelp[count];
    const shown = new Counter({ name: `stoa_mesh_${name}_total`, help, labelNames: ["channel"], registers });
    return { count, shown };
  });
  const before = new Map<string, number>();
  const grownBy = (name: string, total: number): number => {
    const grown = total - (before.get(name) ?? 0);
    before.set(name, total);
    return grown;
  };
  return ({ network, alarms }) => {
    banned.set(network.banned.length);
    for (const kind of networkAlarms) alarm.set({ kind }, alarms.some((raised) => raised.kind === kind) ? 1 : 0);
    offences.inc(grownBy("offences", network.offencesCount));
    refused.inc(grownBy("refused", network.refusedCount));
    for (const { count, shown } of byChannel)
      for (const channel of channels)
        shown.inc({ channel }, grownBy(`${count} ${channel}`, network.channels[channel][count]));
  };
}
