import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Numerics } from '@trikd/core/domain/numerics';
import type { RunSpec } from '@trikd/core/spec/run-spec';
import { OWN_KERNELS, tensorflowVersion, usesOwnKernels } from '@trikd/engine';
import { hasCode } from '@trikd/process/error-code';
import { processorOf } from './processor.js';

/** Overrule what kernels are chosen by the processor. */
const OVERRULING = ['TF_ENABLE_ONEDNN_OPTS', 'ONEDNN_MAX_CPU_ISA', 'DNNL_MAX_CPU_ISA', 'ONEDNN_DEFAULT_FPMATH_MODE'];

/** TensorFlow computes bfloat16 with one of these. Without them it computes float32 and does not say so. */
const BFLOAT16 = ['avx512f', 'avx_ne_convert'];

/** The numerics of models in this process, by the engine settings of their run. The machine is read once, at the start. */
export function readNumerics(
  env: Readonly<Record<string, string | undefined>>,
): (engine: RunSpec['engine']) => Numerics {
  const { name: processor, instructionSets } = processorOf(textOf('/proc/cpuinfo'));
  const overruled = OVERRULING.flatMap((name) => (env[name] === undefined ? [] : `${name}=${env[name]}`));
  const kernels = [...instructionSets, ...overruled].sort();
  const hasBfloat16 = BFLOAT16.some((each) => instructionSets.includes(each));
  const tensorflow = tensorflowVersion();
  return (engine) => ({
    tensorflow,
    processor,
    kernels: usesOwnKernels(engine) ? [...kernels, OWN_KERNELS].sort() : kernels,
    device: engine.device === 'gpu' ? gpuName() : 'cpu',
    threads: engine.threads,
    precision: hasBfloat16 ? engine.precision : 'float32',
  });
}

/** As the NVIDIA driver names the GPUs of this container; TensorFlow's C library has no names of GPUs. */
function gpuName(): string {
  const folder = '/proc/driver/nvidia/gpus';
  const models = ifReadable(() => readdirSync(folder))?.map((gpu) => {
    return /^Model:\s*(.+)$/m.exec(textOf(join(folder, gpu, 'information')))?.[1]?.trim();
  });
  const names = [...new Set(models?.filter((name) => name !== undefined))];
  return names.length > 0 ? names.join(', ') : 'gpu';
}

/** Empty where there is no such file, as outside of Linux, or where it may not be read. */
function textOf(path: string): string {
  return ifReadable(() => readFileSync(path, 'utf8')) ?? '';
}

function ifReadable<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'EACCES', 'EPERM')) return undefined;
    throw error;
  }
}
