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
