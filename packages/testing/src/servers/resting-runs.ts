import { Controller, type DynamicModule, Module } from '@nestjs/common';
import { GrpcMethod } from '@nestjs/microservices';
import {
  type GetRunRequest,
  type GetRunResponse,
  Run,
  type WatchRunResponse,
} from '@trikd/protocol/gen/node/trikd/v1/run';
import { Observable } from 'rxjs';

/** A RunService whose runs do nothing: GetRun is answered at once, and WatchRun streams one event and stays open. */
@Controller()
class RestingRuns {
  @GrpcMethod('RunService', 'getRun')
  getRun({ runId }: GetRunRequest): GetRunResponse {
    return { tags: [], run: Run.fromPartial({ runId }) };
  }

  @GrpcMethod('RunService', 'watchRun')
  watchRun(): Observable<WatchRunResponse> {
    return new Observable((follower) => follower.next({ event: undefined, number: 1, time: undefined }));
  }
}

@Module({})
class RestingModule {}

export function restingRuns(): DynamicModule {
  return { module: RestingModule, controllers: [RestingRuns] };
}
