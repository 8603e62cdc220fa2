/**
 * Carries connections from one address to another. Between namespaces of Linux one of the two is a socket in the file system, which
 * all of them see. Prints the address at which it listens, as JSON.
 *
 * usage: node scripts/relay.ts FROM TO      (each is HOST:PORT, or the path of a socket)
 */
import { connect, createServer, type ListenOptions, type TcpNetConnectOpts } from 'node:net';

function address(text: string): TcpNetConnectOpts & ListenOptions {
  const [, host, port] = text.match(/^([^/]+):(\d+)$/) ?? [];
  return host === undefined ? ({ path: text } as never) : { host, port: Number(port) };
}

const [from, to] = process.argv.slice(2);
if (from === undefined || to === undefined) {
  console.error('usage: node scripts/relay.ts FROM TO');
  process.exit(2);
}
const server = createServer((client) => {
  const other = connect(address(to));
  client.on('error', () => other.destroy()).pipe(other);
  other.on('error', () => client.destroy()).pipe(client);
}).on('error', (error) => {
  console.error(error.message);
  process.exit(1);
});
server.listen(address(from), () => console.log(JSON.stringify(server.address())));
