import { AdmissionLimits, ownAdmission } from '@trikd/core/spec/admission';
import type { RunSpec } from '@trikd/core/spec/run-spec';
import { specFor } from '@trikd/testing/specs/spec-for';
import { SECRET } from '@trikd/testing/training/exchange-secret';
import { expect, test } from 'vitest';
import { admittingAnchor, admittingTrainer } from './admitting.js';
import type { AnchorHolder } from './anchor/anchor-holder.js';
import type { Trainer } from './trainer/trainer.js';

const admission = ownAdmission(AdmissionLimits.parse({ threads: 8 }));
const attempt = { runId: 'trial', stage: 0, attempt: 1 };
const withThreads = (threads: number) => specFor('bare', { engine: { threads } });
const order = (spec: RunSpec) => {
  const common = { attempt, term: 1, exchangeSecret: SECRET, limit: 1 };
  return { ...common, sources: {}, promoted: false, spec };
};
const untouched = () => Promise.reject(new Error('it was asked'));

test('a trainer refuses an assignment above a limit before the current attempt ends', async () => {
  const trainer = admittingTrainer({ assign: untouched } as Partial<Trainer> as Trainer, admission);
  const assigned = (threads: number) => trainer.assign(order(withThreads(threads)));
  await expect(assigned(9)).rejects.toThrow('engine.threads: 9 threads, limit admission.threads: 8');
  await expect(assigned(8)).rejects.toThrow('it was asked');
});

test('an anchor-server refuses a load above a limit before it reads anything', async () => {
  const anchor = admittingAnchor({ load: untouched } as Partial<AnchorHolder> as AnchorHolder, admission);
  const params = { key: 'k', sha256: '0'.repeat(64), bytes: 1 };
  const loaded = (threads: number) =>
    anchor.load({
      start: { ...attempt, step: 0 },
      term: 1,
      exchangeSecret: SECRET,
      spec: withThreads(threads),
      params: { anchor: params },
    });
  await expect(loaded(9)).rejects.toThrow('engine.threads: 9 threads, limit admission.threads: 8');
  await expect(loaded(8)).rejects.toThrow('it was asked');
});

test('a trainer refuses an assignment that names an address beside its peers', async () => {
  const trainer = admittingTrainer({ assign: untouched } as Partial<Trainer> as Trainer, admission, ['teacher:50052']);
  const assigned = (teacher: string) => trainer.assign({ ...order(withThreads(1)), sources: { teacher } });
  await expect(assigned('127.0.0.1:22')).rejects.toMatchObject({
    kind: 'forbidden',
    message: '127.0.0.1:22 is not among the peers of this trainer',
  });
  await expect(assigned('teacher:50052')).rejects.toThrow('it was asked');
});
