/** The chain behind the venue: how far it is, who its validators are, and what it has proven of them. Deribit has no such method. */
import { toHex } from "@stoa/base/bytes";
import { convictionsIn, offenceCodes } from "@stoa/protocol/finality/evidence";
import { publicMethod, type Method } from "../method.ts";

export const chainMethods: readonly Method[] = [
  publicMethod("get_chain_status", {
    handle({ upstream }) {
      const { genesis, chainId, query } = upstream;
      const convictions = new Map(
        convictionsIn(upstream.convicted()).map(({ validator, kinds }) => [validator, kinds]),
      );
      return {
        chain_id: toHex(chainId),
        height: query.height(),
        timestamp: query.timeMs(),
        validators: genesis.validators.map(({ name, key, stake }, index) => ({
          name,
          key: toHex(key),
          stake,
          offences: (convictions.get(index as never) ?? []).map((kind) => ({ code: offenceCodes[kind], kind })),
        })),
      };
    },
  }),
];
