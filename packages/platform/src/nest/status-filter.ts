import { Catch, type RpcExceptionFilter } from '@nestjs/common';
import { TrikdError } from '@trikd/core/errors';
import { Observable } from 'rxjs';
import { toStatus } from '../grpc/status.js';
import type { Logger } from '../logging.js';

/** Turns whatever a controller throws into a status. What is not a TrikdError is a bug, and is logged here, once. */
@Catch()
export class StatusFilter implements RpcExceptionFilter {
  constructor(private readonly log: Logger) {}

  catch(error: unknown): Observable<never> {
    if (!(error instanceof TrikdError)) this.log.error({ err: error }, 'a call failed');
    return new Observable((subscriber) => subscriber.error(toStatus(error)));
  }
}
