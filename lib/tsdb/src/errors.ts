// Errors of @deucalion/tsdb.
import { CodedError } from "@deucalion/base";

export type TsdbErrorCode =
  | "TSDB_CHUNK_DATA" // samples of a chunk do not decode
  | "TSDB_CHUNK_ENCODING" // encoding byte is not one we read
  | "TSDB_CHUNK_CHECKSUM" // stored CRC-32C of a chunk differs from the one computed
  | "TSDB_CHUNK_RANGE" // a chunk lies outside its segment
  | "TSDB_CHUNK_FULL" // a chunk cannot take more samples, or not this kind
  | "TSDB_SEGMENT_HEADER" // magic number or version of a chunk segment is wrong
  | "TSDB_INDEX_HEADER" // magic number or version of an index is wrong
  | "TSDB_INDEX_TOC" // table of contents does not fit or its checksum is wrong
  | "TSDB_INDEX_CHECKSUM" // stored CRC-32C of a part of an index differs from the one computed
  | "TSDB_INDEX_DATA" // a part of an index is malformed
  | "TSDB_INDEX_ORDER" // what is to be written is not in order
  | "TSDB_INDEX_LIMIT" // an index would grow past what its format can address
  | "TSDB_META" // meta.json is not one we read
  | "TSDB_TOMBSTONES" // tombstones file is malformed
  | "TSDB_WAL_RECORD" // a record of a write-ahead log does not decode
  | "TSDB_WAL_SYNC" // an ended segment of a log could not be made durable and is being written again
  | "TSDB_WAL_SEGMENT" // a segment of a write-ahead log is damaged or missing
  | "TSDB_HEAD_CHUNKS" // a file of m-mapped head chunks is damaged
  | "TSDB_NOT_A_BLOCK"; // a directory holds neither a block nor a database

export class TsdbError extends CodedError<TsdbErrorCode> {}
