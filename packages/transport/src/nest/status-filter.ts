import { Catch, type RpcExceptionFilter } from '@nestjs/common';
import { TrikdError } from '@trikd/core/domain/errors';
import type { Logger } from '@trikd/process/logging';
import { toStatus } from '@trikd/protocol/status';
import { Observable } from 'rxjs';

/** Converts the errors of controllers to statuses. An error that is not a TrikdError is a bug, and is logged here. */
@Catch()
export class StatusFilter implements RpcExceptionFilter {
  constructor(private readonly log: Logger) {}

  catch(error: unknown): Observable<never> {
    if (!(error instanceof TrikdError)) this.log.error({ err: error }, 'call failed');
    return new Observable((subscriber) => subscriber.error(toStatus(error)));
  }
}
