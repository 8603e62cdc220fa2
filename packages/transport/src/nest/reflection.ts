import type { Server } from '@grpc/grpc-js';
import { ReflectionService } from '@grpc/reflection';
import { DESCRIPTORS } from '@trikd/protocol/gen/node/descriptors';

/** Serves `grpc.reflection.v1` and `v1alpha`, so that tools such as grpcurl can discover the protocol. */
export function addReflection(server: Server, services: readonly string[]): void {
  const fileDescriptorProtos = Object.values(DESCRIPTORS).map((base64) => Buffer.from(base64, 'base64'));
  // The reflection service reads the descriptors of any one definition of the package, and nothing else.
  const bearer = { format: 'Protocol Buffer 3 EnumDescriptorProto' as const, type: {}, fileDescriptorProtos };
  new ReflectionService({ 'trikd.v1': bearer }, { services: [...services] }).addToServer(server);
}
