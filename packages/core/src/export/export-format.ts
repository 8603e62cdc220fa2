/** Formats that a model is written in. */
export const EXPORT_FORMATS = ['onnx', 'tfjs', 'savedmodel', 'pytorch', 'safetensors'] as const;
export type ExportFormat = (typeof EXPORT_FORMATS)[number];

/** Content by file name. */
export type ExportFiles = ReadonlyMap<string, Uint8Array>;

/** What a file says of its origin, where its format has a place for it. */
export type ExportMetadata = Readonly<Record<string, string>>;
