// Which peer of a groupcache holds a key: as Thanos' gateways choose, so that both may be in one ring.
import { crc32 } from "node:zlib";

/** Places of each peer on the ring. */
const placesOfPeer = 50;

export class PeerRing {
  readonly #hashes: Uint32Array;
  readonly #owners = new Map<number, string>();

  constructor(peers: readonly string[]) {
    const hashes: number[] = [];
    for (const peer of peers)
      for (let i = 0; i < placesOfPeer; i++) {
        const hash = crc32(`${i}${peer}`);
        hashes.push(hash);
        this.#owners.set(hash, peer);
      }
    this.#hashes = Uint32Array.from(hashes).sort();
  }

  /** The address of the peer; undefined where there is none. */
  owner(key: string): string | undefined {
    const hash = crc32(key);
    let from = 0;
    let to = this.#hashes.length;
    while (from < to) {
      const middle = (from + to) >>> 1;
      if (this.#hashes[middle]! >= hash) to = middle;
      else from = middle + 1;
    }
    const at = this.#hashes[from] ?? this.#hashes[0];
    return at === undefined ? undefined : this.#owners.get(at);
  }
}
