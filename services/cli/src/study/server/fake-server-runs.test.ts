import { fakeServerRuns } from '../../commands/study/server/testing/fake-server-runs.js';
import { serverRunsContract } from '../../commands/study/server/testing/server-runs.contract.js';

serverRunsContract(async () => {
  const { runs, end } = fakeServerRuns(1);
  return { runs, end: async (runId, phase) => end(runId, phase) };
});
