import { answerCalls } from '../remote.ts';
import { LoadGroup } from './load-group.ts';
import type { AckMode, Arrivals, GroupPlan, Opened, Totals } from './plan.ts';

/** The process of the load client: groups of sidecars by name. */

const groups = new Map<string, LoadGroup>();

const handlers = {
  /** Opens a group; another of that name is closed first. */
  open: (plan: GroupPlan): Promise<Opened> => {
    groups.get(plan.name)?.close();
    const group = new LoadGroup(plan);
    groups.set(plan.name, group);
    return group.open();
  },
  /** Begins to note when messages arrive. */
  record: (name: string): void => groupNamed(name).record(),
  recorded: (name: string): Arrivals => groupNamed(name).recorded(),
  behave: ({ name, ack, grants }: { name: string; ack: AckMode; grants: boolean }): void =>
    groupNamed(name).behave(ack, grants),
  totals: (name: string): Totals => groupNamed(name).totals,
  close: (name: string): void => {
    groups.get(name)?.close();
    groups.delete(name);
  },
};

export type LoadHandlers = typeof handlers;

function groupNamed(name: string): LoadGroup {
  const group = groups.get(name);
  if (group === undefined) throw new Error(`there is no group ${name}`);
  return group;
}

answerCalls(handlers);
