import '@trikd/process/bundled-packages';
import { exitOnEarlySignals } from '@trikd/process/shutdown';

exitOnEarlySignals();
await import('./start.js');
