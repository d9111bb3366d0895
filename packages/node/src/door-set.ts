/**
 * The doors of several validators, one of which brings blocks: the source. The others tell of new small blocks, too, and the first
 * that brings the next block is taken: validators learn at different times that a block is final. A source that goes away, cannot answer, or brings
 * nothing while others are ahead is left for another. Commands may be sent to all of them. Believes none of them: how far the
 * chain is, is what more than a third of the doors say.
 */
import type { FinalBlock } from "@stoa/protocol/block";
import { blockReplyHeight, type AdmissionRefusal, type DoorReply, type NodeStatus } from "@stoa/protocol/door";
import { openDoorLink, type DoorLink } from "./door-link.ts";
import type { Address } from "./network/mesh.ts";

export interface DoorSetEvents {
  /** From the source; false when it, or what came along, is wrong, and then another source is looked for. */
  readonly onBlock: (block: FinalBlock, encoded: Uint8Array) => boolean;
  readonly onSubmitted: (door: number, id: number, refusal: AdmissionRefusal) => void;
  readonly onUp: (door: number) => void;
  readonly onStatus: () => void;
  /** The height of the next block that is wanted. */
  readonly next: () => number;
  /** Whether blocks have arrived that are not yet executed: then silence is not the source's fault. */
  readonly busy: () => boolean;
  readonly report: (fact: string) => void;
}

export interface DoorState {
  readonly address: Address;
  readonly connected: boolean;
  /** Whether blocks come from here. */
  readonly following: boolean;
  /** What it said last. */
  readonly status: NodeStatus | undefined;
}

export interface DoorSet {
  readonly states: () => readonly DoorState[];
  /** False when that door is not connected. */
  readonly send: (door: number, request: Uint8Array) => boolean;
  /** The doors that are connected, and whether these are the doors of all `validatorsCount` validators. */
  readonly connected: () => { readonly doors: readonly number[]; readonly everyone: boolean };
  /** A height that the chain has reached, or `undefined` when no door has said anything. */
  readonly credibleHeight: () => number | undefined;
  readonly pause: () => void;
  readonly resume: () => void;
  /** To be called twice a second: asks all for their status and leaves a source that stalls. */
  readonly tick: () => void;
  readonly stop: () => void;
}

/** Numbers of requests: of a connection's one follow, and of all questions for its status. */
const ids = { follow: 1, status: 2, followNew: 3 } as const;
/** Larger blocks come from the source alone: there it is not the wait that counts. */
const newBlockSizeMax = 32 * 1024;
/** A source this far behind, that brings no block for this long, is left. */
const lagBlocksMax = 3;
const stallMsMax = 1_500;

export function openDoorSet(addresses: readonly Address[], validatorsCount: number, events: DoorSetEvents): DoorSet {
  const statuses: (NodeStatus | undefined)[] = addresses.map(() => undefined);
  let source: number | undefined;
  let progressMs = performance.now();
  let isPaused = false;

  const followFrom = (door: number): void => {
    source = door;
    progressMs = performance.now();
    links[door]!.send({ kind: "follow", id: ids.follow, from: events.next() as FinalBlock["header"]["height"] });
  };
  const leave = (door: number, fact: string): void => {
    events.report(`door ${addresses[door]!.host}:${addresses[door]!.port} ${fact}; left for another`);
    links[door]!.renew();
  };

  const onReply = (door: number, reply: DoorReply, bytes: Uint8Array): void => {
    switch (reply.kind) {
      case "block":
        if (door === source) progressMs = performance.now();
        // The encoding of a block stands behind the tag of the reply as it is.
        if (!events.onBlock(reply.block, bytes.subarray(1)))
          leave(door, "sent a block that is not final, or more with it than it needs or than holds");
        return;
      case "submitted":
        return events.onSubmitted(door, reply.id, reply.refusal);
      case "status":
        statuses[door] = reply.status;
        return events.onStatus();
      case "failure":
        if (door === source) leave(door, `could not answer: ${reply.reason}`);
        return;
      case "admitted":
      case "genesis":
      case "receipt":
        return;
    }
  };

  const links: readonly DoorLink[] = addresses.map((address, door) =>
    openDoorLink(address, {
      onUp() {
        links[door]!.send({ kind: "status", id: ids.status });
        if (source === undefined) followFrom(door);
        else links[door]!.send({ kind: "followNew", id: ids.followNew, sizeMax: newBlockSizeMax });
        events.onUp(door);
      },
      onDown() {
        statuses[door] = undefined;
        if (source !== door) return;
        source = undefined;
        // The next one in turn: two that cannot answer must not hand each other over what a third one has.
        const turn = links.map((_, index) => (door + 1 + index) % links.length);
        const other = turn.find((index) => links[index]!.connected());
        if (other !== undefined) followFrom(other);
      },
      wants(bytes) {
        const height = door === source ? undefined : blockReplyHeight(bytes);
        return height === undefined || (height === events.next() && !isPaused);
      },
      onReply: (reply, bytes) => onReply(door, reply, bytes),
    }),
  );

  const credibleHeight = (): number | undefined => {
    const heights = statuses.flatMap((status) => (status === undefined ? [] : [status.height as number]));
    return heights.sort((left, right) => right - left)[Math.floor((heights.length - 1) / 3)];
  };

  return {
    states: () =>
      addresses.map((address, door) => ({
        address,
        connected: links[door]!.connected(),
        following: source === door,
        status: statuses[door],
      })),
    send: (door, request) => links[door]!.sendEncoded(request),
    connected() {
      const doors = links.flatMap((link, door) => (link.connected() ? [door] : []));
      const validators = new Set(doors.map((door) => statuses[door]?.validator));
      return { doors, everyone: !validators.has(undefined) && validators.size === validatorsCount };
    },
    credibleHeight,
    pause() {
      isPaused = true;
      if (source !== undefined) links[source]!.pause();
    },
    resume() {
      isPaused = false;
      if (source !== undefined) links[source]!.resume();
    },
    tick() {
      for (const link of links) link.send({ kind: "status", id: ids.status });
      if (source === undefined || events.busy()) return;
      const behind = (credibleHeight() ?? 0) - events.next();
      if (lagBlocksMax < behind && progressMs + stallMsMax < performance.now())
        leave(source, `is ${behind} blocks behind and brings none`);
    },
    stop: () => links.forEach((link) => link.stop()),
  };
}
