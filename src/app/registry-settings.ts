import { z } from 'zod';
import { readDuration } from '../policy/duration.ts';
import type { BudgetRules } from '../discovery/removal-budget/budget.ts';
import { duration, filePath } from './setting-schemas.ts';

/** Settings for every registry that infers from silence what is gone. */

type Budget = Pick<BudgetRules, 'most' | 'window'>;

const mistake = 'must be a number or share of endpoints and a time, such as 25%/5m or 1/30m, or off';

/** undefined: off. */
const removalBudget = z.string().transform((text, context): Budget | undefined => {
  if (text === 'off') return undefined;
  const [, amount = '', percent, time = ''] = /^([1-9]\d{0,4})(%?)\/(.+)$/.exec(text) ?? [];
  const window = readDuration(time, 1);
  const number = Number(amount);
  if (window.kind !== 'duration' || number === 0 || (percent === '%' && number > 100)) {
    context.addIssue({ code: 'custom', message: mistake });
    return z.NEVER;
  }
  const most =
    percent === '%' ? { kind: 'share' as const, share: number / 100 } : { kind: 'count' as const, count: number };
  return { most, window: window.milliseconds };
});

export const registrySettings = {
  removalBudget: {
    schema: removalBudget,
    flag: 'removal-budget',
    placeholder: 'N/DURATION',
    variable: 'WEIR_REMOVAL_BUDGET',
    default: '25%/5m',
    description:
      'endpoints of one service that may leave at once, in so much time, when a registry such as Nacos stops naming them: a number or a share, at least one; more are held as degraded; or off',
  },
  removalBudgetConfirmation: {
    schema: duration,
    flag: 'removal-budget-confirmation',
    placeholder: 'DURATION',
    variable: 'WEIR_REMOVAL_BUDGET_CONFIRMATION',
    default: '1m',
    description:
      'time from a drop that the budget does not cover, or from the return of a registry, until the first endpoint that is held may leave',
  },
  removalBudgetMode: {
    schema: z.enum(['hold', 'warn'], { error: 'must be hold or warn' }),
    flag: 'removal-budget-mode',
    placeholder: 'MODE',
    variable: 'WEIR_REMOVAL_BUDGET_MODE',
    default: 'hold',
    description: 'hold, or warn: everything leaves at once, and the log says what would have been held',
  },
  stateDir: {
    schema: z.string().min(1, { error: 'must name a directory' }),
    flag: 'state-dir',
    placeholder: 'DIR',
    variable: 'WEIR_STATE_DIR',
    default: undefined,
    description:
      'directory in which Weir keeps what registries such as Nacos last said, to start from it while they cannot be reached',
  },
  adminTokenFile: {
    schema: filePath,
    flag: 'admin-token-file',
    placeholder: 'FILE',
    variable: 'WEIR_ADMIN_TOKEN_FILE',
    default: undefined,
    description:
      'file with the token that `weir guard release` has to show; without it the admin server changes nothing',
  },
} as const;
