/** Name of the header, and of the metadata of gRPC, that carries a W3C trace context. */
export const TRACEPARENT = 'traceparent';
