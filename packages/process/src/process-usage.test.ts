import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test, vi } from 'vitest';
import { gpuReader, gpuUsageIn } from './process-usage.js';

const folder = mkdtempSync(join(tmpdir(), 'trikd-gpu-'));
afterAll(() => rmSync(folder, { recursive: true }));

test('the answer of the driver is in percent and MiB', () => {
  expect(gpuUsageIn('37, 1024, 81559\n')).toEqual({
    utilization: 0.37,
    memoryBytes: 1024 ** 3,
    memoryTotalBytes: 81559 * 1024 ** 2,
  });
});

test.each(['', '[N/A], 1024, 81559', '37, 1024', 'No devices were found\n', '37, 1, 2\n38, 1, 2\n'])(
  'the answer %j says nothing of one GPU',
  (answer) => {
    expect(gpuUsageIn(answer)).toBeUndefined();
  },
);

/** A driver that answers a line, if it is asked for the device. */
function driver(device: string): string {
  const command = join(folder, `smi-${device}`);
  writeFileSync(command, `#!/bin/sh\ncase "$*" in *"--id=${device}") echo "50, 10, 20";; *) exit 1;; esac\n`);
  chmodSync(command, 0o755);
  return command;
}

test('the first visible device is read, in the background', async () => {
  const read = gpuReader('3,1', driver('3'), folder);
  expect(read()).toBeUndefined();
  await vi.waitFor(() => expect(read()?.utilization).toBe(0.5));
});

test.each([
  ['without a driver', undefined, join(folder, 'none')],
  ['where no device is visible', '', folder],
  ['where the devices are no list of devices', '-h', folder],
])('nothing is asked %s', (_, visible, file) => {
  const read = gpuReader(visible, join(folder, 'must-not-start'), file);
  expect(read()).toBeUndefined();
});
