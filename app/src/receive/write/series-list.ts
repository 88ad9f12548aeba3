// The series of one write request as ranges of bytes: `prometheus.TimeSeries` messages, whatever they came as.

/** Messages `data[starts[i], ends[i])`. The data is shared and never written to. */
export class SeriesList {
  readonly data: Uint8Array;
  readonly starts: number[] = [];
  readonly ends: number[] = [];

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
    this.add(other.starts[index]!, other.ends[index]!);
  }
}

/** Series of one tenant. */
export interface TenantSeries {
  readonly tenant: string;
  readonly series: SeriesList;
}
