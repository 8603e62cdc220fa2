/** What a process has used since it started. */
export interface ProcessUsage {
  /** Seconds since it started. */
  readonly uptimeSeconds: number;
  /** Of all its threads, in user and system mode. */
  readonly cpuSeconds: number;
  /** Resident. */
  readonly memoryBytes: number;
  /** Maximum of the resident memory so far. */
  readonly peakMemoryBytes: number;
  /** Absent without a GPU. */
  readonly gpu?: GpuUsage;
}

/** How busy a GPU is, whichever processes use it. */
export interface GpuUsage {
  /** Share of the last second in which it computed, 0..1. */
  readonly utilization: number;
  readonly memoryBytes: number;
  /** Memory that it has. */
  readonly memoryTotalBytes: number;
}
