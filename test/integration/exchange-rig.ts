import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Role, StageAttempt } from '@trikd/core/domain/position';
import { assertAgreement, assertSecret, assertServing } from '@trikd/core/exchange/agreement';
import type { Agreement, LogitsFrame } from '@trikd/core/exchange/frame';
import type { FrameWindow } from '@trikd/core/exchange/frame-window';
import { type SubscribeOptions, subscribe } from '@trikd/core/exchange/subscribe';
import type { ExchangeSource } from '@trikd/model-host/exchange-source';
import { createLogger } from '@trikd/process/logging';
import { systemClock } from '@trikd/process/system-clock';
import { EXCHANGE_SERVICES, exchangeModule } from '@trikd/testing/servers/exchange.module';
import { SECRET } from '@trikd/testing/training/exchange-secret';
import { dialProducer } from '@trikd/transport/grpc/exchange-client';
import { createService, type Service, type ServiceOptions } from '@trikd/transport/nest/create-service';

export const attempt: StageAttempt = { runId: 'r', stage: 3, attempt: 1 };
export const agreement: Agreement = { specDigest: 'aa', datasetDigest: 'bb', classes: 10, batchSize: 16, seed: 1 };
export const log = createLogger({ level: 'silent' }, 'test');

/** A frame whose every logit depends on its role and step. */
export function frameOf(role: Role, step: number, of: Agreement = agreement): LogitsFrame {
  const data = Float32Array.from({ length: of.batchSize * of.classes }, (_, i) => step + i / 1024 + role.length);
  return { position: { ...attempt, step }, batchDigest: 'cc', logits: { rows: of.batchSize, cols: of.classes, data } };
}

/** What a model service does with a window: refuse who disagrees, then stream. */
export function sourceOf(window: FrameWindow, mine: Agreement = agreement): ExchangeSource {
  return {
    frames(asked, signal) {
      assertServing(attempt, asked.from);
      assertSecret(SECRET, asked.secret, asked.consumer);
      assertAgreement(mine, asked.agreement, asked.consumer);
      return window.frames(asked.consumer, asked.from.step, signal);
    },
  };
}

/** Serves a source; `listen` defaults to a free port. */
export function serve(
  source: ExchangeSource,
  {
    listen = '127.0.0.1:0',
    shutdown = new AbortController().signal,
    drainSeconds = 0.2,
    ...further
  }: Partial<ServiceOptions> & { shutdown?: AbortSignal } = {},
): Promise<Service> {
  const module = exchangeModule(source, shutdown);
  return createService({ ...further, module, services: EXCHANGE_SERVICES, listen, log, drainSeconds });
}

/** The frames that a consumer gets from a producer; by default the student from the teacher. */
export function listenTo(address: string, { producer = 'teacher', ...options }: Partial<SubscribeOptions> = {}) {
  return subscribe({
    address,
    producer,
    server: producer === 'teacher' || producer === 'student' ? producer : 'anchor',
    consumer: 'student',
    from: { ...attempt, step: 0 },
    agreement,
    secret: SECRET,
    stepTimeoutSeconds: 20,
    signal: new AbortController().signal,
    dial: dialProducer,
    clock: systemClock,
    random: Math.random,
    ...options,
  });
}

/** A Unix socket in a folder of its own. */
export async function freshSocket(): Promise<{ readonly address: string; remove(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'trikd-'));
  return { address: `unix:${join(folder, 's')}`, remove: () => rm(folder, { recursive: true, force: true }) };
}
