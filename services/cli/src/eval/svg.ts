/** Side of the plotting area, in units of the picture. */
export const SIDE = 240;
const MARGIN = { left: 56, right: 12, top: 8, bottom: 36 };
const TICKS = [0, 0.25, 0.5, 0.75, 1];

/** A plot of numbers from 0 to 1 on both axes. */
export interface UnitPlot {
  /** What the plot shows, for who does not see it. */
  readonly label: string;
  readonly x: string;
  readonly y: string;
  /** SVG in the plotting area, whose origin is its upper left corner. */
  readonly content: string;
  /** Texts at the ticks of the x axis. */
  readonly ticks?: readonly string[];
}

/** A plot as SVG; its colours come from the page. */
export function unitPlot({ label, x, y, content, ticks = TICKS.map(String) }: UnitPlot): string {
  const width = SIDE + MARGIN.left + MARGIN.right;
  const height = SIDE + MARGIN.top + MARGIN.bottom;
  const lines = TICKS.map((at, place) => {
    const [column, row] = [at * SIDE, (1 - at) * SIDE];
    return (
      `<line class="grid" x1="0" x2="${SIDE}" y1="${row}" y2="${row}"/>` +
      `<text x="-6" y="${row + 4}" text-anchor="end">${at}</text>` +
      `<text x="${column}" y="${SIDE + 16}" text-anchor="middle">${ticks[place] ?? ''}</text>`
    );
  });
  return (
    `<svg role="img" aria-label="${label}" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}">` +
    `<g transform="translate(${MARGIN.left} ${MARGIN.top})">${lines.join('')}${content}` +
    `<text x="${SIDE / 2}" y="${SIDE + 32}" text-anchor="middle">${x}</text>` +
    `<text transform="translate(-44 ${SIDE / 2}) rotate(-90)" text-anchor="middle">${y}</text></g></svg>`
  );
}

/** A bar that stands on the x axis. @param from, to, height shares of the plotting area */
export function bar(kind: string, from: number, to: number, height: number): string {
  const [x, width] = [number(from * SIDE), number((to - from) * SIDE - 1)];
  return `<rect class="${kind}" x="${x}" width="${width}" y="${number((1 - height) * SIDE)}" height="${number(height * SIDE)}"/>`;
}

/** A line through points of shares of the plotting area. */
export function line(kind: string, points: readonly (readonly [x: number, y: number])[]): string {
  const path = points.map(([x, y]) => `${number(x * SIDE)},${number((1 - y) * SIDE)}`).join(' ');
  return `<polyline class="${kind}" points="${path}"/>`;
}

function number(value: number): string {
  return value.toFixed(1);
}
