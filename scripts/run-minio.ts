/**
 * Runs a MinIO on this machine until Ctrl-C, and prints the variables with which services and `trikd run` use it.
 *
 * usage: node scripts/run-minio.ts [--port PORT] [--data FOLDER]
 */
import { parseArgs } from 'node:util';
import { startS3Server } from '@trikd/testing/servers/s3-server';

const { values } = parseArgs({
  options: { port: { type: 'string' }, data: { type: 'string', default: 'minio-data' } },
});
const server = await startS3Server('minio', {
  folder: values.data,
  ...(values.port !== undefined && { port: Number(values.port) }),
}).catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  return process.exit(1);
});

console.log(`MinIO listens on this machine alone, and keeps its objects in ${values.data}; Ctrl-C ends it.

  endpoint    ${server.endpoint}
  bucket      ${server.bucket}
  access key  ${server.accessKey}
  secret key  ${server.secretKey}

Services and \`trikd run\` use it with

  export TRIKD_STORE__KIND=s3 TRIKD_STORE__ENDPOINT=${server.endpoint} TRIKD_STORE__BUCKET=${server.bucket} \\
    TRIKD_STORE__ACCESS_KEY=${server.accessKey} TRIKD_STORE__SECRET_KEY=${server.secretKey}`);

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => void server.stop());
await server.ended;
