import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { describeError } from '../observe/log.ts';

/** The kernel did not take the rules; everything is as it was before. The message says why and what to do. */
export class InterceptionError extends Error {
  override readonly name = 'InterceptionError';
}

/**
 * Gives rules to the kernel, all of them or none, in the network namespace of this process.
 *
 * @param rules as nft reads them
 * @throws InterceptionError
 */
export async function loadRules(rules: string): Promise<void> {
  const nft = spawn('nft', ['-f', '-'], { stdio: ['pipe', 'ignore', 'pipe'] });
  const said = text(nft.stderr);
  // It may end before it has read everything; its exit status tells more than that.
  nft.stdin.on('error', () => undefined);
  nft.stdin.end(rules);
  const [exitCode] = await once(nft, 'close').catch((error: unknown) => {
    throw new InterceptionError(
      `nft cannot be run (${describeError(error)}): install the package nftables, or use the image of Weir, which holds it`,
      { cause: error },
    );
  });
  if (exitCode !== 0) throw new InterceptionError(explanation((await said).trim()));
}

function explanation(said: string): string {
  const words = said.split('\n')[0] ?? '';
  if (/not permitted|permission denied/i.test(said)) {
    return `this process may not change the rules of its network (${words}): give it the capability NET_ADMIN and run it as root`;
  }
  if (/No such file or directory|not supported/i.test(said)) {
    return `the kernel cannot redirect connections (${words}): it needs nf_tables with NAT for inet tables, as Linux has from 5.2 on`;
  }
  return `nft refused the rules: ${said}`;
}
