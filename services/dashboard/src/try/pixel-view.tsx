import { useEffect, useRef } from 'preact/hooks';

interface PixelViewProps {
  readonly label: string;
  readonly height: number;
  readonly width: number;
  /** height x width x 4, row by row. */
  readonly rgba: Uint8ClampedArray<ArrayBuffer>;
}

/** Pixels, with a caption. The page may load no images, but it can draw. */
export function PixelView({ label, height, width, rgba }: PixelViewProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    canvas.current?.getContext('2d')?.putImageData(new ImageData(rgba, width, height), 0, 0);
  }, [rgba, height, width]);
  return (
    <figure>
      <canvas ref={canvas} height={height} width={width} role="img" aria-label={label} />
      <figcaption class="muted small">
        {label}, {width} × {height}
      </figcaption>
    </figure>
  );
}
