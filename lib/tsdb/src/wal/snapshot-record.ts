// Records of a memory snapshot.
//
// 1 series: BE64 ref, labels, BE64 0, uvarint has-chunk, [BE64 mint, BE64 maxt, encoding, uvarint-bytes chunk, last value].
// 2 tombstones: uvarint-bytes of a tombstones file's content. 3 exemplars: as in the write-ahead log.
import { ByteReader, messageOf } from "@deucalion/base";
import type { Labels } from "@deucalion/model";
import { decodeTombstones, type Tombstones } from "../block/tombstones.ts";
import { TsdbError } from "../errors.ts";
import { readExemplars, readWalLabels, type WalExemplar } from "./wal-record.ts";

/** The open chunk of a series at the time of the snapshot. */
export interface SnapshotChunk {
  readonly minTime: number;
  readonly maxTime: number;
  readonly encoding: number;
  readonly data: Uint8Array;
}

export type SnapshotRecord =
  | {
      readonly kind: "series";
      readonly ref: number;
      readonly labels: Labels;
      readonly chunk: SnapshotChunk | null;
    }
  | { readonly kind: "tombstones"; readonly tombstones: Tombstones }
  | { readonly kind: "exemplars"; readonly exemplars: readonly WalExemplar[] };

/** Decodes one record of a snapshot. Throws TSDB_WAL_RECORD or TSDB_TOMBSTONES. */
export function decodeSnapshotRecord(data: Uint8Array): SnapshotRecord {
  const from = new ByteReader(data);
  try {
    const type = from.u8();
    if (type === 3) return { kind: "exemplars", exemplars: readExemplars(from) };
    if (type === 2) {
      return { kind: "tombstones", tombstones: decodeTombstones(from.uvarintBytes()) };
    }
    if (type !== 1) throw new TsdbError("TSDB_WAL_RECORD", `unknown snapshot record ${type}`);
    const ref = from.u64();
    const labels = readWalLabels(from);
    from.skip(8);
    if (from.uvarint() === 0) return { kind: "series", ref, labels, chunk: null };
    const minTime = from.i64();
    const maxTime = from.i64();
    const encoding = from.u8();
    const chunk = { minTime, maxTime, encoding, data: from.uvarintBytes() };
    return { kind: "series", ref, labels, chunk };
  } catch (thrown) {
    if (thrown instanceof TsdbError) throw thrown;
    const text = `snapshot record: ${messageOf(thrown)}`;
    throw new TsdbError("TSDB_WAL_RECORD", text, {}, { cause: thrown });
  }
}
