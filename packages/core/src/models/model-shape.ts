/** What a model takes and gives: images [height, width, channels] in, logits [classes] out. */
export interface ModelShape {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly classes: number;
}
