import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Numerics } from '@trikd/core/domain/numerics';
import type { RunSpec } from '@trikd/core/spec/run-spec';
import { OWN_KERNELS, tensorflowVersion, usesOwnKernels } from '@trikd/engine';
import { hasCode } from '@trikd/process/error-code';

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

/** What kernels are chosen by, as Linux reports it for one processor. */
export interface Processor {
  /** Vendor, family and model, such as `GenuineIntel 6 143`; on other processors than x86, what their lines say. */
  readonly name: string;
  /** Those of `INSTRUCTION_SETS` that it has, sorted. */
  readonly instructionSets: readonly string[];
}

/** The instruction sets that Eigen and oneDNN have kernels of their own for, as /proc/cpuinfo spells them. */
const INSTRUCTION_SETS: ReadonlySet<string> = new Set([
  'sse4_2',
  'avx',
  'avx2',
  'fma',
  'f16c',
  'avx_vnni',
  'avx_vnni_int8',
  'avx_ne_convert',
  'avx512f',
  'avx512bw',
  'avx512dq',
  'avx512vl',
  'avx512_vnni',
  'avx512_bf16',
  'avx512_fp16',
  'amx_tile',
  'amx_bf16',
  'amx_int8',
  'amx_fp16',
  // Arm
  'asimd',
  'asimdhp',
  'bf16',
  'i8mm',
  'sve',
  'sve2',
]);

const NAMES = [
  ['vendor_id', 'cpu family', 'model'],
  ['CPU implementer', 'CPU architecture', 'CPU part'],
] as const;

/** Reads the text of /proc/cpuinfo; the processors of a machine are alike. */
export function processorOf(cpuinfo: string): Processor {
  const [first = ''] = cpuinfo.split('\n\n');
  const fields = new Map(first.split('\n').map((line) => pairOf(line)));
  const name = NAMES.map((keys) => keys.flatMap((key) => fields.get(key) ?? []).join(' ')).find((text) => text !== '');
  const flags = (fields.get('flags') ?? fields.get('Features') ?? '').split(' ');
  return {
    name: name ?? 'unknown',
    instructionSets: flags.filter((flag) => INSTRUCTION_SETS.has(flag)).sort(),
  };
}

function pairOf(line: string): [string, string] {
  const colon = line.indexOf(':');
  return [line.slice(0, colon).trim(), line.slice(colon + 1).trim()];
}
