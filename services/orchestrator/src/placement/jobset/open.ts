import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { TrikdError } from '@trikd/core/domain/errors';
import { readYaml } from '@trikd/process/read-text';
import type { JobSetPlacementConfig } from '../placement-config.js';
import { apiClient } from './api-client.js';
import { accessOf } from './cluster-access.js';
import { httpKubernetesApi } from './http-api.js';
import { type JobSetPlacement, type JobSetPlacementPorts, jobSetPlacement } from './jobset.js';
import { type JobSetTemplate, parseTemplate } from './template.js';

export interface OpenJobSetPorts extends Pick<JobSetPlacementPorts, 'clock' | 'random' | 'log' | 'stopped'> {
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** @throws TrikdError `invalid` for templates or an access to the cluster that cannot be used */
export function openJobSetPlacement(
  config: JobSetPlacementConfig,
  { env, ...ports }: OpenJobSetPorts,
): JobSetPlacement {
  const { namespace, instance, queue, priorityClasses, most, kubernetes } = config;
  const templates = readTemplates(config.templates);
  const defaultClass = config.class ?? (templates.size === 1 ? [...templates.keys()][0] : undefined);
  if (defaultClass !== undefined && !templates.has(defaultClass)) {
    const known = [...templates.keys()].join(', ');
    throw new TrikdError(
      'invalid',
      `placement.class: there is no class ${defaultClass} in ${config.templates}: there are ${known}`,
    );
  }
  const client = apiClient(accessOf(kubernetes, env));
  ports.stopped.addEventListener('abort', client.close, { once: true });
  return jobSetPlacement({
    ...ports,
    ...{ templates, most, api: httpKubernetesApi(client, config) },
    rules: { ...{ namespace, instance, priorityClasses }, ...(queue !== undefined && { queue }) },
    ...(defaultClass !== undefined && { defaultClass }),
  });
}

/** The templates of a folder, by class. The other files of a mounted ConfigMap are not for readers. */
export function readTemplates(folder: string): ReadonlyMap<string, JobSetTemplate> {
  const files = namesIn(folder).filter((name) => /^[a-z0-9][a-z0-9-]*\.yaml$/.test(name));
  if (files.length === 0) {
    throw new TrikdError('invalid', `placement.templates: ${folder} has no file <class>.yaml with a JobSet template`);
  }
  return new Map(
    files.toSorted().map((file) => {
      const name = file.slice(0, -'.yaml'.length);
      return [name, parseTemplate(name, readYaml(join(folder, file)))];
    }),
  );
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch (cause) {
    throw new TrikdError('invalid', `placement.templates: cannot read ${folder}`, {}, { cause });
  }
}
