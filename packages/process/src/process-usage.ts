import type { GpuUsage, ProcessUsage } from '@trikd/core/timing/process-usage';
import { gpuReader } from './gpu-usage.js';

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
