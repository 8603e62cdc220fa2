import { TrikdError } from '../domain/errors.js';
import { isRemote } from '../stages/stage.js';
import { type StagedRun, stagesOf } from '../stages/stages-of.js';
import { type EndpointAddress, endpointAddress } from './endpoint-address.js';

/** Which endpoints a service asks for a run. */
export interface EndpointAccess {
  /** Names of those that are registered. */
  readonly names: readonly string[];
  /** Whether a spec may name one by its address. */
  readonly addresses: boolean;
}

/** What a person's own machine asks: any address, and no name is registered. */
export const ANY_ENDPOINT: EndpointAccess = { names: [], addresses: true };

/** Why a service does not ask an endpoint; undefined: it does. */
export function endpointProblem(endpoint: string, { names, addresses }: EndpointAccess): string | undefined {
  const found = endpointAddress(endpoint);
  const known = names.length > 0 ? `one of ${names.join(', ')}` : 'which its operator registers in endpoints';
  if (!found) return 'expected host:port, https://host, or the name of an endpoint that the services have registered';
  if (found.kind === 'registered') {
    return names.includes(found.name) ? undefined : `this service has no endpoint ${found.name}: name ${known}`;
  }
  return addresses ? undefined : `this service asks no address that a spec names: name an endpoint, ${known}`;
}

/** An endpoint that a service does not ask, where the spec names it, and why. */
export interface EndpointProblem {
  readonly field: string;
  readonly description: string;
}

/** Why a service does not ask the endpoints of a spec. */
export function endpointProblems(spec: StagedRun, access: EndpointAccess): readonly EndpointProblem[] {
  const found = new Map<string, EndpointProblem>();
  for (const { index, frozen } of stagesOf(spec)) {
    for (const { name, from } of frozen.filter(isRemote)) {
      const field = `${spec.stages ? `stages.${index}.frozen.${name}` : name}.from.endpoint`;
      const description = endpointProblem(from.endpoint, access);
      if (description !== undefined) found.set(field, { field, description });
    }
  }
  return [...found.values()];
}

/** @throws TrikdError 'forbidden' for an endpoint that the service does not ask */
export function allowedEndpoint(endpoint: string, access: EndpointAccess): EndpointAddress {
  const found = endpointAddress(endpoint);
  const problem = endpointProblem(endpoint, access);
  if (problem !== undefined || !found) throw new TrikdError('forbidden', `endpoint ${endpoint}: ${problem}`);
  return found;
}
