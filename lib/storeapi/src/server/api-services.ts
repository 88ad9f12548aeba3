// The small services over any source: Info, Rules, Targets, Metadata, Exemplars, Status.
import type { SourceContext } from "@deucalion/model";
import {
  type MessageSink,
  type ServerCall,
  type Service,
  serverStream,
  unary,
} from "@deucalion/rpc";
import { toRpcError } from "../errors.ts";
import {
  ExemplarsRequestMessage,
  ExemplarsResponseMessage,
} from "../messages/exemplars-messages.ts";
import {
  InfoRequestMessage,
  type InfoResponse,
  InfoResponseMessage,
} from "../messages/info-messages.ts";
import {
  MetricMetadataRequestMessage,
  MetricMetadataResponseMessage,
} from "../messages/metadata-messages.ts";
import { RulesRequestMessage, RulesResponseMessage } from "../messages/rules-messages.ts";
import {
  TsdbStatisticsRequestMessage,
  TsdbStatisticsResponseMessage,
} from "../messages/status-messages.ts";
import { TargetsRequestMessage, TargetsResponseMessage } from "../messages/targets-messages.ts";
import type {
  ExemplarsSource,
  MetadataSource,
  RulesSource,
  StatusSource,
  TargetsSource,
} from "../sources.ts";
import { contextOf } from "./store-service.ts";

/** What Thanos does not know is left out. */
function withoutOwn(response: InfoResponse): InfoResponse {
  const { store } = response;
  return store === undefined
    ? response
    : { ...response, store: { ...store, supportsAnyOf: false } };
}

/** thanos.info.Info. `info` throws STOREAPI_NOT_READY ("Not ready") before the component is. */
export function infoService(info: () => InfoResponse): Service {
  const Info = unary(async (request) => {
    try {
      const { knowsAnyOf } = InfoRequestMessage.decode(request);
      return InfoResponseMessage.encode(knowsAnyOf ? info() : withoutOwn(info()));
    } catch (error) {
      throw toRpcError(error);
    }
  });
  return { name: "thanos.info.Info", methods: { Info } };
}

/** Runs a handler; sends its warnings first, then its messages. */
async function answer(
  call: ServerCall,
  sink: MessageSink,
  encodeWarning: (warning: string) => Uint8Array,
  work: (context: SourceContext) => Promise<readonly Uint8Array[]>,
): Promise<void> {
  const warnings: string[] = [];
  let messages: readonly Uint8Array[];
  try {
    messages = await work(contextOf(call, (warning) => warnings.push(warning)));
  } catch (error) {
    throw toRpcError(error);
  }
  for (const warning of warnings) await sink.send(encodeWarning(warning));
  for (const message of messages) await sink.send(message);
}

export function rulesService(source: RulesSource): Service {
  const Rules = serverStream((data, call, sink) =>
    answer(
      call,
      sink,
      (warning) => RulesResponseMessage.encode({ warning }),
      async (context) => {
        const groups = await source.rules(RulesRequestMessage.decode(data), context);
        return groups.map((group) => RulesResponseMessage.encode({ group }));
      },
    ),
  );
  return { name: "thanos.Rules", methods: { Rules } };
}

export function targetsService(source: TargetsSource): Service {
  const Targets = serverStream((data, call, sink) =>
    answer(
      call,
      sink,
      (warning) => TargetsResponseMessage.encode({ warning }),
      async (context) => {
        const targets = await source.targets(TargetsRequestMessage.decode(data), context);
        return [TargetsResponseMessage.encode({ targets })];
      },
    ),
  );
  return { name: "thanos.Targets", methods: { Targets } };
}

export function metadataService(source: MetadataSource): Service {
  const MetricMetadata = serverStream((data, call, sink) =>
    answer(
      call,
      sink,
      (warning) => MetricMetadataResponseMessage.encode({ warning }),
      async (context) => {
        const found = await source.metadata(MetricMetadataRequestMessage.decode(data), context);
        const entries = [...found].map(([metric, metas]) => [metric, { metas }] as const);
        return [MetricMetadataResponseMessage.encode({ metadata: { metadata: new Map(entries) } })];
      },
    ),
  );
  return { name: "thanos.Metadata", methods: { MetricMetadata } };
}

export function exemplarsService(source: ExemplarsSource): Service {
  const Exemplars = serverStream((data, call, sink) =>
    answer(
      call,
      sink,
      (warning) => ExemplarsResponseMessage.encode({ warning }),
      async (context) => {
        const found = await source.exemplars(ExemplarsRequestMessage.decode(data), context);
        return found.map((item) => ExemplarsResponseMessage.encode({ data: item }));
      },
    ),
  );
  return { name: "thanos.Exemplars", methods: { Exemplars } };
}

export function statusService(source: StatusSource): Service {
  const TSDBStatistics = serverStream((data, call, sink) =>
    answer(
      call,
      sink,
      (warning) => TsdbStatisticsResponseMessage.encode({ warning }),
      async (context) => {
        const request = TsdbStatisticsRequestMessage.decode(data);
        const statistics = await source.tsdbStatistics(request, context);
        return [TsdbStatisticsResponseMessage.encode({ statistics: { statistics } })];
      },
    ),
  );
  return { name: "thanos.Status", methods: { TSDBStatistics } };
}
