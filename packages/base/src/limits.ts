/**
 * Every queue, message, book and loop has a limit, and the limit has a name here. Those marked *consensus* are part of
 * what validators agree on: changing one changes what is valid.
 */

export const limits = {
  // consensus: formats
  commandSizeMax: 64 * 1024,
  commandPartsCountMax: 100,
  labelSizeMax: 64,
  addressSizeMax: 128,
  payloadSizeMax: 1024 * 1024,
  payloadCommandsCountMax: 20_000,
  batchPayloadSizeMax: 256 * 1024,
  /** Batches that one block orders from one lane. */
  laneBatchesPerBlockCountMax: 64,
  /** Commands that a leader orders beside batches. */
  looseSizeMax: 32 * 1024,
  /** Proofs of availability in one header, together. */
  laneProofsSizeMax: 64 * 1024,
  validatorsCountMax: 128,
  skipsInlineCountMax: 64,
  evidenceCountMax: 16,
  /** Of one piece of evidence, and of all in a block. */
  evidenceSizeMax: 64 * 1024,
  moduleRootsCountMax: 32,
  priceItemsCountMax: 256,
  instrumentNameSizeMax: 64,
  genesisSizeMax: 4 * 1024 * 1024,
  merkleKeySizeMax: 96,
  merkleLeafSizeMax: 64 * 1024,
  stateRecordSizeMax: 64 * 1024,
  stateRecordsCountMax: 50_000_000,

  // consensus: protocol (consensus.md 3.16b)
  executionLagMin: 2,
  executionLagMax: 512,
  /** Leaders carry the roots of every height that is a multiple of this: there a snapshot can be proven. Not a rule of validity. */
  checkpointBlocks: 16,
  clockPrecisionMs: 250,
  messageDelayMs: 2_000,
  repairItemsCountMax: 64,
  /** Events of one block in one proof; a block with more is answered in several. */
  eventsPerProofCountMax: 256,
  /** Certificates of blocks in one answer. */
  certificatesPerAnswerCountMax: 256,
  /** Notarized blocks above the last final one; also how far below its finalization certificate a block can be final. */
  descendantsCountMax: 1_024,

  // consensus: state
  openOrdersPerAccountCountMax: 2_000,
  openOrdersPerBookCountMax: 100_000,
  /** Resting orders that one incoming order may meet: what bounds the work of a single command. */
  ordersMetCountMax: 500,
  /** Size of one order in lots: sums over a full book stay exact. */
  orderLotsMax: 1_000_000_000,
  /** A price in 1e-8 stays a safe integer, with room for one more tick. */
  priceE8Max: 9_000_000_000_000_000,
  nonceWindowSize: 1_024,
  commandLifetimeMsMax: 24 * 60 * 60 * 1000,
  sessionKeysPerAccountCountMax: 32,
  subaccountsCountMax: 20,

  // consensus, local to each replica
  voteRetentionViews: 256,
  inactivityViews: 32,
  viewTimeoutMsMax: 10_000,
  idleBlockMs: 1_000,
  /** How many heights above its last final block a replica that knows of later final ones keeps whole blocks. */
  catchUpBlocksCountMax: 256,
  /** Final blocks kept in memory for a peer that is just behind. */
  recentBlocksCountMax: 16,
  /** Payload bytes in one answer with final blocks; a single larger block still goes alone. */
  repairAnswerSizeMax: 1024 * 1024,
  /** Of one answer about what a block changed (`protocol/changes.ts`); its records have `changedRecordsSizeMax` bytes at most. */
  changedRecordsCountMax: 4_096,
  changedRecordsSizeMax: 256 * 1024,
  /** Of one snapshot, which is held in memory and read as one file; and how large a chunk may be. */
  snapshotSizeMax: 2 * 1024 * 1024 * 1024,
  snapshotChunksCountMax: 65_536,
  snapshotChunkSizeMax: 1024 * 1024,

  /** Batches above what is final that a replica keeps of one lane, and their bytes. */
  laneAheadCountMax: 64,
  laneAheadSizeMax: 4 * 1024 * 1024,
  /** The same with what was fetched for proposals, other versions of places included; only certified batches go beyond it. */
  laneVersionsSizeMax: 8 * 1024 * 1024,
  /** Half of both: so far may an owner be ahead of what it knows to be safe. */
  laneOwnAheadCountMax: 32,
  laneOwnAheadSizeMax: 2 * 1024 * 1024,
  /** While a lane flows, batches with these multiples are acknowledged: all validators pick the same. */
  laneAcknowledgeEvery: 8,
  /** And batches of so many bytes at least: seven smaller ones and the largest fit into a block. */
  laneAcknowledgeSize: 64 * 1024,
  /** Blocks for which final batches are kept for peers that still need them, and the bytes of one lane. */
  laneRetentionBlocks: 256,
  laneRetentionSizeMax: 4 * 1024 * 1024,
  /** Blocks for which a leader takes only proven batches from an owner whose batch had to be fetched. */
  laneBlameBlocks: 1_000,

  // node, local
  mempoolCommandsCountMax: 100_000,
  mempoolSizeMax: 64 * 1024 * 1024,
  mempoolCommandsPerAccountCountMax: 4_096,
  /** Of all commands together for which no open account answers yet. */
  mempoolCommonCommandsCountMax: 1_024,
  mempoolCommonSizeMax: 1024 * 1024,
  peerQueueSizeMax: 16 * 1024 * 1024,
  frameSizeMax: 2 * 1024 * 1024,
  /** Of a frame between votes: a certificate of 128 validators is a tenth of it. */
  voteFrameSizeMax: 128 * 1024,
  logSegmentSizeMax: 64 * 1024 * 1024,
  /** Connections to a door that are sent every block. */
  followersCountMax: 256,

  // gateway, local
  requestSizeMax: 64 * 1024,
  connectionsCountMax: 4_096,
  connectionsPerAddressCountMax: 256,
  channelsPerConnectionCountMax: 1_000,
  requestsInFlightPerConnectionCountMax: 1_000,
  sendQueueSizeMax: 8 * 1024 * 1024,
} as const;
