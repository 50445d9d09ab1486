import { allFindings } from '../admin/all-findings.ts';
import type { PlaceOf } from '../admin/status-report.ts';
import type { Engine } from '../incremental/engine.ts';
import type { Finding } from '../model/provenance.ts';
import type { Log, LogFields } from '../observe/log.ts';

/** Findings of one commit that are logged one by one; the rest is counted, since a mistake can repeat itself in every object. */
const mostAtOnce = 50;

/** Logs each finding once when it appears and once when it is gone. Gives the function that ends it. */
export function logFindings(engine: Engine, placeOf: PlaceOf, log: Log): () => void {
  let known: ReadonlyMap<string, Finding> = new Map();
  const compare = (findings: readonly Finding[]): void => {
    const current = new Map(findings.map((finding) => [identityOf(finding), finding]));
    const appeared = [...current].filter(([identity]) => !known.has(identity)).map(([, finding]) => finding);
    const gone = [...known].filter(([identity]) => !current.has(identity)).map(([, finding]) => finding);
    known = current;
    for (const finding of appeared.slice(0, mostAtOnce)) {
      log.warn('an object may not mean what was meant', fieldsOf(finding, placeOf));
    }
    if (appeared.length > mostAtOnce) {
      log.warn('more objects may not mean what was meant; weir status shows all', {
        count: appeared.length - mostAtOnce,
      });
    }
    for (const finding of gone.slice(0, mostAtOnce)) log.info('a finding is solved', fieldsOf(finding, placeOf));
    if (gone.length > mostAtOnce) log.info('more findings are solved', { count: gone.length - mostAtOnce });
  };
  const watch = engine.watch(allFindings, 'all', compare);
  compare(watch.value);
  return () => watch.stop();
}

/** The generation and the line of an object change with edits that have nothing to do with the finding. */
function identityOf({ code, path, message, object: { kind, namespace, name } }: Finding): string {
  return JSON.stringify([code, kind, namespace, name, path, message]);
}

function fieldsOf({ severity, code, object, path, message, advice }: Finding, placeOf: PlaceOf): LogFields {
  const place = placeOf(object, path);
  return {
    severity,
    code,
    object: `${object.kind} ${object.namespace}/${object.name}`,
    ...(place === undefined ? {} : { file: place.file, line: place.line }),
    path,
    finding: message,
    advice,
  };
}
