/** Frames on a byte stream: a u32 length, little endian, then as many bytes. Lengths of zero or above the limit are refused. */

export const frameHeadSize = 4;

/** The head of a frame of `size` bytes. */
export function frameHead(size: number): Uint8Array {
  const head = Buffer.allocUnsafe(frameHeadSize);
  head.writeUInt32LE(size);
  return head;
}

export interface FrameReader {
  /** Takes bytes off the stream and calls back for each whole frame. False when the stream is no sequence of legal frames. */
  readonly push: (chunk: Uint8Array, onFrame: (frame: Uint8Array) => void) => boolean;
  /** Whether a part of a frame is here and the rest is not. */
  readonly isWaiting: () => boolean;
}

/** PERF: a frame that arrives in one chunk is not copied; one that arrives in many is copied once. */
export function createFrameReader(frameSizeMax: number): FrameReader {
  let head = Buffer.alloc(frameHeadSize);
  let headCount = 0;
  let body: Buffer | undefined;
  let bodyCount = 0;
  return {
    isWaiting: () => body !== undefined || headCount > 0,
    push(chunk, onFrame) {
      for (let offset = 0; offset < chunk.length; ) {
        if (body === undefined) {
          const taken = Math.min(frameHeadSize - headCount, chunk.length - offset);
          head.set(chunk.subarray(offset, offset + taken), headCount);
          headCount += taken;
          offset += taken;
          if (headCount < frameHeadSize) return true;
          headCount = 0;
          const size = head.readUInt32LE();
          if (size === 0 || frameSizeMax < size) return false;
          if (offset + size <= chunk.length) {
            onFrame(chunk.subarray(offset, offset + size));
            offset += size;
            continue;
          }
          body = Buffer.allocUnsafe(size);
          bodyCount = 0;
        }
        const taken = Math.min(body.length - bodyCount, chunk.length - offset);
        body.set(chunk.subarray(offset, offset + taken), bodyCount);
        bodyCount += taken;
        offset += taken;
        if (bodyCount < body.length) return true;
        const whole = body;
        body = undefined;
        onFrame(whole);
      }
      return true;
    },
  };
}
