import { addNetwork, isLoaded, type ModuleModel } from '@trikd/core/models/module/module-spec';
import type { Admission } from '@trikd/core/spec/admission';
import type { RunSpec } from '@trikd/core/spec/run-spec';
import { stagesOf } from '@trikd/core/stages/stages-of';
import { findModule, importModule } from '@trikd/process/user-modules';

/**
 * Loads the modules that the models of a run are made by, from a folder: their code is executed. A run has been admitted before.
 * @param folder undefined: this process runs no module
 * @throws TrikdError 'invalid' for a module that the folder does not have, or that cannot be executed
 */
export async function loadNetworks(spec: RunSpec, folder: string | undefined, { limits }: Admission): Promise<void> {
  for (const model of moduleModels(spec)) {
    if (folder === undefined || isLoaded(model)) continue;
    const make = await importModule(findModule(folder, model), model.export);
    // TensorFlow.js takes a second to load, and most runs have no module.
    const { moduleNetwork } = await import('@trikd/core/models/module/module-network');
    addNetwork(model, moduleNetwork(make as Parameters<typeof moduleNetwork>[0], limits));
  }
}

function moduleModels(spec: RunSpec): readonly ModuleModel[] {
  const models = stagesOf(spec).flatMap(({ learners, frozen }) =>
    [...learners, ...frozen].flatMap((each) => ('model' in each ? [each.model] : [])),
  );
  return models.filter((model) => model.kind === 'module');
}
