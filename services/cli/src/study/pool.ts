/**
 * Does jobs in their order, several at once. The first that fails ends the others that have not begun; those that have are waited for.
 * @throws what the first that failed threw
 */
export async function inPool<Job>(
  jobs: readonly Job[],
  workers: number,
  work: (job: Job) => Promise<void>,
): Promise<void> {
  const pending = [...jobs];
  const failures: unknown[] = [];
  const worker = async () => {
    for (let job = pending.shift(); job !== undefined && failures.length === 0; job = pending.shift()) {
      await work(job).catch((error: unknown) => failures.push(error));
    }
  };
  await Promise.all(Array.from({ length: workers }, worker));
  if (failures.length > 0) throw failures[0];
}
