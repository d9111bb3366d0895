/**
 * A set of numbers that remembers the order in which they came and from where: open addressing over typed arrays, eight
 * bytes a key and eight for the rest, so that tens of millions fit where a `Set` would hold none.
 */
const blockSize = 1 << 20;

export class StateTable {
  count = 0;
  private slots = new Uint32Array(1 << 16);
  /** Grown by blocks, so that growing never copies what is there. */
  private readonly keys: Float64Array[] = [];
  private readonly parents: Uint32Array[] = [];

  keyAt(index: number): number {
    return this.keys[Math.floor(index / blockSize)]![index % blockSize]!;
  }

  parentAt(index: number): number {
    return this.parents[Math.floor(index / blockSize)]![index % blockSize]!;
  }

  /** Adds a key unless it is there; says whether it was new. */
  add(key: number, parent: number): boolean {
    if (this.slots.length < 2 * this.count) this.grow();
    const slot = this.slotOf(key);
    if (this.slots[slot] !== 0) return false;
    const index = this.count++;
    if (index % blockSize === 0) {
      this.keys.push(new Float64Array(blockSize));
      this.parents.push(new Uint32Array(blockSize));
    }
    this.keys.at(-1)![index % blockSize] = key;
    this.parents.at(-1)![index % blockSize] = parent;
    this.slots[slot] = this.count;
    return true;
  }

  /** The slot that holds the key, or the free one where it belongs. Slots hold the index plus one. */
  private slotOf(key: number): number {
    const mask = this.slots.length - 1;
    const low = key % 4_294_967_296;
    const high = Math.floor(key / 4_294_967_296);
    let hash = Math.imul(low ^ Math.imul(high, 0x9e3779b1), 0x85ebca6b);
    hash = Math.imul(hash ^ (hash >>> 15), 0xc2b2ae35);
    let slot = (hash ^ (hash >>> 13)) & mask;
    while (this.slots[slot] !== 0 && this.keyAt(this.slots[slot]! - 1) !== key) slot = (slot + 1) & mask;
    return slot;
  }

  private grow(): void {
    this.slots = new Uint32Array(2 * this.slots.length);
    for (let index = 0; index < this.count; index++) this.slots[this.slotOf(this.keyAt(index))] = index + 1;
  }
}
