import { ModelSpec } from '@trikd/core/models/registry';

/** The networks of a cell. */
export interface Networks {
  readonly student: ModelSpec;
  /** None where the student trains alone. */
  readonly teacher?: ModelSpec;
}

/** @param models `STUDENT` or `STUDENT/TEACHER` @throws RangeError for a name that no network has */
export function networksOf(models: string): Networks {
  const [student, teacher, ...more] = models.split('/');
  if (more.length > 0) throw new RangeError(`${models} names more than a student and a teacher`);
  return { student: networkNamed(student!), ...(teacher !== undefined && { teacher: networkNamed(teacher) }) };
}

function networkNamed(name: string): ModelSpec {
  const { success, data } = ModelSpec.safeParse(settingsNamed(name));
  if (!success) throw new RangeError(`there is no network ${name}: resnet-20, wrn-16-2 and mobilenet-v2 are some`);
  return data;
}

/** @param name `resnet-DEPTH`, `wrn-DEPTH-WIDEN`, or `mobilenet-v2` with half the channels, as in the distillation literature */
function settingsNamed(name: string): object | undefined {
  if (name === 'mobilenet-v2') return { kind: name, width: 0.5 };
  const [, kind, depth, widen] = /^(resnet|wrn)-(\d+)(?:-(\d+))?$/.exec(name) ?? [];
  if (kind === 'resnet' && widen === undefined) return { kind, depth: Number(depth), width: 16 };
  if (kind === 'wrn' && widen !== undefined) return { kind, depth: Number(depth), widen: Number(widen) };
  return undefined;
}
