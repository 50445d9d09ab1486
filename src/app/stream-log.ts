import type { Log, LogFields } from '../observe/log.ts';
import type { StreamFacts, XdsObserver } from '../xds/observer.ts';

/** Writes down what happens on the streams and is no everyday matter. */
export function streamLog(log: Log): XdsObserver {
  return {
    connected: (stream) => log.info('a proxy connected', { ...fieldsOf(stream), protocol: stream.wire }),
    disconnected: (stream, reason) => log.info('a proxy disconnected', { ...fieldsOf(stream), reason }),
    refused: ({ nodeId, address, status, reason, message }) =>
      log.warn('a stream was refused', { node: nodeId, address, status, cause: reason, reason: message }),
    pushed: ({ stream, type, nonce, resources, removed, bytes }) =>
      log.debug('a response was sent', { ...fieldsOf(stream), type, nonce, resources, removed, bytes }),
    acked: () => undefined,
    nacked: ({ stream, type, message, names, objects }) =>
      log.error('a proxy refused a response; weir status shows the objects behind it', {
        ...fieldsOf(stream),
        type,
        reason: message.trim(),
        resources: names.slice(0, 10),
        objects: objects
          .slice(0, 10)
          .map(({ kind, namespace, name, origin }) =>
            origin.file === undefined
              ? `${kind} ${namespace}/${name}`
              : `${kind} ${namespace}/${name} (${origin.file}:${origin.line ?? 1})`,
          ),
      }),
    overdue: (stream, type, nonce) =>
      log.warn('a proxy has not answered a response for a minute', { ...fieldsOf(stream), type, nonce }),
    denied: ({ stream, type, name, reason }) =>
      log.warn('a proxy asked for what is not its own, and was not given it', {
        ...fieldsOf(stream),
        type,
        resource: name.slice(0, 200),
        reason,
      }),
  };
}

/** Tells several observers of everything. */
export function observers(...all: readonly XdsObserver[]): XdsObserver {
  return {
    connected: (stream) => all.forEach((one) => one.connected(stream)),
    disconnected: (stream, reason) => all.forEach((one) => one.disconnected(stream, reason)),
    refused: (refusal) => all.forEach((one) => one.refused(refusal)),
    pushed: (push) => all.forEach((one) => one.pushed(push)),
    acked: (ack) => all.forEach((one) => one.acked(ack)),
    nacked: (rejection) => all.forEach((one) => one.nacked(rejection)),
    overdue: (stream, type, nonce) => all.forEach((one) => one.overdue(stream, type, nonce)),
    denied: (denial) => all.forEach((one) => one.denied(denial)),
  };
}

function fieldsOf({ nodeId, address }: StreamFacts): LogFields {
  return { node: nodeId, address };
}
