/**
 * Lets the four services train for a while with certificates that are rotated, torn pairs among them. Exits with 1 when a step fails.
 *
 * usage: make rotation [ROTATIONS=N] [EVERY=SECONDS]      (default: 20 rotations, one every 30 s)
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { trainWhileRotating } from './rotating-trio.ts';

const rotations = Number(process.argv[2] ?? 20);
const everySeconds = Number(process.argv[3] ?? 30);
if (!(rotations >= 1 && everySeconds >= 5)) {
  console.error('rotation: expected 1 rotation or more, and 5 seconds or more between two');
  process.exit(2);
}
const folder = mkdtempSync(join(tmpdir(), 'trikd-rotation-'));
try {
  const { steps, adopted, refused, lost, failures } = await trainWhileRotating({
    ...{ folder, rotations, everySeconds },
    say: console.log,
  });
  const isMoving = steps.every((count, index) => index === 0 || count > steps[index - 1]!);
  console.log(
    `${adopted} certificates adopted, ${refused} torn ones refused, ${lost} attempts lost, ${failures.length} calls failed`,
  );
  for (const failure of failures.slice(0, 5)) console.log(failure);
  process.exitCode = isMoving && lost === 0 && failures.length === 0 && adopted >= 4 * rotations ? 0 : 1;
} finally {
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
}
process.exit();
