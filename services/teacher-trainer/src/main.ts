import '@trikd/process/bundled-packages';
import { exitOnEarlySignals } from '@trikd/process/shutdown';

exitOnEarlySignals();
const { runTrainer } = await import('@trikd/model-host/trainer/run-trainer');
process.exit(await runTrainer('teacher'));
