import { fromBinary } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import { DESCRIPTORS } from '@trikd/protocol/descriptors';

/** A method as its .proto file declares it. */
export interface ProtocolMethod {
  /** Such as trikd.v1.RunService. */
  readonly service: string;
  /** Such as /trikd.v1.RunService/WatchRun. */
  readonly path: string;
  readonly streaming: boolean;
}

/** Every method of every service of the protocol, read from the descriptors of its .proto files. */
export const PROTOCOL_METHODS: readonly ProtocolMethod[] = DESCRIPTORS.map((bytes) =>
  fromBinary(FileDescriptorProtoSchema, bytes),
).flatMap((file) =>
  file.service.flatMap(({ name, method }) =>
    method.map((each) => ({
      service: `${file.package}.${name}`,
      path: `/${file.package}.${name}/${each.name}`,
      streaming: each.serverStreaming || each.clientStreaming,
    })),
  ),
);
