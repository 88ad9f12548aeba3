// Data of a page that is read at once and then every few seconds, the last good answer being kept.
import { useEffect, useState } from "preact/hooks";
import { type Answer, call, type Params } from "../api/client.ts";

/** What a page knows at the moment. */
export interface PageData<T> {
  readonly answer: Answer<T> | null;
  /** Why the newest reading failed; the answer before it is still there. */
  readonly error: string | null;
  /** When `answer` was read, in milliseconds since 1970. */
  readonly atMs: number;
}

/** Reads `api/v1/<path>` now and every `everyMs` (0: once). `params` must be stable. */
export function usePageData<T>(path: string, everyMs: number, params?: Params): PageData<T> {
  const [data, setData] = useState<PageData<T>>({ answer: null, error: null, atMs: 0 });
  useEffect(() => {
    const abort = new AbortController();
    let timer = 0;
    const read = async (): Promise<void> => {
      try {
        if (!document.hidden) {
          const answer = await call<T>(path, params ?? {}, { signal: abort.signal });
          setData({ answer, error: null, atMs: Date.now() });
        }
      } catch (error) {
        if (abort.signal.aborted) return;
        const text = error instanceof Error ? error.message : String(error);
        setData((before) => ({ ...before, error: text }));
      }
      if (everyMs > 0 && !abort.signal.aborted)
        timer = window.setTimeout(() => void read(), everyMs);
    };
    void read();
    return () => {
      abort.abort();
      clearTimeout(timer);
    };
  }, [path, everyMs, params]);
  return data;
}
