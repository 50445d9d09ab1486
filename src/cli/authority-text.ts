import type { AuthorityReport } from '../admin/authority-report.ts';
import { table } from './table.ts';

const rotations: Readonly<Record<string, string>> = {
  requested: 'the root is going to be replaced',
  adding: 'the root is being replaced: the next one is made known',
  dropping: 'the root is being replaced: the new one signs, and the one before still holds',
};

/** The certificate authority for a person. */
export function authorityText({
  place,
  madeBy,
  ends,
  roots,
  rotation,
  nextStep,
  waitingProxies = 0,
}: AuthorityReport): string {
  const facts = [
    `in ${place}, made by ${madeBy}; what signs ends on ${day(ends)}`,
    ...(rotation === 'steady' ? [] : [rotations[rotation] ?? rotation]),
    ...(nextStep === undefined ? [] : [`its next step is taken after ${nextStep}${waitedFor(waitingProxies)}`]),
  ];
  const rows = roots.map((root) => [root.subject, root.serial, day(root.ends)]);
  return `${facts.join('\n')}\n${table([['ROOT', 'SERIAL', 'ENDS'], ...rows])}`;
}

function waitedFor(proxies: number): string {
  if (proxies === 0) return '';
  return `, and not before ${proxies === 1 ? 'one proxy has' : `${proxies} proxies have`} confirmed the bundle`;
}

function day(time: string): string {
  return time.slice(0, 10);
}
