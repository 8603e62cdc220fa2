import { BinaryWriter } from '@bufbuild/protobuf/wire';
import { maskedCrc32c } from './crc32c.js';

/** One value of a curve. */
export interface Scalar {
  /** Name of the curve, such as `loss/task`. */
  readonly tag: string;
  readonly step: number;
  /** Seconds since 1970. */
  readonly time: number;
  readonly value: number;
}

// Field numbers of tensorflow/core/util/event.proto and framework/summary.proto.
const EVENT = { wallTime: 1, step: 2, fileVersion: 3, summary: 5 };
const SUMMARY = { value: 1 };
const VALUE = { tag: 1, simpleValue: 2 };
const DOUBLE = 1;
const VARINT = 0;
const LENGTH_DELIMITED = 2;
const FLOAT = 5;

/** The first record of every TensorBoard file. @param time seconds since 1970 */
export function versionRecord(time: number): Uint8Array {
  const event = new BinaryWriter().tag(EVENT.wallTime, DOUBLE).double(time);
  return tfRecord(event.tag(EVENT.fileVersion, LENGTH_DELIMITED).string('brain.Event:2').finish());
}

/** The record of one value: an Event with a Summary. The value becomes a float32. */
export function scalarRecord({ tag, step, time, value }: Scalar): Uint8Array {
  const event = new BinaryWriter().tag(EVENT.wallTime, DOUBLE).double(time).tag(EVENT.step, VARINT).int64(step);
  event.tag(EVENT.summary, LENGTH_DELIMITED).fork().tag(SUMMARY.value, LENGTH_DELIMITED).fork();
  event.tag(VALUE.tag, LENGTH_DELIMITED).string(tag).tag(VALUE.simpleValue, FLOAT).float(value);
  return tfRecord(event.join().join().finish());
}

/** A TFRecord: the length, its checksum, the data, their checksum; all little-endian. */
function tfRecord(data: Uint8Array): Uint8Array {
  const record = new Uint8Array(8 + 4 + data.length + 4);
  const view = new DataView(record.buffer);
  view.setBigUint64(0, BigInt(data.length), true);
  view.setUint32(8, maskedCrc32c(record.subarray(0, 8)), true);
  record.set(data, 12);
  view.setUint32(12 + data.length, maskedCrc32c(data), true);
  return record;
}
