/**
 * The table of `stoa` commands. Each is a module of its own that is loaded when it is called, so that `stoa --help` needs nothing of
 * the exchange. Whatever a command throws becomes one line on stderr and a non-zero exit code.
 */
import { Command, CommanderError, InvalidArgumentError } from "commander";
import { reportFailure } from "./child.ts";
import type { LaneMode } from "@stoa/node/own-lane";
import type { CertificatesName } from "@stoa/protocol/finality/scheme";
import type { FullNodeFlags } from "./commands/full-node.ts";
import type { GenesisFlags } from "./commands/genesis.ts";
import type { SimulateFlags } from "./commands/simulate.ts";
import type { Address } from "./devnet/folder.ts";
import { describeFailure, isFault } from "./failure.ts";
import { addFeatureCommands } from "./features/flags.ts";
import { addPriceFlags, type PriceFlags } from "./price/flags.ts";

const dataDefault = ".stoa";

function wholeNumber(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError("a whole number is wanted.");
  return Number(text);
}

function positiveNumber(text: string): number {
  const number = wholeNumber(text);
  if (number < 1) throw new InvalidArgumentError("at least 1 is wanted.");
  return number;
}

function address(text: string): Address {
  const [, host, port] = /^(.+):(\d{1,5})$/.exec(text) ?? [];
  if (host === undefined || 65_535 < Number(port)) throw new InvalidArgumentError("HOST:PORT is wanted.");
  return { host, port: Number(port) };
}

const addresses = (text: string): readonly Address[] => text.split(",").map(address);

function certificatesName(text: string): CertificatesName {
  if (text === "ed25519-list" || text === "bls-multisig") return text;
  throw new InvalidArgumentError("ed25519-list or bls-multisig is wanted.");
}

function laneMode(text: string): LaneMode {
  if (text === "auto" || text === "never" || text === "always") return text;
  throw new InvalidArgumentError("auto, never or always is wanted.");
}

function program(): Command {
  const stoa = new Command("stoa")
    .description("A decentralised exchange for options, futures and perpetuals.")
    // Flags behind a command are that command's: features has flags of its own beside its commands.
    .enablePositionalOptions()
    .showHelpAfterError("(stoa --help lists the commands)")
    .exitOverride();
  addProcesses(stoa);
  addKeys(stoa);
  addTools(stoa);
  addPriceFlags(stoa.command("price"))
    .description("price an option, a chain of quotes (file or gateway) with its surface, or a file of positions")
    .action(async (flags: PriceFlags) => (await import("./commands/price.ts")).runPrice(flags));
  addFeatureCommands(stoa);
  return stoa;
}

