/** Input and output of a model: images [height, width, channels] in, logits [classes] out. */
export interface ModelShape {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly classes: number;
}
