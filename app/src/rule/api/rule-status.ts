// Statistics of the ruler's head for the Status API.
import type { SourceContext } from "@deucalion/model";
import {
  labelSetsMatch,
  matchersFromWire,
  type StatusSource,
  StoreApiError,
  type TsdbStatisticsEntry,
  type TsdbStatisticsRequest,
} from "@deucalion/storeapi";
import { headStatistics } from "../../receive/tenants/tenant-sources.ts";
import type { TsdbStorage } from "../storage/tsdb-storage.ts";

/** One entry, of no tenant. Throws STOREAPI_NOT_READY. */
export class RuleStatus implements StatusSource {
  readonly #storage: TsdbStorage;
  readonly #isReady: () => boolean;

  constructor(storage: TsdbStorage, isReady: () => boolean) {
    this.#storage = storage;
    this.#isReady = isReady;
  }

  tsdbStatistics(
    request: TsdbStatisticsRequest,
    _context: SourceContext,
  ): Promise<Map<string, TsdbStatisticsEntry>> {
    if (!this.#isReady()) {
      return Promise.reject(new StoreApiError("STOREAPI_NOT_READY", "not ready"));
    }
    const matchers = matchersFromWire(request.matchers);
    if (matchers.length > 0 && !labelSetsMatch(matchers, [this.#storage.externalLabels])) {
      return Promise.resolve(new Map());
    }
    const limit = request.limit > 0 ? request.limit : 10;
    return Promise.resolve(new Map([["", headStatistics(this.#storage, limit)]]));
  }
}
