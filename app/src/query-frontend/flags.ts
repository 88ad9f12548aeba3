// Flags of `query-frontend`.
import type { FlagValues } from "../flags/flag-spec.ts";
import {
  bool,
  choice,
  duration,
  int,
  pathOrContent,
  string,
  strings,
} from "../flags/flag-types.ts";
import { globalFlags, httpFlags, requestLoggingFlags } from "../flags/groups.ts";

export const queryFrontendFlags = {
  ...globalFlags,
  ...httpFlags,
  "web.disable-cors": bool(false, "Send no CORS headers. They allow every origin otherwise."),
  "query-range.align-range-with-step": bool(
    true,
    "Move start and end to multiples of the step, so that answers can be cached.",
  ),
  "query-range.request-downsampled": bool(
    true,
    "Ask again for downsampled data when raw data is missing.",
  ),
  "query-range.split-interval": duration(
    "24h",
    "Split range queries into parts of this length; 0 never.",
  ),
  "query-range.min-split-interval": duration(
    "0",
    "Shortest part, when the number of parts is what counts.",
  ),
  "query-range.max-split-interval": duration(
    "0",
    "Longest part, when the number of parts is what counts.",
  ),
  "query-range.horizontal-shards": int(0, "Split range queries into this many parts."),
  "query-range.max-retries-per-request": int(5, "Try a range query so often."),
  "query.max-retries-per-request": int(5, "Try an instant query so often."),
  "query-frontend.enable-x-functions": bool(false, "Allow xrate, xincrease and xdelta."),
  "enable-feature": strings("Features to turn on: promql-experimental-functions. Repeatable."),
  "query-range.max-query-length": duration("0", "Longest range of a query; 0 for no limit."),
  "query-range.max-query-parallelism": int(14, "Parts of one range query sent at once."),
  "query-range.response-cache-max-freshness": duration(
    "1m",
    "Do not cache what is younger than this.",
  ),
  "query-range.partial-response": bool(
    true,
    "Ask for partial answers when the request does not say.",
  ),
  "query-range.response-cache-config": pathOrContent(
    "YAML that describes the cache of range queries.",
    { env: true },
  ),
  "labels.split-interval": duration(
    "24h",
    "Split label and series queries into parts of this length; 0 never.",
  ),
  "labels.max-retries-per-request": int(5, "Try a label or series query so often."),
  "labels.max-query-parallelism": int(14, "Parts of one label or series query sent at once."),
  "labels.response-cache-max-freshness": duration("1m", "Do not cache what is younger than this."),
  "labels.partial-response": bool(true, "Ask for partial answers when the request does not say."),
  "labels.default-time-range": duration(
    "24h",
    "How far back labels are searched when no start is given.",
  ),
  "labels.response-cache-config": pathOrContent(
    "YAML that describes the cache of label and series queries.",
    { env: true },
  ),
  "cache-compression-type": string("", "Compression of cached answers: snappy or empty."),
  "query-frontend.downstream-url": string(
    "http://localhost:9090",
    "Address of the querier behind.",
  ),
  "query-frontend.downstream-tripper-config": pathOrContent(
    "YAML with the HTTP client's settings towards it.",
    { env: true },
  ),
  "query-frontend.compress-responses": bool(false, "Compress answers."),
  "query-frontend.log-queries-longer-than": duration(
    "0",
    "Log queries that take longer; 0 none, negative all.",
  ),
  "query-frontend.force-query-stats": bool(false, "Ask for statistics of every query."),
  "query-frontend.org-id-header": strings("Deprecated: header that names who asks. Repeatable.", {
    placeholder: "<http-header-name>",
  }),
  "query-frontend.forward-header": strings("Header to pass on. Repeatable.", {
    placeholder: "<http-header-name>",
  }),
  "query-frontend.tenant-header": string("THANOS-TENANT", "Header that names the tenant.", {
    hidden: true,
  }),
  "query-frontend.default-tenant-id": string(
    "default-tenant",
    "Tenant of requests without that header.",
    { hidden: true },
  ),
  "query-frontend.tenant-certificate-field": choice(
    ["", "organization", "organizationalUnit", "commonName"],
    "",
    "Field of the client's certificate that names the tenant.",
    { hidden: true },
  ),
  "query-frontend.vertical-shards": int(0, "Split queries by labels into this many parts."),
  "query-frontend.slow-query-logs-user-header": string(
    "",
    "Header whose value the slow query log names.",
  ),
  ...requestLoggingFlags,
};

export type QueryFrontendFlagValues = FlagValues<typeof queryFrontendFlags>;
