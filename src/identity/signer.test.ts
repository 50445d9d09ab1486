import fc from 'fast-check';
import { expect, it } from 'vitest';
import { makeRoot } from './make-root.ts';
import { readPem, writePem } from './pem.ts';
import { AuthorityError, readSigner } from './signer.ts';

/** The same files with a few bytes of one of them changed. */
function edited(pem: string, edits: readonly (readonly [number, number])[]): string {
  const [block] = readPem(pem);
  const bytes = Buffer.from(block?.bytes ?? []);
  for (const [index, value] of edits) bytes[index % bytes.length] = value;
  return writePem(block?.label ?? '', bytes);
}

it('reliability/R72: whatever is plugged in is an authority, or is refused as one that is none', async () => {
  const now = Date.now();
  const [own, other] = [await makeRoot(now), await makeRoot(now)];
  const text = (right: string, wrong: string) => {
    const edits = fc.array(fc.tuple(fc.nat(600), fc.nat(255)), { minLength: 1, maxLength: 3 });
    return fc.oneof(
      { weight: 3, arbitrary: fc.constant(right) },
      edits.map((each) => edited(right, each)),
      fc.constantFrom('', wrong, right + wrong, right.slice(0, -40), 'none'),
    );
  };
  const files = fc.record({
    certificate: text(own.certificate, other.certificate),
    key: text(own.key, other.key),
    chain: text('', other.certificate),
    roots: text(own.certificate, other.certificate),
  });
  const outcomes = { read: 0, refused: 0 };
  fc.assert(
    fc.property(files, (each) => {
      try {
        // What is read is what was right: a root that an edit has changed is not signed by its key.
        expect(readSigner(each).certificate).toBe(own.certificate);
        outcomes.read++;
      } catch (error) {
        expect(error).toBeInstanceOf(AuthorityError);
        outcomes.refused++;
      }
    }),
    { seed: 20_261_121, numRuns: 500 },
  );
  expect(outcomes.read).toBeGreaterThan(20);
  expect(outcomes.refused).toBeGreaterThan(100);
});
