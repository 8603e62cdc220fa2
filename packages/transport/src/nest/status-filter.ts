import { Catch, type RpcExceptionFilter } from '@nestjs/common';
import { TrikdError } from '@trikd/core/domain/errors';
import type { Logger } from '@trikd/process/logging';
import { toStatus } from '@trikd/protocol/status';
import { Observable } from 'rxjs';

/** Turns whatever a controller throws into a status. What is not a TrikdError is a bug, and is logged here, once. */
@Catch()
export class StatusFilter implements RpcExceptionFilter {
  constructor(private readonly log: Logger) {}

  catch(error: unknown): Observable<never> {
    if (!(error instanceof TrikdError)) this.log.error({ err: error }, 'a call failed');
    return new Observable((subscriber) => subscriber.error(toStatus(error)));
  }
}
