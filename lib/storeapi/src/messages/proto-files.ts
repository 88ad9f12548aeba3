// The services and messages of the StoreAPI as .proto files: for `proto/`, for reflection, for tests.
import type { ProtoFile } from "@deucalion/rpc";
import * as exemplars from "./exemplars-messages.ts";
import * as hints from "./hints.ts";
import * as info from "./info-messages.ts";
import { LabelMessage, LabelSet } from "./label-set.ts";
import * as metadata from "./metadata-messages.ts";
import * as prometheus from "./prometheus-types.ts";
import * as query from "./query-messages.ts";
import * as rules from "./rules-messages.ts";
import * as status from "./status-messages.ts";
import * as store from "./store-messages.ts";
import * as types from "./store-types.ts";
import * as targets from "./targets-messages.ts";
import { wellKnownFiles } from "./well-known.ts";
import * as write from "./write-messages.ts";

const [anyFile, timestampFile, durationFile] = wellKnownFiles as [ProtoFile, ProtoFile, ProtoFile];

const labelsFile: ProtoFile = {
  path: "thanos/labels.proto",
  package: "thanos",
  imports: [],
  enums: [],
  messages: [LabelMessage, LabelSet],
  services: [],
};

const typesFile: ProtoFile = {
  path: "thanos/types.proto",
  package: "thanos",
  imports: [labelsFile],
  enums: [types.PartialResponseStrategy, types.MatcherTypeEnum, types.ChunkEncodingEnum],
  messages: [
    types.ChunkMessage,
    types.SeriesMessage,
    types.SeriesBatchMessage,
    types.AggrChunkMessage,
    types.LabelMatcherMessage,
    types.MatcherSetMessage,
  ],
  services: [],
};

const storeFile: ProtoFile = {
  path: "thanos/store.proto",
  package: "thanos",
  imports: [typesFile, anyFile],
  enums: [store.AggrEnum],
  messages: [
    store.SeriesRequestMessage,
    store.QueryHintsMessage,
    store.ShardInfoMessage,
    store.FuncMessage,
    store.GroupingMessage,
    store.RangeMessage,
    store.SeriesResponseMessage,
    store.LabelNamesRequestMessage,
    store.LabelNamesResponseMessage,
    store.LabelValuesRequestMessage,
    store.LabelValuesResponseMessage,
  ],
  services: [
    {
      name: "thanos.Store",
      rpcs: [
        {
          name: "Series",
          request: store.SeriesRequestMessage,
          response: store.SeriesResponseMessage,
          serverStreaming: true,
        },
        {
          name: "LabelNames",
          request: store.LabelNamesRequestMessage,
          response: store.LabelNamesResponseMessage,
        },
        {
          name: "LabelValues",
          request: store.LabelValuesRequestMessage,
          response: store.LabelValuesResponseMessage,
        },
      ],
    },
  ],
};

const hintsFile: ProtoFile = {
  path: "hintspb/hints.proto",
  package: "hintspb",
  imports: [typesFile, durationFile],
  enums: [],
  messages: [
    hints.SeriesRequestHintsMessage,
    hints.SeriesResponseHintsMessage,
    hints.BlockMessage,
    hints.LabelNamesRequestHintsMessage,
    hints.LabelNamesResponseHintsMessage,
    hints.LabelValuesRequestHintsMessage,
    hints.LabelValuesResponseHintsMessage,
    hints.StoreQueryStatsMessage,
  ],
  services: [],
};

const infoFile: ProtoFile = {
  path: "thanos/info.proto",
  package: "thanos.info",
  imports: [labelsFile],
  enums: [],
  messages: [
    info.InfoRequestMessage,
    info.InfoResponseMessage,
    info.StoreInfoMessage,
    info.RulesInfoMessage,
    info.MetricMetadataInfoMessage,
    info.TargetsInfoMessage,
    info.ExemplarsInfoMessage,
    info.QueryApiInfoMessage,
    info.TsdbInfoMessage,
    info.StatusInfoMessage,
  ],
  services: [
    {
      name: "thanos.info.Info",
      rpcs: [
        { name: "Info", request: info.InfoRequestMessage, response: info.InfoResponseMessage },
      ],
    },
  ],
};

const rulesFile: ProtoFile = {
  path: "thanos/rules.proto",
  package: "thanos",
  imports: [labelsFile, typesFile, timestampFile],
  enums: [rules.AlertState, rules.RulesRequestType],
  messages: [
    rules.RulesRequestMessage,
    rules.RulesResponseMessage,
    rules.RuleGroupsMessage,
    rules.RuleGroupMessage,
    rules.RuleMessage,
    rules.AlertInstanceMessage,
    rules.AlertMessage,
    rules.RecordingRuleMessage,
  ],
  services: [
    {
      name: "thanos.Rules",
      rpcs: [
        {
          name: "Rules",
          request: rules.RulesRequestMessage,
          response: rules.RulesResponseMessage,
          serverStreaming: true,
        },
      ],
    },
  ],
};

