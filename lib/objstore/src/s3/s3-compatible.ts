// Stores of other vendors that are spoken to over their S3 endpoints: COS, ALIYUNOSS, BOS, OBS.
import { ConfigReader } from "../config/config-reader.ts";
import { ObjstoreError } from "../errors.ts";
import { readHttpConfig } from "../http/http-config.ts";
import { partBytesDefault, type S3Options } from "./s3-config.ts";

type Fields = Readonly<Record<string, unknown>>;

/** `scheme` where the address has none. */
function split(endpoint: string, scheme = "https"): { scheme: string; host: string } {
  const found = /^(https?):\/\/(.*)$/.exec(endpoint);
  const host = (found?.[2] ?? endpoint).replace(/\/+$/, "");
  return { scheme: found?.[1] ?? scheme, host };
}

/** Machines named by address or alone hold no buckets in their name. */
function needsPath(host: string): boolean {
  const name = host.split(":")[0]!;
  return name === "localhost" || /^[\d.]+$/.test(name) || !name.includes(".");
}

function options(
  config: ConfigReader,
  given: Pick<S3Options, "bucket" | "endpoint" | "region"> & {
    id: string;
    secret: string;
    endpointIsBucket?: boolean;
    attemptsMax?: number;
    md5?: boolean;
  },
): S3Options {
  const { id, secret, endpointIsBucket, attemptsMax, md5, ...rest } = given;
  return {
    ...rest,
    name: rest.bucket,
    endpointIsBucket: endpointIsBucket ?? false,
    dualstack: false,
    credentials: { kind: "static", id, secret, token: "" },
    signatureV2: false,
    pathStyle: needsPath(split(rest.endpoint).host),
    metadata: {},
    storageClass: "",
    listVersion: 2,
    sendContentMd5: md5 ?? true,
    multipart: true,
    partBytes: partBytesDefault,
    encryption: { kind: "none" },
    attemptsMax: attemptsMax || 10,
    conditionalCreate: false,
    trace: false,
    http: readHttpConfig(config),
  };
}

/** Tencent: `<bucket>-<app id>.cos.<region>.myqcloud.com`, or `endpoint`, which names the bucket itself. */
export function readCosConfig(fields: Fields): S3Options {
  const config = new ConfigReader(fields, "COS configuration");
  const endpoint = config.text("endpoint");
  const id = config.text("secret_id");
  const secret = config.text("secret_key");
  if (id === "" || secret === "")
    throw new ObjstoreError("OBJSTORE_CONFIG", "secret_id or secret_key is empty");
  const region = config.text("region");
  const attemptsMax = config.count("max_retries", 0);
  const bucket = config.text("bucket");
  const account = config.text("app_id");
  if (endpoint !== "") {
    const { scheme, host } = split(endpoint);
    const found = /\.cos\.([a-z0-9-]+)\./.exec(host);
    const whole = `${scheme}://${host}`;
    return options(config, {
      bucket: bucket || host,
      endpoint: whole,
      endpointIsBucket: true,
      region: region || (found?.[1] ?? "ap-guangzhou"),
      id,
      secret,
      attemptsMax,
    });
  }
  if (bucket === "" || account === "" || region === "")
    throw new ObjstoreError("OBJSTORE_CONFIG", "insufficient cos configuration information");
  return options(config, {
    bucket: `${bucket}-${account}`,
    endpoint: `https://cos.${region}.myqcloud.com`,
    region,
    id,
    secret,
    attemptsMax,
  });
}

/** Alibaba: `oss-<region>[-internal].aliyuncs.com`, buckets in the host name. */
export function readAliyunConfig(fields: Fields): S3Options {
  const config = new ConfigReader(fields, "ALIYUNOSS configuration");
  const bucket = config.text("bucket");
  const endpoint = config.text("endpoint");
  if (endpoint === "" || bucket === "")
    throw new ObjstoreError(
      "OBJSTORE_CONFIG",
      "aliyun oss endpoint or bucket is not present in config file",
    );
  const id = config.text("access_key_id");
  const secret = config.text("access_key_secret");
  if (id === "" || secret === "")
    throw new ObjstoreError(
      "OBJSTORE_CONFIG",
      "aliyun oss access_key_id or access_key_secret is not present in config file",
    );
  const { scheme, host } = split(endpoint);
  const region =
    /^(?:s3\.)?oss-(.+?)(?:-internal)?\.aliyuncs\.com/.exec(host)?.[1] ?? "cn-hangzhou";
  return options(config, {
    bucket,
    endpoint: `${scheme}://${host}`,
    region: `oss-${region}`,
    id,
    secret,
  });
}

/** Baidu: `s3.<region>.bcebos.com` beside the native `<region>.bcebos.com`. */
export function readBosConfig(fields: Fields): S3Options {
  const config = new ConfigReader(fields, "BOS configuration");
  const bucket = config.required("bucket");
  const { scheme, host } = split(config.required("endpoint"));
  const id = config.required("access_key");
  const secret = config.required("secret_key");
  const found = /^(?:s3\.)?([a-z0-9-]+)\.bcebos\.com$/.exec(host);
  const region = found?.[1] ?? "bj";
  const address = found === null ? host : `s3.${region}.bcebos.com`;
  return options(config, { bucket, endpoint: `${scheme}://${address}`, region, id, secret });
}

/** Huawei: `obs.<region>.myhuaweicloud.com`. */
export function readObsConfig(fields: Fields): S3Options {
  const config = new ConfigReader(fields, "OBS configuration");
  if (config.text("endpoint") === "")
    throw new ObjstoreError("OBJSTORE_CONFIG", "no obs endpoint in config file");
  const { scheme, host } = split(config.text("endpoint"));
  const id = config.text("access_key");
  const secret = config.text("secret_key");
  if (id === "") throw new ObjstoreError("OBJSTORE_CONFIG", "no obs access_key specified");
  if (secret === "") throw new ObjstoreError("OBJSTORE_CONFIG", "no obs secret_key specified");
  const region = /^obs\.([a-z0-9-]+)\./.exec(host)?.[1] ?? "cn-north-4";
  return options(config, {
    bucket: config.required("bucket"),
    endpoint: `${scheme}://${host}`,
    region,
    id,
    secret,
    attemptsMax: config.count("max_retries", 0),
  });
}
