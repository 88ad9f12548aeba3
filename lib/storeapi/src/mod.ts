// Public names of @deucalion/storeapi.

export { ApiClient, fetchInfo } from "./client/api-clients.ts";
export type { StoreClientDeps } from "./client/store-client.ts";
export { StoreClient, tenantKey } from "./client/store-client.ts";
export type { DedupDeps, DedupFunc, DedupOptions } from "./dedup/dedup-source.ts";
export { DedupSource, fillMarginMs } from "./dedup/dedup-source.ts";
export type { ConnectionCount, ConnectionLabel } from "./endpoints/connection-counts.ts";
export { connectionCounts } from "./endpoints/connection-counts.ts";
export type { EndpointState } from "./endpoints/endpoint.ts";
export { Endpoint } from "./endpoints/endpoint.ts";
export type { ClientConfig, EndpointConfig, EndpointEntry } from "./endpoints/endpoint-config.ts";
export { clientOptionsOf, parseEndpointConfig } from "./endpoints/endpoint-config.ts";
export type { EndpointConfigFileDeps } from "./endpoints/endpoint-config-file.ts";
export { EndpointConfigFile } from "./endpoints/endpoint-config-file.ts";
export type {
  EndpointSetDeps,
  EndpointSetOptions,
  EndpointStatus,
  QueryEndpoint,
} from "./endpoints/endpoint-set.ts";
export { EndpointSet, endpointSetDefaults } from "./endpoints/endpoint-set.ts";
export type { EndpointFlags, EndpointSpec, EndpointSpecsDeps } from "./endpoints/endpoint-specs.ts";
export { EndpointSpecs } from "./endpoints/endpoint-specs.ts";
export type { FileTargetsDeps } from "./endpoints/file-targets.ts";
export { expandGlob, FileTargets } from "./endpoints/file-targets.ts";
export type { DnsLookup } from "./endpoints/resolve-addresses.ts";
export { AddressResolver, isDynamicAddress } from "./endpoints/resolve-addresses.ts";
export { serverDns, systemDns } from "./endpoints/system-dns.ts";
export type { StoreApiErrorCode } from "./errors.ts";
export { StoreApiError, toRpcError } from "./errors.ts";
export type { ApiEndpoint } from "./fanout/api-endpoint.ts";
export type { ApiFanoutDeps, ApiFanoutOptions } from "./fanout/api-fanout.ts";
export { ApiFanout } from "./fanout/api-fanout.ts";
export type { CallBounds } from "./fanout/bounded-call.ts";
export { withinTime } from "./fanout/bounded-call.ts";
export type { ExternalMatch } from "./fanout/external-labels.ts";
export {
  labelSetsMatch,
  labelSetsText,
  matchExternalLabels,
  matchersForLabelSets,
} from "./fanout/external-labels.ts";
export type { FanoutDeps, FanoutOptions, FanoutQuery } from "./fanout/fanout.ts";
export { Fanout, fanoutDefaults } from "./fanout/fanout.ts";
export type { AskedTime } from "./fanout/lost-stores.ts";
export { lostStores } from "./fanout/lost-stores.ts";
export { dedupExemplars } from "./fanout/merge-exemplars.ts";
export type { RuleFilter } from "./fanout/merge-rules.ts";
export { dedupRuleGroups, filterRuleGroups } from "./fanout/merge-rules.ts";
export { mergeStatistics } from "./fanout/merge-statistics.ts";
export { dedupTargets } from "./fanout/merge-targets.ts";
export { ShardMatcher } from "./fanout/shard-matcher.ts";
export type { StoreEndpoint, StoreReport } from "./fanout/store-endpoint.ts";
export { storeText } from "./fanout/store-endpoint.ts";
export type {
  Exemplar,
  ExemplarData,
  ExemplarsRequest,
  ExemplarsResponse,
} from "./messages/exemplars-messages.ts";
export {
  ExemplarDataMessage,
  ExemplarMessage,
  ExemplarsRequestMessage,
  ExemplarsResponseMessage,
} from "./messages/exemplars-messages.ts";
export type { ComponentType, InfoResponse, StoreInfo, TsdbInfo } from "./messages/info-messages.ts";
export {
  componentType,
  InfoRequestMessage,
  InfoResponseMessage,
  int64Max,
  int64Min,
} from "./messages/info-messages.ts";
export type { Label } from "./messages/label-set.ts";
export { LabelMessage, LabelSet } from "./messages/label-set.ts";
export type {
  MetricMeta,
  MetricMetadata,
  MetricMetadataRequest,
  MetricMetadataResponse,
} from "./messages/metadata-messages.ts";
export {
  MetricMetadataMessage,
  MetricMetadataRequestMessage,
  MetricMetadataResponseMessage,
} from "./messages/metadata-messages.ts";
export type { WireHistogram, WireSample, WireTimeSeries } from "./messages/prometheus-types.ts";
export {
  HistogramMessage,
  histogramFromWire,
  histogramToWire,
  TimeSeriesMessage,
} from "./messages/prometheus-types.ts";
export { protoFiles } from "./messages/proto-files.ts";
export type {
  InstantQueryRequest,
  QueryRequestBase,
  QueryResponse,
  QueryStatistics,
  RangeQueryRequest,
} from "./messages/query-messages.ts";
export {
  QueryRangeRequestMessage,
  QueryRangeResponseMessage,
  QueryRequestMessage,
  QueryResponseMessage,
} from "./messages/query-messages.ts";
export type {
  AlertInstance,
  AlertingRule,
  RecordingRule,
  Rule,
  RuleGroup,
  RulesRequest,
  RulesResponse,
} from "./messages/rules-messages.ts";
export {
  AlertState,
  RuleGroupMessage,
  RuleGroupsMessage,
  RuleMessage,
  RulesRequestMessage,
  RulesRequestType,
  RulesResponseMessage,
} from "./messages/rules-messages.ts";
export { SeriesDecoder } from "./messages/series-decoder.ts";
export type { SeriesEncoderOptions } from "./messages/series-encoder.ts";
export { SeriesEncoder } from "./messages/series-encoder.ts";
export type {
  HeadStatistics,
  Statistic,
  TsdbStatistics,
  TsdbStatisticsEntry,
  TsdbStatisticsRequest,
  TsdbStatisticsResponse,
} from "./messages/status-messages.ts";
export {
  TsdbStatisticsEntryMessage,
  TsdbStatisticsMessage,
  TsdbStatisticsRequestMessage,
  TsdbStatisticsResponseMessage,
} from "./messages/status-messages.ts";
export {
  LabelNamesRequestMessage,
  LabelNamesResponseMessage,
  LabelValuesRequestMessage,
  LabelValuesResponseMessage,
  SeriesRequestMessage,
  SeriesResponseMessage,
} from "./messages/store-messages.ts";
export { seriesRequestFromWire, seriesRequestToWire } from "./messages/store-requests.ts";
export type { LabelMatcher } from "./messages/store-types.ts";
export { LabelMatcherMessage, matchersFromWire, matchersToWire } from "./messages/store-types.ts";
export type {
  ActiveTarget,
  TargetDiscovery,
  TargetsRequest,
  TargetsResponse,
} from "./messages/targets-messages.ts";
export {
  TargetDiscoveryMessage,
  TargetHealth,
  TargetsRequestMessage,
  TargetsRequestState,
  TargetsResponseMessage,
} from "./messages/targets-messages.ts";
export type { Any, Timestamp } from "./messages/well-known.ts";
export {
  compareTimestamps,
  formatTimestamp,
  parseTimestamp,
  zeroTimestamp,
} from "./messages/well-known.ts";
export type { TimeSeriesOfTenant, WriteRequest } from "./messages/write-messages.ts";
export { WriteRequestMessage, WriteResponseMessage } from "./messages/write-messages.ts";
export type { RemoteResult } from "./query-api/query-client.ts";
export { QueryClient, seriesFromWire } from "./query-api/query-client.ts";
export type { QueryExecutor, QueryOutcome } from "./query-api/query-service.ts";
export { queryService } from "./query-api/query-service.ts";
export {
  exemplarsService,
  infoService,
  metadataService,
  rulesService,
  statusService,
  targetsService,
} from "./server/api-services.ts";
export type { StoreServiceDeps, StoreServiceOptions } from "./server/store-service.ts";
export { contextOf, storeService, storeServiceDefaults, tenantOf } from "./server/store-service.ts";
export type {
  ExemplarsSource,
  MetadataSource,
  RulesSource,
  StatusSource,
  TargetsSource,
} from "./sources.ts";
