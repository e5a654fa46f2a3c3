/**
 * The house: doors → stages → nouns, imports one way. A noun imports its own folder and the public faces
 * (<noun>/<noun>.ts) of nouns on floors below its own. Nouns on one floor do not know each other.
 */
const FLOORS = [
  ['outcome', 'duration', 'secret'],
  ['log', 'process', 'escape', 'text'],
  ['config'],
  ['github'],
  ['transport'],
  ['database', 'vault', 'judge', 'load', 'artifact'],
  ['ledger', 'fleet', 'backup', 'migration', 'metrics', 'probe'],
  ['freeze', 'approval', 'report'],
  ['gate'],
  ['observation'],
  ['stages'],
  ['doors'],
];
const nouns = FLOORS.slice(0, -2).flat();
const oneOf = (names) => `(?:${names.join('|')})`;

/** One rule a folder: everything that is not below it, and not itself, is forbidden. */
const floors = FLOORS.flatMap((names, floor) =>
  names.map((name) => ({
    name: `floor-${name}`,
    comment: `${name} may import only what lies below it`,
    severity: 'error',
    from: { path: `^src/${name}/` },
    to: { path: `^src/${oneOf(FLOORS.slice(floor).flat())}/`, pathNot: `^src/${name}/` },
  })),
);

export default {
  forbidden: [
    ...floors,
    {
      name: 'no-cycle',
      comment: 'at load time: types may name each other, and what is loaded on demand may know its loader',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only', 'dynamic-import'] } },
    },
    {
      name: 'public-face',
      comment: 'from outside, a noun is its face: <noun>/<noun>.ts',
      severity: 'error',
      from: { path: '^src/([^/]+)/' },
      to: { path: nouns.map((noun) => `^src/${noun}/(?!${noun}\\.ts$)`), pathNot: '^src/$1/' },
    },
    {
      name: 'no-floor',
      comment: 'a new folder gets its floor in .dependency-cruiser.mjs first',
      severity: 'error',
      from: { path: `^src/(?!${oneOf(FLOORS.flat())}/)[^/]+/` },
      to: {},
    },
    {
      name: 'source-stands-alone',
      comment: 'what is delivered does not import what builds or tests it',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^(?:test|scripts|bench|dist|tools|actions|workflows-examples)/' },
    },
    {
      name: 'delivered-packages',
      comment: 'everything is bundled, so all packages are devDependencies: whoever runs Changeline installs none',
      severity: 'error',
      from: { path: '^src/' },
      to: {
        dependencyTypes: ['npm-no-pkg', 'npm-unknown', 'undetermined'],
        dependencyTypesNot: ['type-only'],
      },
    },
    {
      name: 'not-found',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
    {
      name: 'orphan',
      comment: 'a file that nothing imports',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/index\\.ts$', orphan: true },
      to: {},
    },
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'types', 'default'] },
  },
};