/** What runs until it is told to end. */
function addProcesses(stoa: Command): void {
  stoa
    .command("devnet")
    .description("start four validators, a gateway and a simulated market on this machine")
    .option("--data <folder>", "where everything is kept", dataDefault)
    .option("--fresh", "begin anew: remove what an earlier start left in the folder", false)
    .option("--port <base>", "first port: http at it, the rest above; 0 takes free ports", wholeNumber)
    .option("--index <file>", "index prices from a CSV file (time, btc_usd, eth_usd) instead of a seeded path")
    .option("--seed <number>", "seed of the simulated prices and trades", wholeNumber)
    .option("--retention <blocks>", "blocks that each validator keeps; all when absent, for replays", positiveNumber)
    .option("--certificates <scheme>", "of a new devnet: ed25519-list (default) or bls-multisig", certificatesName)
    .option("--no-market", "no simulated market makers and takers")
    .option("--quiet", "start-up and endings only, no status", false)
    .action(async (options: DevnetFlags) => {
      const { runDevnet } = await import("./devnet/devnet.ts");
      await runDevnet({
        ...options,
        dataDir: options.data,
        indexFile: options.index,
        port: options.port,
        seed: options.seed,
        retentionBlocks: options.retention,
        certificates: options.certificates,
      });
    });

  stoa
    .command("node")
    .description("run one validator from its folder")
    .requiredOption("--data <folder>", "the validator's folder, such as .stoa/validator-0")
    .option("--lanes <mode>", "whether commands go into the validator's lane: auto, never or always", laneMode, "auto")
    .option("--votes-lost", "this validator has voted on this chain, and nothing of that is in the folder")
    .option("--snapshot <file>", "start from the state in this file, as `stoa snapshot` wrote it, unless it is behind")
    .action(async ({ data, lanes, votesLost, snapshot }: DataFlag & NodeFlags) =>
      (await import("./commands/node.ts")).runNode(data, { lanes, votesLost: votesLost === true, snapshot }),
    );

  stoa
    .command("full-node")
    .description("follow a chain without voting, and serve it to gateways, clients and other nodes")
    .requiredOption("--data <folder>", "where everything is kept")
    .option("--genesis <file>", "the genesis of the chain; needed at the first start")
    .option("--doors <addresses>", "doors of nodes to follow, HOST:PORT,HOST:PORT", addresses)
    .option("--devnet <folder>", "genesis and doors of a devnet on this machine, in the place of both")
    .option("--listen <address>", "where its own door is", address, { host: "127.0.0.1", port: 0 })
    .option("--metrics <address>", "where Prometheus reads", address, { host: "127.0.0.1", port: 0 })
    .option("--from-snapshot", "begin with a snapshot even if the doors still have every block", false)
    .option("--snapshot <file>", "start from the state in this file, as `stoa snapshot` wrote it, unless it is behind")
    .option("--retention <blocks>", "blocks to keep; a million when absent", positiveNumber)
    .action(async ({ data, ...flags }: DataFlag & FullNodeFlags) =>
      (await import("./commands/full-node.ts")).runFullNode(data, flags),
    );

  stoa
    .command("gateway")
    .description("run the API gateway from its folder")
    .requiredOption("--data <folder>", "the gateway's folder, such as .stoa/gateway")
    .action(async ({ data }: DataFlag) => (await import("./commands/gateway.ts")).runGateway(data));

  stoa
    .command("market")
    .description("run the simulated market makers and takers of a devnet over its public API")
    .option("--data <folder>", "the devnet's folder", dataDefault)
    .action(async ({ data }: DataFlag) => (await import("./commands/market.ts")).runMarketOf(data));
}

function addKeys(stoa: Command): void {
  stoa
    .command("genesis")
    .description("make the keys, genesis and folders of a devnet without starting it, or show those of a folder")
    .option("--data <folder>", "the devnet's folder", dataDefault)
    .option("--show", "only show what is there", false)
    .option("--port <base>", "first port; 0 takes free ports", wholeNumber)
    .option("--seed <number>", "seed of the simulated prices", wholeNumber)
    .option("--certificates <scheme>", "ed25519-list (default) or bls-multisig", certificatesName)
    .action(async ({ data, ...flags }: DataFlag & GenesisFlags) =>
      (await import("./commands/genesis.ts")).runGenesis(data, flags),
    );

  const keys = stoa.command("keys").description("make and show secret keys (ed25519)");
  keys
    .command("create")
    .description("write a new key file, readable by you alone, and print its public key")
    .argument("<file>")
    .option(
      "--from <digits>",
      "the secret itself, 64 hexadecimal digits, or - to read it from stdin; random when absent",
    )
    .action(async (file: string, { from }: { from?: string }) =>
      (await import("./commands/keys.ts")).createKey(file, from),
    );
  keys
    .command("show")
    .description("print the public key of a key file")
    .argument("<file>")
    .action(async (file: string) => (await import("./commands/keys.ts")).showKey(file));
}

