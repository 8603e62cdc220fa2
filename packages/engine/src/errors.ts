/** The status names of TensorFlow, as `EngineError.code`. */
export type EngineErrorCode =
  | 'CANCELLED'
  | 'UNKNOWN'
  | 'INVALID_ARGUMENT'
  | 'DEADLINE_EXCEEDED'
  | 'NOT_FOUND'
  | 'ALREADY_EXISTS'
  | 'PERMISSION_DENIED'
  | 'UNAUTHENTICATED'
  | 'RESOURCE_EXHAUSTED'
  | 'FAILED_PRECONDITION'
  | 'ABORTED'
  | 'OUT_OF_RANGE'
  | 'UNIMPLEMENTED'
  | 'INTERNAL'
  | 'UNAVAILABLE'
  | 'DATA_LOSS';

/** Whatever goes wrong between tracing a program and closing its session. */
export class EngineError extends Error {
  override readonly name = 'EngineError';

  constructor(
    readonly code: EngineErrorCode,
    message: string,
    /** The node or op concerned; empty when there is none. */
    readonly operation = '',
    options?: ErrorOptions,
  ) {
    super(operation === '' ? message : `${operation}: ${message}`, options);
  }
}

/** An error of the addon as an EngineError; anything else unchanged. */
export function fromNative(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof EngineError || !('code' in error) || !('operation' in error)) {
    return error;
  }
  const operation = String(error.operation) || nodeIn(error.message);
  return new EngineError(error.code as EngineErrorCode, error.message, operation, { cause: error });
}

/** TensorFlow names the node of a failed run inside the message: `[[{{node MatMul_7}}]]`. */
function nodeIn(message: string): string {
  return /\{\{(?:function_)?node ([^}\s]+)\}\}/.exec(message)?.[1] ?? '';
}
