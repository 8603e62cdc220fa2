import { fakeServerRuns } from './testing/fake-server-runs.js';
import { serverRunsContract } from './testing/server-runs.contract.js';

serverRunsContract(async () => {
  const { runs, end } = fakeServerRuns(1);
  return { runs, end: async (runId, phase) => end(runId, phase) };
});
