/** A Status object that says why not, in the words and with the codes of the real server. */

export interface StatusCause {
  readonly reason: string;
  readonly message: string;
  readonly field?: string;
}

interface StatusDetails {
  readonly name?: string;
  readonly group?: string;
  readonly kind?: string;
  readonly causes?: readonly StatusCause[];
  readonly retryAfterSeconds?: number;
}

/** Thrown while a request is answered; becomes its answer. */
export class Refusal extends Error {
  readonly code: number;
  readonly reason: string;
  readonly details: StatusDetails;

  constructor(code: number, reason: string, message: string, details: StatusDetails = {}) {
    super(message);
    this.code = code;
    this.reason = reason;
    this.details = details;
  }

  /** As it is sent. */
  get text(): string {
    return this.reason === '' ? `${this.message}\n` : JSON.stringify(this.status());
  }

  status(): Readonly<Record<string, unknown>> {
    const { code, reason, message, details } = this;
    return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, reason, details, code };
  }
}

/** Reasons that belong to codes, for scripted answers that give none. */
const reasons: Readonly<Record<number, string>> = {
  400: 'BadRequest',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'NotFound',
  409: 'Conflict',
  410: 'Expired',
  422: 'Invalid',
  429: 'TooManyRequests',
  500: 'InternalError',
  503: 'ServiceUnavailable',
  504: 'Timeout',
};

export function reasonOf(code: number): string {
  return reasons[code] ?? 'Unknown';
}

/** @param resource for example `leases.coordination.k8s.io` */
export function notFound(resource: string, name: string): Refusal {
  return new Refusal(404, 'NotFound', `${resource} "${name}" not found`, { name, kind: resource });
}

/** For a path that leads nowhere, also to a kind that is not served: the one answer that is no Status, but plain text. */
export function noSuchPath(): Refusal {
  return new Refusal(404, '', '404 page not found');
}

export function badRequest(message: string): Refusal {
  return new Refusal(400, 'BadRequest', message);
}

export function invalid(kind: string, name: string, causes: readonly Required<StatusCause>[]): Refusal {
  const list = causes.map(({ field, message }) => `${field}: ${message}`).join(', ');
  const said = causes.length === 1 ? list : `[${list}]`;
  return new Refusal(422, 'Invalid', `${kind} "${name}" is invalid: ${said}`, { name, kind, causes });
}

export function conflict(resource: string, name: string, why: string, causes: readonly StatusCause[] = []): Refusal {
  const message = `Operation cannot be fulfilled on ${resource} "${name}": ${why}`;
  return new Refusal(409, 'Conflict', message, { name, kind: resource, causes });
}

export function expired(message: string): Refusal {
  return new Refusal(410, 'Expired', message);
}

export function tooLarge(asked: number, current: number): Refusal {
  return new Refusal(504, 'Timeout', `Too large resource version: ${asked}, current: ${current}`, {
    causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
    retryAfterSeconds: 1,
  });
}
