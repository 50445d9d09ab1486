import { describe, expect, it } from 'vitest';
import { cases } from '../../test/support/authorization-cases.ts';
import { inboundScopeOf, meshOfCase } from '../../test/support/authorization-mesh.ts';
import { workloadAuthorization } from './authorization.ts';
import { judge } from './authorization-check.ts';
import { callOf } from '../../test/support/authorization-call.ts';

describe('the judgement about a call', () => {
  it.each(cases)('$name', (each) => {
    const engine = meshOfCase(each);
    const authorization = engine.read(workloadAuthorization, inboundScopeOf(engine));
    const judged = each.calls.map((call) => ({ ...call, allowed: judge(authorization, callOf(call, each)).allowed }));
    expect(judged).toEqual(each.calls);
  });
});
