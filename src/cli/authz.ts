import { Command, Option } from 'commander';
import type { Host } from '../app/host.ts';
import { CommandError, exitCodes } from './exit-codes.ts';
import { describeIssue, issuesOf } from './issues.ts';
import { domainOption, filesOption, readMeshFiles } from './mesh-files.ts';

interface Flags {
  readonly files: readonly string[];
  readonly domain: string;
  readonly header: readonly string[];
  readonly jwtClaims?: string;
  readonly fromIp?: string;
  readonly output: 'text' | 'json';
}

export function authzCommand(host: Host): Command {
  return new Command('authz').summary('say who may call what').addCommand(checkCommand(host));
}

function checkCommand(host: Host): Command {
  return new Command('check')
    .summary('say whether a call is allowed, and by which rule')
    .description(
      'Say whether a workload lets a call in, by which policy, rule and field, and what would have to be otherwise. Reads directories of ' +
        'YAML; nothing is called. A token is taken to be sound; what a provider (CUSTOM) says is not known. Exit status 0: allowed, 1: denied.',
    )
    .argument('<FROM>', 'caller: NAMESPACE/ACCOUNT, a spiffe:// identity, or - for one without certificate')
    .argument('<TO>', 'who is called: NAMESPACE/NAME of a workload or a service')
    .argument('<METHOD>', 'for example GET')
    .argument('<URL>', 'http://HOST[:PORT]/PATH; the port is the service’s. tcp://HOST:PORT for a connection')
    .addOption(new Option('-H, --header <NAME:VALUE...>', 'headers of the request').default([], 'none'))
    .addOption(new Option('--jwt-claims <JSON>', 'content of a token that the caller shows'))
    .addOption(new Option('--from-ip <IP>', 'address of the caller; without it, conditions on addresses are not met'))
    .addOption(filesOption())
    .addOption(domainOption())
    .addOption(new Option('-o, --output <FORMAT>', 'text or json').choices(['text', 'json']).default('text'))
    .addHelpText('after', examples)
    .action(async (from: string, to: string, method: string, url: string, flags: Flags) => {
      const mesh = await readMeshFiles(host, flags.files, flags.domain);
      for (const issue of issuesOf(mesh)) {
        if (issue.severity === 'error') host.err.write(`${describeIssue(issue)}\n`);
      }
      const [{ verdicts }, { verdictText }] = await Promise.all([
        import('./authz-verdicts.ts'),
        import('./authz-text.ts'),
      ]);
      const { header: headers, jwtClaims: claims, fromIp: ip } = flags;
      const found = verdicts(mesh.engine, to, { from, method, url, headers, claims, ip });
      const text = flags.output === 'json' ? `${JSON.stringify(found, null, 2)}\n` : '';
      host.out.write(text === '' ? found.map((verdict) => verdictText(verdict, mesh.placeOf)).join('') : text);
      if (!found.every(({ judgement }) => judgement.allowed)) throw new CommandError(exitCodes.failure, '');
    });
}

const examples = `
Examples:
  weir authz check shop/cart shop/web GET http://web.shop/orders --files mesh
  weir authz check - shop/web GET http://web.shop/ --files mesh
  weir authz check shop/cart shop/web POST http://web.shop/ -H x-role:admin --jwt-claims '{"iss":"https://issuer.example","sub":"ann"}' --files mesh`;
