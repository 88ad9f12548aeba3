// S3 and what speaks it.
import { createHash } from "node:crypto";
import type {
  CompletedPart,
  GetObjectCommandOutput,
  ListObjectsCommandOutput,
  ListObjectsV2CommandOutput,
  S3Client,
} from "@aws-sdk/client-s3";
import { type Log, messageOf, silentLog } from "@deucalion/base";
import type { ObjectAttributes, UploadBody, UploadOptions } from "../bucket.ts";
import { requirePackages } from "../config/require-packages.ts";
import { ObjstoreError } from "../errors.ts";
import { type Agents, createAgents } from "../http/agents.ts";
import { bodyBytes, eachPart, wholeOrParts } from "../remote/body-parts.ts";
import { type ListPage, notFound, type RemoteBody, RemoteBucket } from "../remote/remote-bucket.ts";
import { createS3Client, type S3Sdk, s3Packages, staticIdentity } from "./s3-client.ts";
import type { S3Options } from "./s3-config.ts";
import { objectsUrl, S3Reads } from "./s3-reads.ts";
import type { SigningIdentity } from "./sign-v4.ts";

/** Parts sent at once, as long as they fit the memory below. */
const uploadsMax = 4;
/** Most bytes of one upload in memory. */
const uploadBytesMax = 128 << 20;
/** S3 takes no more parts than this. */
const partsMax = 10_000;

export interface S3BucketDeps {
  readonly component?: string;
  readonly log?: Log;
}

interface Ready {
  readonly sdk: S3Sdk;
  readonly client: S3Client;
}

/** A bucket of S3. Connects when it is first used. */
export class S3Bucket extends RemoteBucket {
  readonly name: string;
  readonly conditionalCreate: boolean;
  readonly #options: S3Options;
  readonly #agents: Agents;
  readonly #deps: S3BucketDeps;
  #ready: Promise<Ready> | undefined;
  #plainReads: S3Reads | undefined;

  /** Throws OBJSTORE_CONFIG if the SDK is not installed. */
  constructor(options: S3Options, deps: S3BucketDeps = {}) {
    super();
    requirePackages("S3", s3Packages);
    this.name = options.name;
    this.conditionalCreate = options.conditionalCreate;
    this.#options = options;
    this.#deps = deps;
    this.#agents = createAgents(options.http);
  }

