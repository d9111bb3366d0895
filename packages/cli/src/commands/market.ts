/** `stoa market`: the simulated market of a devnet as a process, with the API keys of its folder. */
import { endRequested, reportReady } from "../child.ts";
import { loadApiKeys, loadNetwork } from "../devnet/folder.ts";
import { devnetParticipants } from "../devnet/participants.ts";
import { host } from "../devnet/ports.ts";
import { runMarket, type MarketOptions } from "../market/market.ts";

export async function runMarketOf(dataDir: string): Promise<void> {
  const ended = endRequested();
  const network = loadNetwork(dataDir);
  const roles = new Map(devnetParticipants.map(({ name, role }) => [name, role]));
  const keys = loadApiKeys(dataDir).flatMap((key): MarketOptions["keys"] => {
    const role = roles.get(key.name);
    return role === "maker" || role === "taker" ? [{ ...key, role }] : [];
  });
  reportReady();
  await runMarket(
    {
      url: `ws://${host}:${network.ports.http}/ws/api/v2`,
      seed: network.prices.seed,
      keys,
      log: (line) => console.log(`${new Date().toISOString()} ${line}`),
    },
    ended,
  );
}
