import type { Server } from '@grpc/grpc-js';
import { ReflectionService } from '@grpc/reflection';
import { DESCRIPTORS } from '@trikd/protocol/descriptors';

/** Serves `grpc.reflection.v1` and `v1alpha`, so that tools such as grpcurl can discover the protocol. */
export function addReflection(server: Server, services: readonly string[]): void {
  // The reflection service reads the descriptors of any one definition of the package, and nothing else.
  const bearer = {
    format: 'Protocol Buffer 3 EnumDescriptorProto' as const,
    type: {},
    fileDescriptorProtos: [...DESCRIPTORS],
  };
  new ReflectionService({ 'trikd.v1': bearer }, { services: [...services] }).addToServer(server);
}
