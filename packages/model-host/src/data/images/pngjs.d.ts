/** What is used of pngjs, which has no types of its own. */
// biome-ignore lint/correctness/noUnresolvedImports: it has no types of its own, and Biome does not see ours
declare module 'pngjs' {
  interface Pixels {
    readonly width: number;
    readonly height: number;
    readonly data: Buffer;
  }
  export const PNG: {
    readonly sync: {
      /** Red, green, blue and alpha of each pixel, whatever the file has. */
      read(file: Buffer): Pixels;
      write(
        pixels: Pixels,
        options: { readonly colorType: number; readonly inputColorType?: number; readonly inputHasAlpha?: boolean },
      ): Buffer;
    };
  };
}
