// The floor plan: who may know whom. A rule's comment is the reason; docs/ARCHITECTURE.md draws the picture.

/** What each folder of `src` may import of ours, beside itself. A folder that is not listed may import nothing. */
const floors = [
  {
    folder: 'model',
    may: ['src/incremental/definitions.ts$'],
    reason:
      'The nouns stand alone: what everybody knows may know nobody. It borrows the types of a table, nothing that runs.',
  },
  {
    folder: 'incremental',
    may: [],
    reason: 'The engine knows no mesh word: it is proven alone, and could be lifted out.',
  },
  {
    folder: 'observe',
    may: [],
    reason: 'Everybody logs and counts; if logging knew the mesh, every change would reach it.',
  },
  {
    folder: 'bridge-dubbo',
    may: ['src/model/'],
    reason: 'It turns Dubbo words into mesh words: a pure translation between two vocabularies.',
  },
  {
    folder: 'policy',
    may: ['src/model/', 'src/incremental/'],
    reason: 'What applies follows from rows alone: no Envoy word, no source, no I/O.',
  },
  {
    folder: 'identity',
    may: ['src/model/', 'src/observe/'],
    reason: 'Keys and certificates are the smallest room with the fewest doors.',
  },
  {
    folder: 'discovery',
    may: ['src/model/', 'src/incremental/', 'src/bridge-dubbo/', 'src/observe/'],
    reason: 'A source writes rows and nothing else; it meets xds and policy only through tables.',
  },
  {
    folder: 'xds',
    may: ['src/model/', 'src/incremental/', 'src/policy/', 'src/identity/', 'src/observe/'],
    reason: 'Resources follow from policy; which source a row came from must not matter.',
  },
  {
    folder: 'mcp',
    may: [
      'src/model/',
      'src/incremental/',
      'src/discovery/registry.ts$',
      'src/xds/(server|stream|subscription).ts$',
      'src/xds/transport/',
      'src/observe/',
    ],
    reason:
      'It speaks the xDS transport for objects that are not Envoy resources: transport and interfaces, no translation.',
  },
  {
    folder: 'inject',
    may: ['src/model/', 'src/incremental/', 'src/policy/', 'src/xds/', 'src/observe/'],
    reason: 'What a workload starts with follows from the same state that its proxy is served from.',
  },
  {
    folder: 'admin',
    may: ['src/model/', 'src/incremental/', 'src/policy/', 'src/identity/', 'src/xds/', 'src/observe/'],
    reason: 'Views read the one state; a view that knew a source or the wiring could change something.',
  },
  {
    folder: 'bench',
    may: [
      'src/model/',
      'src/incremental/',
      'src/policy/',
      'src/xds/',
      'src/observe/',
      'src/app/(system-clock|proxy-view).ts$',
    ],
    reason:
      'It serves a made-up mesh and plays its sidecars: the server that it measures is the one that everybody gets.',
  },
];

const everyFolder = [...floors.map(({ folder }) => folder), 'app', 'cli'];

/** Which of our folders may use a library that is dangerous, heavy or replaceable. */
const fences = [
  {
    library: '@grpc/grpc-js',
    in: ['src/xds/transport/', 'src/xds/server.ts$', 'src/mcp/', 'src/discovery/nacos/', 'src/app/'],
    reason: 'gRPC is a transport: subscriptions and differ are tested without a socket.',
  },
  {
    library: '@grpc/proto-loader',
    in: ['src/mcp/', 'src/identity/', 'src/discovery/nacos/'],
    reason: 'Never on the push path.',
  },
  {
    library: 'protobufjs',
    in: ['src/xds/proto.ts$'],
    reason: 'Its silent traps (string enums, unknown keys) are handled in one file.',
  },
  { library: 'pino', in: ['src/observe/'], reason: 'The log can be replaced in one folder.' },
  {
    library: 'prom-client',
    in: ['src/observe/'],
    reason: 'Every metric is declared in one place, which its documentation is tested against.',
  },
  { library: 'commander', in: ['src/cli/'], reason: 'Arguments are read at the door.' },
  {
    library: '@kubernetes/client-node',
    in: ['src/discovery/kubernetes/api/kubeconfig.ts$'],
    reason:
      'It reads kubeconfigs and logs in; it costs 75 MB, and its watches end without a word. All else has a client of our own.',
  },
  { library: 'nacos', in: ['src/discovery/nacos/'], reason: 'One adapter per registry.' },
  {
    library: 'yaml',
    in: ['src/discovery/file/', 'src/discovery/yaml/', 'src/policy/dialects/', 'src/app/', 'src/cli/'],
    reason: 'YAML is a form of input and output, not of thought.',
  },
  { library: 're2js', in: ['src/policy/'], reason: 'Patterns of users are checked where objects are decoded.' },
  { library: 'pkijs', in: ['src/identity/'], reason: 'Certificates are read and written in one room.' },
  { library: 'asn1js', in: ['src/identity/'], reason: 'Certificates are read and written in one room.' },
  { library: 'jose', in: ['src/identity/'], reason: 'Tokens are proofs of identity.' },
  { library: 'xxhash-wasm', in: ['src/xds/'], reason: 'A version is a property of encoded bytes.' },
];

