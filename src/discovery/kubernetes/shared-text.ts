import type { EndpointShard } from '../../model/endpoint.ts';
import type { Workload } from '../../model/workload.ts';
import type { SourceRow } from '../source-row.ts';

type Labels = Readonly<Record<string, string>>;

/** So that a cluster whose labels never repeat costs no memory without end. */
const mostRemembered = 50_000;

/**
 * Text and labels that many rows have in common, each kept once (K23): namespaces, nodes, zones, service accounts, labels. What the parser
 * of JSON gives is a text of its own for every place where it stands.
 */
export class SharedText {
  private readonly texts = new Map<string, string>();
  private readonly labels = new Map<string, Labels>();

  /** The same row, made of shared text. */
  row(given: SourceRow): SourceRow {
    switch (given.kind) {
      case 'workload':
        return { kind: 'workload', row: this.workload(given.row) };
      case 'shard':
        return { kind: 'shard', row: this.shard(given.row) };
      default:
        return given;
    }
  }

  private workload(row: Workload): Workload {
    const { namespace, labels, serviceAccount, node } = row;
    return {
      ...row,
      namespace: this.text(namespace),
      labels: this.record(labels),
      serviceAccount: this.text(serviceAccount),
      ...(node === undefined ? {} : { node: this.text(node) }),
      declaredBy: { ...row.declaredBy, namespace: this.text(namespace) },
    };
  }

  private shard(row: EndpointShard): EndpointShard {
    const endpoints = row.endpoints.map((endpoint) => ({
      ...endpoint,
      ...(endpoint.node === undefined ? {} : { node: this.text(endpoint.node) }),
      ...(endpoint.zone === undefined ? {} : { zone: this.text(endpoint.zone) }),
    }));
    return { ...row, endpoints };
  }

  private text<Text extends string>(text: Text): Text {
    const known = this.texts.get(text);
    if (known !== undefined) return known as Text;
    if (this.texts.size >= mostRemembered) this.texts.clear();
    this.texts.set(text, text);
    return text;
  }

  private record(labels: Labels): Labels {
    const content = JSON.stringify(labels);
    const known = this.labels.get(content);
    if (known !== undefined) return known;
    if (this.labels.size >= mostRemembered) this.labels.clear();
    this.labels.set(content, labels);
    return labels;
  }
}