  #open(): Promise<Ready> {
    this.#ready ??= createS3Client(this.#options, {
      agents: this.#agents,
      component: this.#deps.component ?? "",
      log: this.#deps.log ?? silentLog,
    });
    return this.#ready;
  }

  /** Where `bucketEndpoint` is set, the SDK takes the endpoint in place of the bucket's name. */
  get #bucket(): string {
    return this.#options.endpointIsBucket ? this.#options.endpoint : this.#options.bucket;
  }

  #key(name: string): { Bucket: string; Key: string } {
    return { Bucket: this.#bucket, Key: name };
  }

  /** Headers that reads and parts of an object encrypted with our own key need. */
  get #customerKey(): {
    SSECustomerAlgorithm?: string;
    SSECustomerKey?: string;
    SSECustomerKeyMD5?: string;
  } {
    const { encryption } = this.#options;
    if (encryption.kind !== "customer") return {};
    return {
      SSECustomerAlgorithm: "AES256",
      SSECustomerKey: encryption.key.toString("base64"),
      SSECustomerKeyMD5: createHash("md5").update(encryption.key).digest("base64"),
    };
  }

  /** What each new object is given. */
  get #creation(): object {
    const { encryption, metadata, storageClass } = this.#options;
    return {
      ContentType: "application/octet-stream",
      ...(Object.keys(metadata).length === 0 ? {} : { Metadata: metadata }),
      ...(storageClass === "" ? {} : { StorageClass: storageClass }),
      ...(encryption.kind === "s3" ? { ServerSideEncryption: "AES256" } : {}),
      ...(encryption.kind === "kms"
        ? {
            ServerSideEncryption: "aws:kms",
            SSEKMSKeyId: encryption.keyId,
            SSEKMSEncryptionContext: Buffer.from(JSON.stringify(encryption.context)).toString(
              "base64",
            ),
          }
        : {}),
      ...this.#customerKey,
    };
  }

  async #call<T>(
    what: string,
    name: string,
    signal: AbortSignal,
    run: (ready: Ready) => Promise<T>,
  ): Promise<T> {
    signal.throwIfAborted();
    try {
      return await run(await this.#open());
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      if (error instanceof ObjstoreError) throw error;
      const { name: code, $metadata: about } = error as {
        name?: string;
        $metadata?: { httpStatusCode?: number };
      };
      const status = about?.httpStatusCode;
      if (code === "NoSuchKey" || (code === "NotFound" && status === 404)) throw notFound(name);
      if (code === "PreconditionFailed" || status === 412)
        throw new ObjstoreError("OBJSTORE_EXISTS", `object exists: ${name}`, { name });
      throw new ObjstoreError(
        "OBJSTORE_IO",
        `${name === "" ? what : `${what} ${name}`} in bucket ${this.name}: ${code === undefined ? "" : `${code}: `}${messageOf(error)}`,
        { name, code: code ?? "", status: status ?? 0 },
        { cause: error },
      );
    }
  }

  /** Who signs. Keys that are given need no SDK, and loading that takes longer than all else in a start. */
  async #identity(): Promise<SigningIdentity> {
    const { credentials } = this.#options;
    if (credentials.kind === "static") return staticIdentity(credentials);
    return (await this.#open()).client.config.credentials();
  }

  /** For reads that need no SDK; undefined where settings ask for what only it knows. */
  #reads(): S3Reads | undefined {
    const { signatureV2, trace } = this.#options;
    const url = signatureV2 || trace ? undefined : objectsUrl(this.#options);
    if (url === undefined) return undefined;
    if (this.#plainReads === undefined) {
      const { SSECustomerAlgorithm, SSECustomerKey, SSECustomerKeyMD5 } = this.#customerKey;
      const prefix = "x-amz-server-side-encryption-customer";
      const extra: Record<string, string> =
        SSECustomerKey === undefined
          ? {}
          : {
              [`${prefix}-algorithm`]: SSECustomerAlgorithm ?? "",
              [`${prefix}-key`]: SSECustomerKey,
              [`${prefix}-key-md5`]: SSECustomerKeyMD5 ?? "",
            };
      this.#plainReads = new S3Reads(url, this.#options, extra, {
        component: this.#deps.component ?? "",
        identity: () => this.#identity(),
        now: Date.now,
      });
    }
    return this.#plainReads;
  }

  /** As `#call`, without the SDK. */
  async #plain<T>(
    what: string,
    name: string,
    signal: AbortSignal,
    run: () => Promise<T>,
  ): Promise<T> {
    try {
      return await run();
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      if (error instanceof ObjstoreError && error.code === "OBJSTORE_NOT_FOUND") throw error;
      throw new ObjstoreError(
        "OBJSTORE_IO",
        `${what} ${name} in bucket ${this.name}: ${messageOf(error)}`,
        { name },
        { cause: error },
      );
    }
  }

  protected async openBody(
    name: string,
    offset: number,
    length: number | undefined,
    etag: string,
    signal: AbortSignal,
  ): Promise<RemoteBody | undefined> {
    const end = length === undefined ? "" : String(offset + length - 1);
    const whole = offset === 0 && length === undefined;
    const reads = this.#reads();
    if (reads !== undefined) {
      const range = whole ? undefined : `bytes=${offset}-${end}`;
      const read = await this.#plain("get", name, signal, () =>
        reads.open(name, range, etag, signal),
      );
      if (read !== "unusual") return read.answer;
    }
    const answer = await this.#call("get", name, signal, async ({ sdk, client }) => {
      const command = new sdk.GetObjectCommand({
        ...this.#key(name),
        ...this.#customerKey,
        ...(whole ? {} : { Range: `bytes=${offset}-${end}` }),
        ...(etag === "" ? {} : { IfMatch: etag }),
      });
      try {
        return await client.send(command, { abortSignal: signal });
      } catch (error) {
        if (
          (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode === 416
        )
          return undefined;
        throw error;
      }
    });
    if (answer === undefined) return undefined;
    return s3Body(answer);
  }

  protected async head(name: string, signal: AbortSignal): Promise<ObjectAttributes | undefined> {
    const reads = this.#reads();
    if (reads !== undefined) {
      const read = await this.#plain("head", name, signal, () => reads.head(name, signal));
      if (read !== "unusual") return read.answer;
    }
    try {
      return await this.#call("head", name, signal, async ({ sdk, client }) => {
        const command = new sdk.HeadObjectCommand({ ...this.#key(name), ...this.#customerKey });
        const answer = await client.send(command, { abortSignal: signal });
        return {
          size: answer.ContentLength ?? 0,
          lastModifiedMs: answer.LastModified?.getTime() ?? 0,
        };
      });
    } catch (error) {
      if (error instanceof ObjstoreError && error.code === "OBJSTORE_NOT_FOUND") return undefined;
      throw error;
    }
  }

  protected async page(
    folder: string,
    recursive: boolean,
    token: string | undefined,
    signal: AbortSignal,
  ): Promise<ListPage> {
    const reads = this.#options.listVersion === 2 ? this.#reads() : undefined;
    if (reads !== undefined) {
      const read = await this.#plain("list", folder, signal, () =>
        reads.list(folder, recursive, token, signal),
      );
      if (read !== "unusual") return read.answer;
    }
    return this.#call("list", folder, signal, async ({ sdk, client }) => {
      const input = {
        Bucket: this.#bucket,
        Prefix: folder,
        ...(recursive ? {} : { Delimiter: "/" }),
      };
      if (this.#options.listVersion === 1) {
        const command = new sdk.ListObjectsCommand({
          ...input,
          ...(token === undefined ? {} : { Marker: token }),
        });
        const answer = await client.send(command, { abortSignal: signal });
        return listPage(answer, answer.IsTruncated === true ? markerOf(answer) : undefined);
      }
      const command = new sdk.ListObjectsV2Command({
        ...input,
        ...(token === undefined ? {} : { ContinuationToken: token }),
      });
      const answer = await client.send(command, { abortSignal: signal });
      return listPage(
        answer,
        answer.IsTruncated === true ? answer.NextContinuationToken : undefined,
      );
    });
  }

  protected async put(
    name: string,
    body: UploadBody,
    { ifAbsent }: UploadOptions,
    signal: AbortSignal,
  ): Promise<void> {
    const condition = ifAbsent === true ? { IfNoneMatch: "*" } : {};
    const bytes = await bodyBytes(body);
    const partBytes = Math.max(this.#options.partBytes, Math.ceil((bytes ?? 0) / partsMax));
    const whole = bytes !== undefined && (bytes <= partBytes || !this.#options.multipart);
    // One byte more than the body has: it is then shorter than a part.
    const cut = await wholeOrParts(body, whole ? bytes + 1 : partBytes);
    if (cut.whole !== undefined) {
      const data = cut.whole;
      await this.#call("upload", name, signal, async ({ sdk, client }) => {
        const command = new sdk.PutObjectCommand({
          ...this.#key(name),
          ...this.#creation,
          ...condition,
          ...this.#md5(data),
          Body: data,
        });
        await client.send(command, { abortSignal: signal });
      });
      return;
    }
    await this.#multipart(name, cut.parts, partBytes, condition, signal);
  }

  #md5(data: Uint8Array): { ContentMD5?: string } {
    if (!this.#options.sendContentMd5) return {};
    return { ContentMD5: createHash("md5").update(data).digest("base64") };
  }

  async #multipart(
    name: string,
    parts: AsyncGenerator<Uint8Array>,
    partBytes: number,
    condition: object,
    signal: AbortSignal,
  ): Promise<void> {
    await this.#call("upload", name, signal, async ({ sdk, client }) => {
      const key = this.#key(name);
      const send = { abortSignal: signal };
      const created = await client.send(
        new sdk.CreateMultipartUploadCommand({ ...key, ...this.#creation }),
        send,
      );
      const UploadId = created.UploadId;
      const done: CompletedPart[] = [];
      try {
        const concurrency = Math.max(
          1,
          Math.min(uploadsMax, Math.floor(uploadBytesMax / partBytes)),
        );
        await eachPart(parts, concurrency, async (Body, PartNumber) => {
          const command = new sdk.UploadPartCommand({
            ...key,
            ...this.#customerKey,
            ...this.#md5(Body),
            UploadId,
            PartNumber,
            Body,
          });
          const { ETag } = await client.send(command, send);
          done.push({ PartNumber, ETag });
        });
        done.sort((a, b) => (a.PartNumber ?? 0) - (b.PartNumber ?? 0));
        await client.send(
          new sdk.CompleteMultipartUploadCommand({
            ...key,
            ...this.#customerKey,
            ...condition,
            UploadId,
            MultipartUpload: { Parts: done },
          }),
          send,
        );
      } catch (error) {
        // Parts that stay behind cost money: they go even if the caller has given up.
        await client
          .send(new sdk.AbortMultipartUploadCommand({ ...key, UploadId }))
          .catch(() => undefined);
        throw error;
      }
    });
  }

  protected async remove(name: string, signal: AbortSignal): Promise<void> {
    // S3 answers the same whether there was an object or not; ours is told.
    if ((await this.head(name, signal)) === undefined) throw notFound(name);
    await this.#call("delete", name, signal, async ({ sdk, client }) => {
      await client.send(new sdk.DeleteObjectCommand(this.#key(name)), { abortSignal: signal });
    });
  }

  async close(): Promise<void> {
    const ready = await this.#ready?.catch(() => undefined);
    ready?.client.destroy();
    this.#plainReads?.close();
    this.#agents.close();
  }
}

function s3Body(answer: GetObjectCommandOutput): RemoteBody {
  const body = answer.Body as unknown as AsyncIterable<Uint8Array> & { destroy?: () => void };
  return {
    body,
    length: answer.ContentLength ?? 0,
    etag: answer.ETag ?? "",
    cancel: () => body.destroy?.(),
  };
}

function listPage(
  answer: ListObjectsCommandOutput | ListObjectsV2CommandOutput,
  next: string | undefined,
): ListPage {
  return {
    objects: (answer.Contents ?? []).map((object) => ({
      name: object.Key ?? "",
      attributes: { size: object.Size ?? 0, lastModifiedMs: object.LastModified?.getTime() ?? 0 },
    })),
    folders: (answer.CommonPrefixes ?? []).map((prefix) => prefix.Prefix ?? ""),
    next,
  };
}

/** Version 1 of the listing tells a marker only where there is a delimiter. */
function markerOf(answer: ListObjectsCommandOutput): string | undefined {
  return answer.NextMarker ?? answer.Contents?.at(-1)?.Key;
}
