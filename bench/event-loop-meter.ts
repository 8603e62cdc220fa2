// Loaded into a service before it starts: measures how late its event loop is, while SIGUSR2 has it switched on.
import { writeFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';

const RESOLUTION_MS = 1;
const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
const file = process.env.BENCH_LAG_FILE;

process.on('SIGUSR2', () => {
  delay.reset();
  delay.enable();
});
process.on('exit', () => {
  // The histogram counts the time between two wake-ups, the resolution included.
  const lag = (percentile: number) => Math.max(0, delay.percentile(percentile) / 1e6 - RESOLUTION_MS);
  if (file)
    writeFileSync(
      file,
      JSON.stringify({ p50: lag(50), p99: lag(99), max: Math.max(0, delay.max / 1e6 - RESOLUTION_MS) }),
    );
});
