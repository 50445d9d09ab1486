import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ReflectorRig } from '../support/fake-api-server/reflector-rig.ts';
import { transports } from '../support/fake-api-server/transports.ts';

/** Lines that come in unusual pieces, or are none. */

describe.each(transports)('a reflector, of lines over $name,', ({ tls }) => {
  let rig: ReflectorRig;

  beforeEach(async () => {
    rig = await ReflectorRig.following({ tls });
  });
  afterEach(() => rig.finish());

  /** Ends the watch; the next one has the fault. */
  async function anew(fault: Parameters<typeof rig.server.faults.once>[1]): Promise<void> {
    rig.server.faults.once({ verb: 'watch' }, fault);
    rig.server.endWatches('pods');
    await rig.time.pass(5_000);
  }

  it.each([1, 2, 3, 7])('puts pieces of %i bytes together, also within a character (kubernetes/K44)', async (bytes) => {
    await anew({ kind: 'pieces', bytes });
    const label = 'ü€😀';
    rig.put('a', label);
    rig.put('d', '2');
    await rig.rest();
    expect(rig.followed).toEqual(rig.served);
    expect(rig.heard).toEqual(['put default/a', 'put default/d']);
    expect(rig.replayed.get('default/a')?.text).toBe(label);
    expect(rig.requests()).toHaveLength(1);
  });

  it('reads a line of 16 MiB that comes in 16,384 pieces (kubernetes/K45)', async () => {
    await anew({ kind: 'pieces', bytes: 1_024 });
    rig.put('a', '2', { annotations: { long: 'x'.repeat(16 << 20) } });
    rig.put('b', '2');
    await rig.rest();
    expect(rig.followed).toEqual(rig.served);
    expect(rig.heard).toEqual(['put default/a', 'put default/b']);
    expect(rig.requests()).toHaveLength(1);
  });

  it.each(['{"type":"MODIFIED","object":{"meta', 'nothing of the kind', '[]', 'null', '{"type":"ADDED"}', '{}'])(
    'ends the watch at the line %s and reads all again (kubernetes/K46)',
    async (text) => {
      await anew({ kind: 'line', text });
      rig.put('a', '2');
      rig.remove('b');
      await rig.time.pass(60_000);
      expect(rig.followed).toEqual(rig.served);
      expect(rig.heard.toSorted()).toEqual(['put default/a', 'remove default/b']);
      expect(rig.fullReads()).toHaveLength(1);
      expect(rig.requests().length).toBeLessThanOrEqual(4);
      expect(rig.reflector.metrics().parseErrors).toBe(1);
    },
  );

  it('asks again after a list that is none, and keeps what it has (kubernetes/K46)', async () => {
    rig.server.faults.always({ initialEvents: true }, { kind: 'status', code: 422 });
    const metadata = '"metadata":{"resourceVersion":"110"}';
    const texts = [
      '',
      '{}',
      '{"kind":"PodList","items":[',
      '{"kind":"PodList","items":[],"metadata":{}}',
      // An empty list says `[]`, or `null`; one that says nothing of its items does not say that there are none.
      `{"kind":"PodList",${metadata}}`,
      `{"kind":"Status","status":"Success",${metadata}}`,
    ];
    for (const text of texts) rig.server.faults.once({ verb: 'list' }, { kind: 'body', text });
    await anew({ kind: 'error-event', code: 410 });
    rig.remove('b');
    await rig.time.pass(5 * 60_000);
    expect(rig.followed).toEqual(rig.served);
    expect(rig.heard).toEqual(['remove default/b']);
    expect(rig.requests({ verb: 'list' })).toHaveLength(texts.length + 1);
  });

  it('takes a line that comes byte by byte, one a second, for a stall (kubernetes/K47)', async () => {
    const { resourceVersion } = rig.server;
    await anew({ kind: 'drip', bytes: 1, everyMs: 1_000 });
    rig.put('a', '2');
    await rig.time.pass(6 * 60_000);
    expect(rig.followed).toEqual(rig.served);
    expect(rig.heard).toEqual(['put default/a']);
    expect(rig.fullReads()).toEqual([]);
    expect(rig.resumed().map(({ query }) => query['resourceVersion'])).toEqual([resourceVersion, resourceVersion]);
  });
});
