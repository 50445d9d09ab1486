import type { MessageTypes } from './generated/envoy-api.ts';
import { encode, type TypeName } from './proto.ts';
import { validate, type RuleViolation } from './validation.ts';

/**
 * A message that Envoy would reject together with the whole response that it comes in (xds-protocol X305). Thrown inside a
 * query, so that the last good bytes stay in force and nothing else is disturbed.
 */
export class RuleViolationError extends Error {
  override readonly name = 'RuleViolationError';
  readonly type: TypeName;
  readonly violations: readonly RuleViolation[];

  constructor(type: TypeName, violations: readonly RuleViolation[]) {
    const [first] = violations;
    super(`${type}: ${first?.path ?? ''} must be such that it ${first?.rule ?? ''} (${violations.length} violations)`);
    this.type = type;
    this.violations = violations;
  }
}

/**
 * The bytes of a message that keeps Envoy's rules.
 *
 * @throws RuleViolationError when it breaks one
 */
export function encodePublishable<Name extends TypeName>(type: Name, message: MessageTypes[Name]): Uint8Array {
  const violations = validate(type, message);
  if (violations.length > 0) throw new RuleViolationError(type, violations);
  return encode(type, message);
}
