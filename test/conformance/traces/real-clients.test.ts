import { expect } from 'vitest';
import type { Heard, TracePeer, TraceWorld } from '../../support/trace-rig.ts';
import { describeTraces, inSotwAds } from '../../support/traces.ts';

/**
 * What gRPC clients were recorded to send, played again without them: @grpc/grpc-js-xds 1.14.1 and gRPC's C core 58 (Python 1.85.0). A
 * request is spelled `> type version nonce names`, where `v3` and `n3` are those of the third response of the story and `-` is nothing;
 * `!14` is an error of that code. The lines behind `<` are all that the server sends then.
 */

/** Both begin alike: a listener by name, and what follows from it, one after the other; then their routes move from `a` to `b`. */
const beginning = [
  '+ listener shop=1>shop-routes',
  '+ routes shop-routes=to-a',
  '+ cluster a=1>a',
  '+ endpoints a=1',
  '> listener - - shop',
  '< listener shop=1',
  '> listener v1 n1 shop',
  '> routes - - shop-routes',
  '< routes shop-routes=to-a',
  '> routes v2 n2 shop-routes',
  '> cluster - - a',
  '< cluster a=1',
  '> cluster v3 n3 a',
  '> endpoints - - a',
  '< endpoints a=1',
  '> endpoints v4 n4 a',
  '+ cluster b=1>b',
  '+ endpoints b=1',
  '+ routes shop-routes=to-b',
  '< routes shop-routes=to-b',
  '> routes v5 n5 shop-routes',
  '> cluster v3 n3 a b',
  '< cluster a=1 b=1',
  '> cluster v6 n6 a b',
  '> endpoints v4 n4 a b',
  '< endpoints b=1',
  '> endpoints v7 n7 a b',
] as const;

const grpcJs = [
  ...beginning,
  '> endpoints v7 n7 b',
  '> cluster v6 n6 b',
  '+ cluster b=bad>b',
  '< cluster b=bad',
  '< endpoints b=1',
  '> cluster v6 n8 b !14',
  '> endpoints v9 n9 b',
  '<',
  '~',
  '> listener v1 - shop',
  '< listener shop=1',
  '> routes v5 - shop-routes',
  '> cluster v6 - b',
  '> endpoints v9 - b',
  '< cluster b=bad',
  '< endpoints b=1',
  '< routes shop-routes=to-b',
  '> listener v10 n10 shop',
  '> cluster v6 n11 b !14',
  '> endpoints v12 n12 b',
  '> routes v13 n13 shop-routes',
  '<',
  // It leaves: an empty list of each type, and the error of the refused one once more.
  '> listener v10 n10',
  '> routes v13 n13',
  '> endpoints v12 n12',
  '> cluster v6 n11 !14',
  '<',
  '+ listener shop=2',
  '+ routes shop-routes=2',
  '+ cluster b=2>b',
  '+ endpoints b=2',
  '<',
] as const;

const cCore = [
  ...beginning,
  '> cluster v6 n6 b',
  '> endpoints v7 n7 b',
  '+ cluster b=bad>b',
  '< cluster b=bad',
  '< endpoints b=1',
  '> cluster v6 n8 b !3',
  '> endpoints v9 n9 b',
  '<',
  '~',
  '> listener v1 - shop',
  '> routes v5 - shop-routes',
  '> cluster v6 - b',
  '> endpoints v9 - b',
  '< cluster b=bad',
  '< endpoints b=1',
  '< listener shop=1',
  '< routes shop-routes=to-b',
  '> cluster v6 n10 b !3',
  '> endpoints v11 n11 b',
  '> listener v12 n12 shop',
  '> routes v13 n13 shop-routes',
  '<',
  '+ cluster b=2>b',
  '< cluster b=2',
  '< endpoints b=1',
  '> cluster v14 n14 b',
  '> endpoints v15 n15 b',
  '<',
] as const;

/** The same NACK before anything of the type was accepted: with no version at all. */
const nothingAccepted = (code: number) =>
  [
    '+ cluster a=1',
    '> cluster - - a',
    '< cluster a=1',
    `> cluster - n1 a !${code}`,
    '<',
    '+ cluster a=2',
    '< cluster a=2',
    '> cluster v2 n2 a',
  ] as const;

describeTraces('recorded clients', [
  {
    title:
      'serves grpc-js-xds to its end, which is an empty list of every type (xds-protocol/X22, xds-protocol/X29, xds-protocol/X50, xds-protocol/X200, xds-protocol/X233)',
    where: inSotwAds,
    run: (world, peer) => play(world, peer, grpcJs),
  },
  {
    title:
      'serves gRPC’s C core, which comes back with another order of types (xds-protocol/X29, xds-protocol/X48, xds-protocol/X200, xds-protocol/X233)',
    where: inSotwAds,
    run: (world, peer) => play(world, peer, cCore),
  },
  {
    title: 'takes the NACK of a client that has accepted nothing yet (xds-protocol/X48, xds-protocol/X233)',
    where: inSotwAds,
    run: (world, peer) => {
      for (const code of [3, 14]) {
        play(world, peer, nothingAccepted(code));
        peer.leave();
      }
    },
  },
]);

function play(world: TraceWorld, peer: TracePeer, story: readonly string[]): void {
  const heard: Heard[] = [];
  const followedBy = (at: number, mark: string): readonly string[] => {
    const end = story.findIndex((line, index) => index > at && !line.startsWith(mark));
    return story.slice(at, end < 0 ? undefined : end).map((line) => line.slice(2));
  };
  for (let at = 0; at < story.length; at++) {
    const line = story[at] ?? '';
    if (line.startsWith('<')) {
      const expected = followedBy(at, '<');
      const responses = peer.hearsAll();
      heard.push(...responses);
      const lines = responses.map(({ type, resources }) => [type, ...resources.toSorted()].join(' '));
      expect(lines).toEqual(line === '<' ? [] : expected);
      at += expected.length - 1;
    } else if (line.startsWith('+')) {
      const changes = followedBy(at, '+');
      world.change(...changes);
      at += changes.length - 1;
    } else if (line === '~') peer.leave({ kind: 'broken', detail: 'reset' });
    else request(peer, line.slice(2), heard);
  }
}

function request(peer: TracePeer, words: string, heard: readonly Heard[]): void {
  const [type = '', version = '-', nonce = '-', ...rest] = words.split(' ');
  const code = rest.find((word) => word.startsWith('!'))?.slice(1);
  const response = (reference: string): Heard | undefined => heard[Number(reference.slice(1)) - 1];
  peer.send(type, {
    resourceNames: rest.filter((word) => !word.startsWith('!')),
    versionInfo: response(version)?.version ?? '',
    responseNonce: response(nonce)?.nonce ?? '',
    ...(code === undefined ? {} : { errorDetail: { code: Number(code), message: 'xDS response validation errors' } }),
  });
}
