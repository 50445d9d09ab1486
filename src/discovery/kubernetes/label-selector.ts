/** Selectors of labels in the text form that kubectl takes: `tier=web,env in (live,test),!legacy`. */

export interface LabelSelector {
  readonly requirements: readonly Requirement[];
}

type Requirement =
  | { readonly kind: 'in' | 'not-in'; readonly label: string; readonly values: readonly string[] }
  | { readonly kind: 'exists' | 'absent'; readonly label: string };

export type SelectorReading =
  { readonly kind: 'valid'; readonly selector: LabelSelector } | { readonly kind: 'invalid'; readonly part: string };

const name = String.raw`(?:[a-z0-9](?:[-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?`;
const value = String.raw`(?:[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?)?`;
const equality = new RegExp(`^(${name})\\s*(==|=|!=)\\s*(${value})$`);
const membership = new RegExp(`^(${name})\\s+(in|notin)\\s*\\(([^()]*)\\)$`);
const existence = new RegExp(`^(!?)\\s*(${name})$`);
const wholeValue = new RegExp(`^${value}$`);

/** Reads a selector; an invalid one with the part that cannot be read. */
export function readLabelSelector(text: string): SelectorReading {
  const requirements: Requirement[] = [];
  // Commas between parentheses separate values.
  for (const part of text.split(/,(?![^()]*\))/).map((each) => each.trim())) {
    const requirement = readRequirement(part);
    if (requirement === undefined) return { kind: 'invalid', part };
    requirements.push(requirement);
  }
  return { kind: 'valid', selector: { requirements } };
}

/** Whether labels meet every requirement. As in Kubernetes, a label that is missing is different from every value. */
export function selectsLabels(selector: LabelSelector, labels: Readonly<Record<string, string>>): boolean {
  return selector.requirements.every((requirement) => {
    const found = Object.hasOwn(labels, requirement.label) ? labels[requirement.label] : undefined;
    switch (requirement.kind) {
      case 'in':
        return found !== undefined && requirement.values.includes(found);
      case 'not-in':
        return found === undefined || !requirement.values.includes(found);
      case 'exists':
        return found !== undefined;
      case 'absent':
        return found === undefined;
    }
  });
}

function readRequirement(part: string): Requirement | undefined {
  const equal = equality.exec(part);
  if (equal !== null) {
    const [, label = '', operator, wanted = ''] = equal;
    return { kind: operator === '!=' ? 'not-in' : 'in', label, values: [wanted] };
  }
  const member = membership.exec(part);
  if (member !== null) {
    const [, label = '', operator, list = ''] = member;
    const values = list.split(',').map((each) => each.trim());
    if (!values.every((each) => wholeValue.test(each))) return undefined;
    return { kind: operator === 'in' ? 'in' : 'not-in', label, values };
  }
  const exists = existence.exec(part);
  if (exists === null) return undefined;
  const [, not, label = ''] = exists;
  return { kind: not === '!' ? 'absent' : 'exists', label };
}
