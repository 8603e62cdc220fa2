import type { Server } from '@grpc/grpc-js';
import { ReflectionService } from '@grpc/reflection';
import { DESCRIPTORS } from '@trikd/protocol/gen/node/descriptors';

/** Lets grpcurl and the like ask a server for its protocol: `grpc.reflection.v1` and `v1alpha`. */
export function addReflection(server: Server, services: readonly string[]): void {
  const fileDescriptorProtos = Object.values(DESCRIPTORS).map((base64) => Buffer.from(base64, 'base64'));
  // Reflection reads the descriptors out of any definition of the package, and nothing else of it.
  const bearer = { format: 'Protocol Buffer 3 EnumDescriptorProto' as const, type: {}, fileDescriptorProtos };
  new ReflectionService({ 'trikd.v1': bearer }, { services: [...services] }).addToServer(server);
}
