import { describe, expect, it } from 'vitest';
import { createLog, describeError, type LogOptions } from './log.ts';

function aLog(options: Partial<LogOptions> = {}) {
  const lines: string[] = [];
  const log = createLog({
    level: 'info',
    format: 'json',
    colours: false,
    now: () => Date.UTC(2026, 0, 2, 3, 4, 5, 6),
    write: (line) => lines.push(line),
    ...options,
  });
  return { log, lines };
}

describe('JSON', () => {
  it('is one object a line, with level, time, fields and message', () => {
    const { log, lines } = aLog();
    log.with({ source: 'files' }).warn('source is stale', { objects: 3 });
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/\}\n$/);
    expect(JSON.parse(lines[0] ?? '')).toEqual({
      level: 'warn',
      time: '2026-01-02T03:04:05.006Z',
      source: 'files',
      objects: 3,
      message: 'source is stale',
    });
  });

  it('leaves out what is below its level', () => {
    const { log, lines } = aLog({ level: 'warn' });
    log.info('not this');
    log.error('this');
    expect(lines.map((line) => (JSON.parse(line) as { message: string }).message)).toEqual(['this']);
  });

  it('writes errors with their causes', () => {
    const { log, lines } = aLog();
    log.error('cannot listen', { error: new Error('port taken', { cause: new Error('EADDRINUSE') }) });
    expect(lines[0]).toContain('"error":"port taken: EADDRINUSE"');
  });
});

describe('text', () => {
  it('is one readable line', () => {
    const { log, lines } = aLog({ format: 'text' });
    log.info('weir is ready', { admin: '127.0.0.1:15014', services: 3 });
    expect(lines).toEqual(['03:04:05.006 info  weir is ready  admin=127.0.0.1:15014  services=3\n']);
  });

  it('lets no line end and no escape sequence of a field through', () => {
    const { log, lines } = aLog({ format: 'text' });
    log.warn('bad file', { text: 'a\nb\u001B[31m\u009B1m' });
    expect(lines).toEqual(['03:04:05.006 warn  bad file  text="a\\nb\\u001b[31m\\u009b1m"\n']);
  });

  it('is coloured only when asked', () => {
    const { log, lines } = aLog({ format: 'text', colours: true });
    log.error('broken');
    expect(lines[0]).toContain('\u001B[31merror\u001B[39m');
  });
});

it('describes what is no error as well', () => {
  expect(describeError('thrown text')).toBe('thrown text');
});
