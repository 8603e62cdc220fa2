/** One export of a module, and what stands in its place. */
export interface Replacement {
  readonly module: string;
  readonly export: string;
  /** Makes the faulty export from the real one, and from the module for what the fault needs besides. */
  readonly wrap: (real: never, module: never) => unknown;
}

/** Makes replacements of exports. @typeParam Modules by the name that an import in this folder gives them */
export function replacing<Modules>() {
  return <Module extends keyof Modules & string, Export extends keyof Modules[Module] & string>(
    module: Module,
    name: Export,
    wrap: (real: Modules[Module][Export], module: Modules[Module]) => Modules[Module][Export],
  ): Replacement => ({ module, export: name, wrap });
}
