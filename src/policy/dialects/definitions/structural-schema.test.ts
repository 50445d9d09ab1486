import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { flag, list, map, message, text, uint32, uint64, words } from '../istio/schemas/fields.ts';
import { structuralSchema } from './structural-schema.ts';

describe('the structural schema', () => {
  it('keeps unknown fields of every message, so that the decoder hears of them', () => {
    const schema = structuralSchema(message({ inner: list(message({ name: text })) }));
    expect(schema).toEqual({
      type: 'object',
      'x-kubernetes-preserve-unknown-fields': true,
      properties: {
        inner: {
          type: 'array',
          items: {
            type: 'object',
            'x-kubernetes-preserve-unknown-fields': true,
            properties: { name: { type: 'string' } },
          },
        },
      },
    });
  });

  it.each([
    ['text', text, { type: 'string' }],
    ['a flag', flag, { type: 'boolean' }],
    ['a number in its range', uint32, { type: 'integer', minimum: 0, maximum: 4_294_967_295 }],
    ['a number that JSON can say', uint64, { type: 'integer', minimum: 0, maximum: Number.MAX_SAFE_INTEGER }],
    ['words', words('A', 'B'), { type: 'string', enum: ['A', 'B'] }],
    [
      'a map',
      map(uint32),
      { type: 'object', additionalProperties: { type: 'integer', minimum: 0, maximum: 4_294_967_295 } },
    ],
    ['a list with a limit', list(text, 3), { type: 'array', items: { type: 'string' }, maxItems: 3 }],
    ['a description', text.meta({ description: 'why' }), { description: 'why', type: 'string' }],
  ] as const)('says of %s what the schema says', (_, schema, expected) => {
    expect(structuralSchema(schema)).toEqual(expected);
  });

  it('asks for what the API asks for', () => {
    expect(structuralSchema(message({ host: text, port: uint32 }, ['host'])).required).toEqual(['host']);
  });

  it.each([
    ['either of two', z.union([z.string(), z.number()])],
    ['anything', z.unknown()],
    ['a pattern', z.string().regex(/a/)],
    ['a tuple', z.tuple([z.string(), z.number()])],
  ])('does not pretend to say %s', (_, schema) => {
    expect(() => structuralSchema(schema)).toThrow(/structural schema/);
  });
});
