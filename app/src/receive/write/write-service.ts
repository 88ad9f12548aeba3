// thanos.WriteableStore: what other receivers hand on.

import { messageOf } from "@deucalion/base";
import { ModelError } from "@deucalion/model";
import { ProtoReader, RpcError, type RpcErrorCode, type Service, unary } from "@deucalion/rpc";
import { WriteResponseMessage } from "@deucalion/storeapi";
import { ReceiveError, type ReceiveErrorCode } from "../errors.ts";
import { SeriesList, type TenantSeries } from "./series-list.ts";

const rpcCodes: Readonly<Record<ReceiveErrorCode, RpcErrorCode>> = {
  RECEIVE_BODY: "RPC_INVALID_ARGUMENT",
  RECEIVE_TENANT: "RPC_INVALID_ARGUMENT",
  RECEIVE_REPLICA: "RPC_INVALID_ARGUMENT",
  RECEIVE_CONFLICT: "RPC_ALREADY_EXISTS",
  RECEIVE_NOT_READY: "RPC_UNAVAILABLE",
  RECEIVE_UNAVAILABLE: "RPC_UNAVAILABLE",
  RECEIVE_TOO_LARGE: "RPC_RESOURCE_EXHAUSTED",
  RECEIVE_OVERLOADED: "RPC_RESOURCE_EXHAUSTED",
  RECEIVE_STORAGE: "RPC_INTERNAL",
  RECEIVE_HASHRING: "RPC_INTERNAL",
};

/** Field of our own in thanos.WriteRequest, unknown to Thanos: the request was kept while its receiver was away. */
export const lateField = 9001;

/** The series of a thanos.WriteRequest, which stay where they are in `data`. Throws RPC_PROTO. */
export function decodeWriteRequest(data: Uint8Array): {
  readonly parts: TenantSeries[];
  readonly replica: number;
  readonly late: boolean;
} {
  const reader = new ProtoReader(data);
  const own = new SeriesList(data);
  const parts: TenantSeries[] = [];
  let tenant = "";
  let replica = 0;
  let late = false;
  while (reader.next()) {
    if (reader.field === 1) {
      reader.range();
      own.add(reader.start, reader.stop);
    } else if (reader.field === 2) tenant = reader.string();
    else if (reader.field === 3) replica = reader.int();
    else if (reader.field === 4) parts.push(readTuple(reader.message()));
    else if (reader.field === lateField) late = reader.uint() !== 0;
    else reader.skip();
  }
  if (parts.length === 0) parts.push({ tenant, series: own });
  return { parts, replica, late };
}

function readTuple(reader: ProtoReader): TenantSeries {
  const series = new SeriesList(reader.data);
  let tenant = "";
  while (reader.next()) {
    if (reader.field === 1) {
      reader.range();
      series.add(reader.start, reader.stop);
    } else if (reader.field === 2) tenant = reader.string();
    else reader.skip();
  }
  return { tenant, series };
}

/** Serves RemoteWrite. */
export function writeableStoreService(
  isReady: () => boolean,
  write: (parts: readonly TenantSeries[], replica: number, late: boolean) => Promise<void>,
): Service {
  const RemoteWrite = unary(async (data) => {
    if (!isReady()) throw new RpcError("RPC_UNAVAILABLE", "TSDB not ready");
    try {
      const { parts, replica, late } = decodeWriteRequest(data);
      await write(parts, replica, late);
      return WriteResponseMessage.encode({});
    } catch (error) {
      if (error instanceof ReceiveError) {
        throw new RpcError(rpcCodes[error.code], error.message, {}, { cause: error });
      }
      if (error instanceof RpcError || error instanceof ModelError) {
        throw new RpcError("RPC_INVALID_ARGUMENT", error.message, {}, { cause: error });
      }
      throw new RpcError("RPC_INTERNAL", messageOf(error), {}, { cause: error as Error });
    }
  });
  return { name: "thanos.WriteableStore", methods: { RemoteWrite } };
}
