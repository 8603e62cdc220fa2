/**
 * A stage for people: `generation 2` of a curriculum, `stage teacher` of another method.
 * @param name of the stage; empty where it is not known
 */
export function stageText(name: string | undefined, index: number): string {
  if (name === undefined || name === '') return `stage ${index}`;
  return isGeneration(name) ? name.replace('-', ' ') : `stage ${name}`;
}

/** Whether the stage of this name is a generation of one student. */
export function isGeneration(name: string): boolean {
  return name.startsWith('generation-');
}