/** What looks at a network, or at a simulated one. */
function addTools(stoa: Command): void {
  stoa
    .command("status")
    .description("ask every validator of a devnet how it does, and compare their states")
    .option("--data <folder>", "the devnet's folder", dataDefault)
    .option("--json", "everything as one JSON object, with every root in full", false)
    .action(async ({ data, json }: DataFlag & { json: boolean }) =>
      (await import("./commands/status.ts")).runStatus(data, { json }),
    );

  stoa
    .command("evidence")
    .description("print what a node can prove of validators that broke the rules, as a file that verify-evidence reads")
    .option("--data <folder>", "the folder of a validator or of a gateway", dataDefault)
    .option("--out <file>", "write it there, and print it in words")
    .action(async ({ data, out }: DataFlag & { out?: string }) =>
      (await import("./commands/evidence.ts")).runEvidence(data, out),
    );

  stoa
    .command("verify-evidence")
    .description(
      "say whom a file of evidence convicts, and of what; needs no node. Exit code 1 when it convicts nobody",
    )
    .argument("<file>")
    .requiredOption("--genesis <file>", "genesis.bin of the chain, or a folder that holds it")
    .action(async (file: string, { genesis }: { genesis: string }) =>
      (await import("./commands/verify-evidence.ts")).runVerifyEvidence(file, genesis),
    );

  stoa
    .command("snapshot")
    .description("write the newest state of a node that a final header proves, with the proof, into one file")
    .requiredOption("--data <folder>", "a node's folder, such as .stoa/validator-0; the node may be running")
    .requiredOption("--out <file>", "a file that does not exist yet")
    .action(async ({ data, out }: DataFlag & { out: string }) =>
      (await import("./commands/snapshot.ts")).runSnapshot(data, { out }),
    );

  stoa
    .command("replay")
    .description("execute a block log again from genesis and compare every root in its headers")
    .option("--data <folder>", "a validator's folder, or a devnet's for all of its validators", dataDefault)
    .option("--every <blocks>", "print a line each so many blocks", wholeNumber, 10_000)
    .action(async ({ data, every }: DataFlag & { every: number }) =>
      (await import("./commands/replay.ts")).runReplay(data, { every }),
    );

  stoa
    .command("simulate")
    .description("run whole clusters, each on one thread under a seed, with everything that can go wrong")
    .option("--seed <number>", "the first seed", wholeNumber, 1)
    .option("--seeds <number>", "how many seeds", wholeNumber, 1)
    .option("--nodes <number>", "how many validators; drawn from the seed when absent", wholeNumber)
    .option("--minutes <number>", "how long faults last in each seed, in simulated minutes; drawn when absent", Number)
    .option(
      "--jobs <number>",
      "seeds at a time, each in a process; one less than there are cores when absent",
      wholeNumber,
    )
    .option("--application <name>", "what the validators agree about: toy or exchange", "toy")
    .option("--twice", "run every seed twice and compare the audit hashes", false)
    .option(
      "--only <parts>",
      "keep only these faults of the plan, as a failure names them, such as f3,a1,loss, or none",
    )
    .option("--explain", "tell the story of one seed: what every node saw and did", false)
    .option("--fork", "over a third of the stake is faulty: forks may happen, and must convict", false)
    .action(async (flags: SimulateFlags) => (await import("./commands/simulate.ts")).runSimulate(flags));
}

interface DataFlag {
  readonly data: string;
}

interface NodeFlags {
  readonly lanes: LaneMode;
  readonly votesLost?: boolean;
  readonly snapshot?: string;
}

interface DevnetFlags extends DataFlag {
  readonly fresh: boolean;
  readonly port: number | undefined;
  readonly index: string | undefined;
  readonly seed: number | undefined;
  readonly retention: number | undefined;
  readonly certificates: CertificatesName | undefined;
  readonly market: boolean;
  readonly quiet: boolean;
}

// Whoever reads has seen enough, as `head` has: there is nobody left to be told anything.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(0);
  throw error;
});
try {
  await program().parseAsync(process.argv);
} catch (error) {
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode;
  } else {
    const message = describeFailure(error);
    process.stderr.write(`stoa: ${message}\n`);
    if (isFault(error) && process.env["STOA_DEBUG"] !== undefined) process.stderr.write(`${(error as Error).stack}\n`);
    reportFailure(message);
    process.exitCode = 1;
  }
}
// A command has said all that it had to say: the channel to a parent, or a handle that a failure left open, must not keep it.
if (process.connected) process.disconnect?.();
setTimeout(() => process.exit(), 500).unref();
