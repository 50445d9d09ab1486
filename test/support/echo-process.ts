import { EchoService } from '../../deploy/demo/echo-service.ts';

/** An echo service as a program of its own, for network namespaces: `node echo-process.ts SERVICE HOST PORT`. */

const [service = '', host = '', port = ''] = process.argv.slice(2);
const echo = await EchoService.start({ service, version: 'v1', instance: service, host, port: Number(port) });
process.stdout.write(`listening on ${echo.port}\n`);