const test = '\\.test\\.ts$';
const pattern = (path) => path.replaceAll('.', '\\.');

const floorRules = floors.map(({ folder, may, reason }) => ({
  name: `floor-of-${folder}`,
  comment: reason,
  severity: 'error',
  from: { path: `^src/${folder}/`, pathNot: test },
  to: { path: '^(src|test|deploy|proto)/', pathNot: [`src/${folder}/`, ...may].map((path) => `^${pattern(path)}`) },
}));

const fenceRules = fences.map(({ library, in: allowed, reason }) => ({
  name: `fence-of-${library}`,
  comment: reason,
  severity: 'error',
  from: { path: '^src/', pathNot: [test, ...allowed.map((path) => `^${pattern(path)}`)] },
  to: { path: `(^|/)node_modules/${pattern(library)}/` },
}));

export default {
  forbidden: [
    ...floorRules,
    {
      name: 'known-folders',
      comment: 'A new folder gets its floor here before it gets its first import.',
      severity: 'error',
      from: { path: '^src/', pathNot: `^src/(${everyFolder.join('|')})/` },
      to: {},
    },
    {
      name: 'model-knows-no-engine',
      comment: 'A table is a constant with a type; the engine that holds its rows is a matter of whoever makes one.',
      severity: 'error',
      from: { path: '^src/model/' },
      to: { path: '^src/incremental/', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'policy-sees-definitions',
      comment:
        'A query is a constant and a pure function: it reads, it may have to do without what it reads, and only whoever runs queries needs the engine.',
      severity: 'error',
      from: { path: '^src/(policy|xds/translate)/', pathNot: test },
      to: { path: '^src/incremental/', pathNot: '^src/incremental/(definitions|invariant|commit)\\.ts$' },
    },
    {
      name: 'translation-knows-no-delivery',
      comment: 'Translation is a function of a scope: a translator that saw a stream or a proxy could not be shared.',
      severity: 'error',
      from: { path: '^src/xds/translate/', pathNot: test },
      to: { path: '^src/(xds/(store|differ|subscription|stream|server|node)[.-]|xds/transport/|model/proxy\\.ts$)' },
    },
    {
      name: 'protocol-machines-take-types',
      comment:
        'The subscription machine and the differ are rules of a protocol: data in, data out, provable without a server. Of resources, stores, streams and policy they know the types.',
      severity: 'error',
      from: { path: '^src/xds/(differ|subscription)\\.ts$' },
      to: {
        path: '^src/((?!xds/|incremental/invariant)|xds/(store|stream|server|proto|resources)[.-]|xds/(translate|transport)/)',
        dependencyTypesNot: ['type-only'],
      },
    },
    {
      name: 'one-door-to-dialects',
      comment:
        'Nothing behind the dialects knows a dialect: a field name of one API in another room is a dead end for the next API.',
      severity: 'error',
      from: { path: '^src/xds/' },
      to: { path: '^src/policy/dialects/' },
    },
    {
      name: 'app-before-cli',
      comment:
        'The command line starts the program; the program does not know that it was started from a command line.',
      severity: 'error',
      from: { path: '^src/app/', pathNot: test },
      to: { path: '^src/cli/' },
    },
    {
      name: 'no-tests-in-source',
      comment: 'Tests stay out of the package.',
      severity: 'error',
      from: { path: '^src/', pathNot: test },
      to: { path: ['\\.test\\.ts$', '^test/'] },
    },
    ...fenceRules,
    {
      name: 'pure-floors-do-no-io',
      comment:
        'The same rows give the same answer: no files, sockets, timers or processes below discovery and delivery.',
      severity: 'error',
      from: { path: '^src/(model|incremental|bridge-dubbo|policy|xds/translate)/', pathNot: test },
      to: { dependencyTypes: ['core'], pathNot: '^(node:)?(util|net|buffer|assert|path)(/|$)' },
    },
    {
      name: 'no-cycles',
      comment: 'Two files that need each other are one idea in two places. Types may refer to each other.',
      severity: 'error',
      from: { path: '^src/' },
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'runtime-needs-are-dependencies',
      comment: 'What the package imports at run time must be installed with it.',
      severity: 'error',
      from: { path: '^src/', pathNot: test },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'], dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'resolvable',
      comment: 'An import that leads nowhere would make every other rule blind.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: ['^dist/', '^coverage/'] },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default', 'types'] },
  },
};
