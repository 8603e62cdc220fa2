/** A model behind an endpoint of the Open Inference Protocol, as a spec names it. */
export interface RemoteModel {
  /** An address, or a name that the services have registered. */
  readonly endpoint: string;
  /** Its name there. */
  readonly model: string;
  /** Absent: the server chooses. */
  readonly version?: string | undefined;
  /** Name of its tensor of images; absent: it has one. */
  readonly input?: string | undefined;
  /** Name of its tensor of logits; absent: it has one output. */
  readonly output?: string | undefined;
  /** Absent: as its metadata say. */
  readonly layout?: 'nhwc' | 'nchw' | undefined;
  /** `raw`: from 0 to 255; absent: normalised for a model that takes FP32, raw for one that takes UINT8. */
  readonly pixels?: 'normalised' | 'raw' | undefined;
  /** Images of one request; absent: as its metadata say, or a batch. */
  readonly rows?: number | undefined;
}
