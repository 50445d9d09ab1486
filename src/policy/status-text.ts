import type { Violation } from '../model/provenance.ts';

/** Characters of a message: Kubernetes takes 32,768, and nobody reads on. */
const longestMessage = 4_000;

/**
 * What is wrong with an object, each on a line of its own with the path of its field. What does not fit is counted.
 *
 * @param heading stands above it; empty: nothing does
 */
export function violationList(heading: string, violations: readonly Remark[]): string {
  const lines = heading === '' ? [] : [`${heading}:`];
  let length = heading.length;
  for (const [index, violation] of violations.entries()) {
    const line = violationLine(violation);
    length += line.length + 1;
    if (length > longestMessage && index > 0) {
      lines.push(`and ${violations.length - index} more`);
      break;
    }
    lines.push(line.slice(0, longestMessage).toWellFormed());
  }
  return lines.join('\n');
}

type Remark = Pick<Violation, 'code' | 'path' | 'message' | 'advice'>;

function violationLine({ code, path, message, advice }: Remark): string {
  return `${path === '' ? '' : `${path}: `}${message}; ${advice} (${code})`;
}
