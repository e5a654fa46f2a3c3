import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../../src/config/config.ts';
import { Failure } from '../../../src/outcome/outcome.ts';
import { redact } from '../../../src/secret/secret.ts';

const GOOD = `name: shop
artifact: "release:shop-{version}.tar.gz"
environments:
  uat:
    hosts: [./uat]
    deploy: {}
  production:
    after: uat
    hosts: [deploy@web1.example.com, { at: "deploy@web2.example.com:2222", with: { port: 8081 } }]
    path: /srv/shop
    database: postgres://shop:\${DB_PASSWORD}@db/shop
    deploy:
      restart: systemctl restart \${UNIT}
      waves: [1, 25%, 100%]
`;

function parse(text: string, environment = 'production', env: Record<string, string> = { DB_PASSWORD: 'p@ss:w/rd%' }) {
  return parseConfig(text, { name: 'changeline.yml', environment, choose: true, env });
}

function failureOf(work: () => unknown): Failure {
  try {
    work();
  } catch (thrown) {
    if (thrown instanceof Failure) return thrown;
    throw thrown;
  }
  throw new Error('nothing was refused');
}

describe('a good changeline.yml', () => {
  it('spells out the shorthands of the chosen environment', () => {
    const { environment, digest } = parse(GOOD);
    expect(environment).toMatchObject({
      name: 'production',
      hosts: [
        { at: 'deploy@web1.example.com', with: {} },
        { at: 'deploy@web2.example.com:2222', with: { port: '8081' } },
      ],
      databases: [{ name: 'main' }],
      'config-files': [],
      deploy: { waves: [1, '25%', '100%'], keep: 5, 'min-in-service': '50%' },
    });
    expect(digest).toMatch(/^[0-9a-f]{64}$/);
  });

  it('encodes a variable inside a database URL, so that every password works, and hides it', () => {
    const url = parse(GOOD).environment!.databases[0]!.url;
    expect(new URL(url).hostname).toBe('db');
    expect(decodeURIComponent(new URL(url).password)).toBe('p@ss:w/rd%');
    expect(redact('it said p@ss:w/rd% and p%40ss%3Aw%2Frd%25')).toBe('it said *** and ***');
  });

  it('hides a token, whatever its variable is called', () => {
    const watch = "    watch: { prometheus-token: '${WHO}', metrics: [{ name: a, worse: up, prometheus: up }] }\n";
    const { environment } = parse(GOOD.replace('    deploy:\n', `${watch}    deploy:\n`), 'production', {
      DB_PASSWORD: 'p@ss:w/rd%',
      WHO: 'eyJ-token',
    });
    expect(environment!.watch!['prometheus-token']).toBe('eyJ-token');
    expect(redact('eyJ-token')).toBe('***');
  });

  it('leaves a variable in a command to the shell that runs it', () => {
    expect(parse(GOOD).environment!.deploy!.restart).toBe(`systemctl restart \${UNIT}`);
  });

  it('does not ask for the variables of another environment', () => {
    expect(parse(GOOD, 'uat', {}).environment!.name).toBe('uat');
  });
});

describe('a changeline.yml that is refused', () => {
  const cases: [what: string, text: string, code: string, ...says: RegExp[]][] = [
    [
      'a misspelt key',
      GOOD.replace('waves:', 'wavs:'),
      'config-invalid',
      /changeline\.yml:14/,
      /"wavs"/,
      /did you mean "waves"\?/,
    ],
    ['a missing key', GOOD.replace(/^artifact.*\n/m, ''), 'config-invalid', /artifact is missing/],
    ['a value that is not allowed', GOOD.replace('25%', '25 %'), 'config-invalid', /25 %/, /share such as 75%/],
    [
      'an unset variable',
      GOOD.replace('DB_PASSWORD', 'DB_PASS'),
      'config-variable-unset',
      /\$\{DB_PASS\} is not set/,
      /:11/,
    ],
    ['a literal password', GOOD.replace(`\${DB_PASSWORD}`, 'hunter22'), 'config-invalid', /literal password/],
    [
      'a half literal password',
      GOOD.replace(`\${DB_PASSWORD}`, `x\${DB_PASSWORD}`),
      'config-invalid',
      /literal password/,
    ],
    [
      'after an environment that is not there',
      GOOD.replace('after: uat', 'after: prod'),
      'config-invalid',
      /after names "prod"/,
    ],
    ['after itself', GOOD.replace('after: uat', 'after: production'), 'config-invalid', /must be another environment/],
    ['SSH hosts without a path', GOOD.replace(/^ {4}path.*\n/m, ''), 'config-invalid', /hosts over SSH need path/],
    [
      'migrate without a database',
      GOOD.replace(/^ {4}database.*\n/m, '    migrate: { from: db }\n'),
      'config-invalid',
      /migrate needs database/,
    ],
    ['no environment at all', 'name: a\nartifact: b\nenvironments: {}\n', 'environment-unknown', /no environment/],
    ['a key twice', `${GOOD}name: again\n`, 'config-invalid', /not valid YAML/],
    ['text that is no YAML', 'name: [', 'config-invalid', /not valid YAML/],
    ['an empty file', '', 'environment-unknown', /has none/],
    [
      'a host that is an option',
      GOOD.replace('deploy@web1.example.com', '"-oProxyCommand=x"'),
      'config-invalid',
      /user@host/,
    ],
    [
      'a metric of two sources',
      GOOD.replace('    deploy:\n', '    watch: { metrics: [{ name: a, worse: up, sql: x, http: y }] }\n    deploy:\n'),
      'config-invalid',
      /exactly one of/,
    ],
    ...(
      [
        ['a literal token', 'prometheus-token: hunter22', /literal secret/],
        [
          'a JSON path that names no place',
          "metrics: [{ name: a, worse: up, http: x, path: '$.a[' }]",
          /a JSON path such as/,
        ],
        [
          'a watch that ends before it begins to tell',
          'for: { min: 5m, max: 90s }, metrics: [{ name: a, worse: up, http: x }]',
          /a max that is no shorter than min/,
        ],
        ['a pattern that is none', "metrics: [{ name: a, worse: up, log: x, match: '(' }]", /a regular expression/],
      ] as const
    ).map(([what, key, says]): (typeof cases)[number] => [
      what,
      GOOD.replace('    deploy:\n', `    watch: { ${key} }\n    deploy:\n`),
      'config-invalid',
      says,
    ]),
  ];
  it.each(cases)('%s', (_, text, code, ...says) => {
    const failure = failureOf(() => parse(text));
    expect(failure.code).toBe(code);
    for (const words of says) expect(failure.message).toMatch(words);
    expect(failure.message).toMatch(/nothing was changed/i);
    expect(failure.message).not.toContain('hunter22');
  });

  it('an environment that it does not have, and what it has', () => {
    expect(failureOf(() => parse(GOOD, 'prod')).message).toMatch(/no environment "prod".*uat, production/);
  });

  it('no environment named where there are several', () => {
    expect(failureOf(() => parse(GOOD, '')).code).toBe('input-missing');
  });

  it('several mistakes at once, each with its line', () => {
    const failure = failureOf(() => parse(GOOD.replace('waves:', 'wavs:').replace('after:', 'aftr:')));
    expect(failure.message).toMatch(/:8: unknown key "aftr".*also line 14: unknown key "wavs"/);
  });
});
