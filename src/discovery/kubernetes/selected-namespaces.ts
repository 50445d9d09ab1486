import { selectsLabels, type LabelSelector } from './label-selector.ts';

/** Which namespaces of a cluster belong to the mesh. */
export interface NamespaceSelection {
  /** undefined: all. */
  readonly names?: readonly string[];
  /** Of their labels; undefined: any. */
  readonly selector?: LabelSelector;
}

/**
 * Knows which namespaces are selected. By labels a namespace is selected only once it is known; objects of no namespace always are.
 */
export class SelectedNamespaces {
  private readonly selection: NamespaceSelection;
  /** Those whose labels match. */
  private readonly matching = new Set<string>();

  constructor(selection: NamespaceSelection) {
    this.selection = selection;
  }

  has(namespace: string): boolean {
    const { names, selector } = this.selection;
    if (namespace === '') return true;
    return (names?.includes(namespace) ?? true) && (selector === undefined || this.matching.has(namespace));
  }

  /**
   * Takes note of a namespace.
   *
   * @param labels undefined: it is gone
   * @returns whether that selects it, or makes it one that is not
   */
  note(namespace: string, labels: Readonly<Record<string, string>> | undefined): boolean {
    const { selector } = this.selection;
    if (selector === undefined) return false;
    const before = this.has(namespace);
    if (labels !== undefined && selectsLabels(selector, labels)) this.matching.add(namespace);
    else this.matching.delete(namespace);
    return this.has(namespace) !== before;
  }
}
