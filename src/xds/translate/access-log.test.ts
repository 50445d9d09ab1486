import { describe, expect, it } from 'vitest';
import { toJson } from '../json.ts';
import { accessLogs, refusedConnectionLogs, type AccessLogSettings } from './access-log.ts';

function logOf(settings: Partial<AccessLogSettings>): unknown {
  const whole = { accessLogFile: '/dev/stdout', accessLogFormat: '', accessLogEncoding: 'text' as const, ...settings };
  const [log] = accessLogs(whole);
  return log === undefined ? undefined : toJson('envoy.config.accesslog.v3.AccessLog', log);
}

describe('access logs (policy/O1)', () => {
  it('are off without a file', () => {
    expect(logOf({ accessLogFile: '' })).toBeUndefined();
  });

  it("are lines in Istio's default format", () => {
    const inlineString =
      '[%START_TIME%] "%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%" %RESPONSE_CODE% %RESPONSE_FLAGS% ' +
      '%RESPONSE_CODE_DETAILS% %CONNECTION_TERMINATION_DETAILS% "%UPSTREAM_TRANSPORT_FAILURE_REASON%" %BYTES_RECEIVED% ' +
      '%BYTES_SENT% %DURATION% %RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% "%REQ(X-FORWARDED-FOR)%" "%REQ(USER-AGENT)%" ' +
      '"%REQ(X-REQUEST-ID)%" "%REQ(:AUTHORITY)%" "%UPSTREAM_HOST%" %UPSTREAM_CLUSTER_RAW% %UPSTREAM_LOCAL_ADDRESS% ' +
      '%DOWNSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_REMOTE_ADDRESS% %REQUESTED_SERVER_NAME% %ROUTE_NAME%\n';
    expect(logOf({})).toMatchObject({
      name: 'envoy.access_loggers.stdout',
      typedConfig: { logFormat: { textFormatSource: { inlineString } } },
    });
  });

  it.each([
    ['/dev/stdout', 'envoy.access_loggers.stdout', undefined],
    ['/dev/stderr', 'envoy.access_loggers.stderr', undefined],
    ['/var/log/access.log', 'envoy.access_loggers.file', '/var/log/access.log'],
  ])('to %s open a file only where it is one', (accessLogFile, name, path) => {
    const log = logOf({ accessLogFile }) as { readonly name: string; readonly typedConfig: { readonly path?: string } };
    expect([log.name, log.typedConfig.path]).toEqual([name, path]);
  });

  it('take a format, with a line break of their own', () => {
    expect(logOf({ accessLogFormat: '%PROTOCOL%' })).toMatchObject({
      typedConfig: { logFormat: { textFormatSource: { inlineString: '%PROTOCOL%\n' } } },
    });
  });

  it('are JSON on request', () => {
    expect(logOf({ accessLogEncoding: 'json' })).toMatchObject({
      typedConfig: { logFormat: { jsonFormat: { method: '%REQ(:METHOD)%', route_name: '%ROUTE_NAME%' } } },
    });
    const own = { accessLogEncoding: 'json' as const, accessLogFormat: '{"verb":"%REQ(:METHOD)%","nested":{"a":1}}' };
    expect(logOf(own)).toMatchObject({
      typedConfig: { logFormat: { jsonFormat: { verb: '%REQ(:METHOD)%', nested: { a: 1 } } } },
    });
  });

  it('of a listener tell of connections that no chain took', () => {
    const [log] = refusedConnectionLogs({
      accessLogFile: '/dev/stdout',
      accessLogFormat: '',
      accessLogEncoding: 'text',
    });
    expect(log?.filter).toEqual({ responseFlagFilter: { flags: ['NR'] } });
  });
});
