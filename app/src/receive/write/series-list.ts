// The series of one write request as ranges of bytes: `prometheus.TimeSeries` messages, whatever they came as.

/** Metadata of a series, as version 2 of remote write sends it; `type` as in logs. */
export interface WrittenMetadata {
  readonly type: number;
  readonly unit: string;
  readonly help: string;
}

/** Messages `data[starts[i], ends[i])`. The data is shared and never written to. */
export class SeriesList {
  readonly data: Uint8Array;
  readonly starts: number[] = [];
  readonly ends: number[] = [];
  /** By index; null where no series has any. */
  metadata: Map<number, WrittenMetadata> | null = null;

  constructor(data: Uint8Array) {
    this.data = data;
  }

  get count(): number {
    return this.starts.length;
  }

  add(start: number, end: number): void {
    this.starts.push(start);
    this.ends.push(end);
  }

  /** Takes one series of another list over the same data. */
  addFrom(other: SeriesList, index: number): void {
    const metadata = other.metadata?.get(index);
    if (metadata !== undefined) {
      this.metadata ??= new Map();
      this.metadata.set(this.count, metadata);
    }
    this.add(other.starts[index]!, other.ends[index]!);
  }
}

/** Series of one tenant. */
export interface TenantSeries {
  readonly tenant: string;
  readonly series: SeriesList;
}
