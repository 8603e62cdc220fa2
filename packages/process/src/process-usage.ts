import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import type { GpuUsage, ProcessUsage } from '@trikd/core/timing/role-step';

/** Reads what this process has used, in microseconds of its time: the system counts anyway. */
export function usageReader(
  gpu: () => GpuUsage | undefined = gpuReader(process.env['CUDA_VISIBLE_DEVICES']),
): () => ProcessUsage {
  return () => {
    // Times are in microseconds, the maximum of the resident memory is in KiB.
    const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
    const memoryBytes = process.memoryUsage.rss();
    const usedGpu = gpu();
    return {
      uptimeSeconds: process.uptime(),
      cpuSeconds: (userCPUTime + systemCPUTime) / 1e6,
      memoryBytes,
      peakMemoryBytes: Math.max(1024 * maxRSS, memoryBytes),
      ...(usedGpu && { gpu: usedGpu }),
    };
  };
}

/** Present where the driver of NVIDIA is loaded. */
const DRIVER = '/proc/driver/nvidia/version';
const COMMAND = 'nvidia-smi';

/** Between two questions to the driver: each starts a process. */
const INTERVAL_MS = 5000;
const DEADLINE_MS = 2000;
/** Bytes of its answer, at most. */
const MOST_BYTES = 4096;

const MIB = 1024 * 1024;

/**
 * Reads the usage of the GPU that TensorFlow computes on. Returns at once: the newest answer of the driver, which it asks again in the
 * background. Without a driver it starts nothing.
 * @param visible value of CUDA_VISIBLE_DEVICES; TensorFlow takes the first device that it names
 */
export function gpuReader(visible: string | undefined, command = COMMAND, driver = DRIVER): () => GpuUsage | undefined {
  const device = visible === undefined ? '0' : (visible.split(',')[0]?.trim() ?? '');
  if (!existsSync(driver) || !/^(\d+|(GPU|MIG)-[\w/-]+)$/.test(device)) return () => undefined;
  const query = [
    '--query-gpu=utilization.gpu,memory.used,memory.total',
    '--format=csv,noheader,nounits',
    `--id=${device}`,
  ];
  let newest: GpuUsage | undefined;
  let asked = Number.NEGATIVE_INFINITY;
  return () => {
    const now = performance.now();
    if (now - asked < INTERVAL_MS) return newest;
    asked = now;
    const options = { timeout: DEADLINE_MS, maxBuffer: MOST_BYTES };
    const child = execFile(command, query, options, (error, answer) => {
      newest = error ? undefined : gpuUsageIn(answer);
    });
    // A process that exits does not wait for the answer.
    child.unref();
    return newest;
  };
}

/** The usage in an answer such as `37, 1024, 81559`: percent, MiB and MiB; undefined for any other text, such as `[N/A], …`. */
export function gpuUsageIn(answer: string): GpuUsage | undefined {
  const [, percent, used, total] = /^\s*(\d+), (\d+), (\d+)\s*$/.exec(answer) ?? [];
  if (total === undefined) return undefined;
  return {
    utilization: Math.min(1, Number(percent) / 100),
    memoryBytes: Number(used) * MIB,
    memoryTotalBytes: Number(total) * MIB,
  };
}
