// Where tracing hooks in. Exporters implement Tracer; without a configuration nothing is traced.

/** A piece of work in a trace. */
export interface Span {
  readonly traceId: string;
  readonly spanId: string;
  setTag(name: string, value: unknown): void;
  end(error?: unknown): void;
}

/** Starts spans. */
export interface Tracer {
  /** False for the tracer that does nothing. */
  readonly enabled: boolean;
  /** `headers` carry the caller's context; X-Thanos-Force-Tracing makes sampling certain. */
  start(
    name: string,
    parent?: Span,
    headers?: Readonly<Record<string, string | string[] | undefined>>,
  ): Span;
  /** The span that the work now running belongs to; undefined outside of all. */
  active(): Span | undefined;
  /** Does work that belongs to a span, in all that it waits for too. */
  within<T>(span: Span, work: () => T): T;
  /** What a request to another process carries so that its spans become children of this one. */
  carry(span: Span): Readonly<Record<string, string>>;
  /** Sends what is left; called once at the end of the process. */
  close(): Promise<void>;
}

const noSpan: Span = { traceId: "", spanId: "", setTag: () => undefined, end: () => undefined };

/** The tracer that does nothing. */
export const noTracer: Tracer = {
  enabled: false,
  start: () => noSpan,
  active: () => undefined,
  within: (_, work) => work(),
  carry: () => ({}),
  close: () => Promise.resolve(),
};