const targetsFile: ProtoFile = {
  path: "thanos/targets.proto",
  package: "thanos",
  imports: [labelsFile, typesFile, timestampFile],
  enums: [targets.TargetHealth, targets.TargetsRequestState],
  messages: [
    targets.TargetsRequestMessage,
    targets.TargetsResponseMessage,
    targets.TargetDiscoveryMessage,
    targets.ActiveTargetMessage,
    targets.DroppedTargetMessage,
  ],
  services: [
    {
      name: "thanos.Targets",
      rpcs: [
        {
          name: "Targets",
          request: targets.TargetsRequestMessage,
          response: targets.TargetsResponseMessage,
          serverStreaming: true,
        },
      ],
    },
  ],
};

const metadataFile: ProtoFile = {
  path: "thanos/metadata.proto",
  package: "thanos",
  imports: [typesFile],
  enums: [],
  messages: [
    metadata.MetricMetadataRequestMessage,
    metadata.MetricMetadataResponseMessage,
    metadata.MetricMetadataMessage,
    metadata.MetricMetadataEntryMessage,
    metadata.MetaMessage,
  ],
  services: [
    {
      name: "thanos.Metadata",
      rpcs: [
        {
          name: "MetricMetadata",
          request: metadata.MetricMetadataRequestMessage,
          response: metadata.MetricMetadataResponseMessage,
          serverStreaming: true,
        },
      ],
    },
  ],
};

const exemplarsFile: ProtoFile = {
  path: "thanos/exemplars.proto",
  package: "thanos",
  imports: [labelsFile, typesFile],
  enums: [],
  messages: [
    exemplars.ExemplarsRequestMessage,
    exemplars.ExemplarsResponseMessage,
    exemplars.ExemplarDataMessage,
    exemplars.ExemplarMessage,
  ],
  services: [
    {
      name: "thanos.Exemplars",
      rpcs: [
        {
          name: "Exemplars",
          request: exemplars.ExemplarsRequestMessage,
          response: exemplars.ExemplarsResponseMessage,
          serverStreaming: true,
        },
      ],
    },
  ],
};

const statusFile: ProtoFile = {
  path: "thanos/status.proto",
  package: "thanos",
  imports: [typesFile],
  enums: [],
  messages: [
    status.TsdbStatisticsRequestMessage,
    status.TsdbStatisticsResponseMessage,
    status.TsdbStatisticsMessage,
    status.TsdbStatisticsEntryMessage,
    status.HeadStatisticsMessage,
    status.StatisticMessage,
  ],
  services: [
    {
      name: "thanos.Status",
      rpcs: [
        {
          name: "TSDBStatistics",
          request: status.TsdbStatisticsRequestMessage,
          response: status.TsdbStatisticsResponseMessage,
          serverStreaming: true,
        },
      ],
    },
  ],
};

const prometheusFile: ProtoFile = {
  path: "prometheus_copy/types.proto",
  package: "prometheus_copy",
  imports: [labelsFile],
  enums: [prometheus.ResetHintEnum],
  messages: [
    prometheus.SampleMessage,
    prometheus.ExemplarCopyMessage,
    prometheus.HistogramMessage,
    prometheus.BucketSpanMessage,
    prometheus.TimeSeriesMessage,
  ],
  services: [],
};

const queryFile: ProtoFile = {
  path: "thanos/query.proto",
  package: "thanos",
  imports: [typesFile, storeFile, prometheusFile],
  enums: [query.EngineTypeEnum],
  messages: [
    query.QueryRequestMessage,
    query.QueryRangeRequestMessage,
    query.StoreMatchersMessage,
    query.QueryPlanMessage,
    query.QueryStatsMessage,
    query.TimeSeriesBatchMessage,
    query.QueryResponseMessage,
    query.QueryRangeResponseMessage,
  ],
  services: [
    {
      name: "thanos.Query",
      rpcs: [
        {
          name: "Query",
          request: query.QueryRequestMessage,
          response: query.QueryResponseMessage,
          serverStreaming: true,
        },
        {
          name: "QueryRange",
          request: query.QueryRangeRequestMessage,
          response: query.QueryRangeResponseMessage,
          serverStreaming: true,
        },
      ],
    },
  ],
};

const writeFile: ProtoFile = {
  path: "thanos/write.proto",
  package: "thanos",
  imports: [prometheusFile],
  enums: [],
  messages: [
    write.WriteRequestMessage,
    write.WriteResponseMessage,
    write.TimeSeriesTenantTupleMessage,
  ],
  services: [
    {
      name: "thanos.WriteableStore",
      rpcs: [
        {
          name: "RemoteWrite",
          request: write.WriteRequestMessage,
          response: write.WriteResponseMessage,
        },
      ],
    },
  ],
};

/** Our own files, in the order in which they build on each other. */
export const protoFiles: readonly ProtoFile[] = [
  labelsFile,
  typesFile,
  storeFile,
  hintsFile,
  infoFile,
  rulesFile,
  targetsFile,
  metadataFile,
  exemplarsFile,
  statusFile,
  prometheusFile,
  queryFile,
  writeFile,
];
