import { BinaryReader } from '@bufbuild/protobuf/wire';
import { FILE_DESCRIPTOR_SET } from './gen/descriptors.js';

/** The FileDescriptorProto of each file of the protocol, encoded: what reflection answers with. */
export const DESCRIPTORS: readonly Buffer[] = [...filesOf(Buffer.from(FILE_DESCRIPTOR_SET, 'base64'))];

/** A FileDescriptorSet has one field, the list of its files. */
function* filesOf(set: Uint8Array): Generator<Buffer> {
  const reader = new BinaryReader(set);
  while (reader.pos < reader.len) {
    reader.tag();
    yield Buffer.from(reader.bytes());
  }
}
