import '@trikd/process/bundled-packages';
import { settingsThatFollow } from '@trikd/process/service-process';
import { exitOnEarlySignals } from '@trikd/process/shutdown';

exitOnEarlySignals();
await settingsThatFollow(() =>
  Promise.all([
    import('./service.js'),
    import('./api/dashboard.js'),
    import('./api/orchestrator.module.js'),
    import('./api/run-service.js'),
    import('@trikd/transport/nest/run-service'),
  ]),
);
await import('./start.js');
