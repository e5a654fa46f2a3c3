import { describe, expect, it } from 'vitest';
import { type Loaded, parseConfig } from '../../../../src/config/config.ts';
import { emptyState } from '../../../../src/ledger/ledger.ts';
import { commitReplaced } from '../../../../src/stages/approving/showing.ts';
import { underRules } from '../../../../src/stages/frame/ruling.ts';

function read(text: string, environment = 'production'): Loaded {
  const head = 'name: shop\nartifact: ./a\n';
  return parseConfig(`${head}${text}`, { name: 'changeline.yml', environment, choose: true, env: {} });
}

const HELD = `gate: { observe: true }
environments:
  uat: { approve: { asks: acceptance, from: [ada] } }
  production: { after: uat, approve: { from: [mona_acme] }, freeze: { during-change: true } }
`;

describe('the rules of the default branch', () => {
  it('take the place of those of the checkout, and of nothing else', () => {
    const own = read('environments: { uat: {}, production: { path: /srv/shop, approve: { required: 3 } }, lab: {} }');
    const { config, environment, digest } = underRules(own, read(HELD).config);
    expect(environment).toMatchObject({ name: 'production', after: 'uat', path: '/srv/shop', hosts: [] });
    expect(environment!.approve).toMatchObject({ from: ['mona_acme'], required: 1 });
    expect(environment!.freeze!['during-change']).toBe(true);
    expect(config.gate!.observe).toBe(true);
    expect(config.environments.uat!.approve!.asks).toBe('acceptance');
    expect([config.environments.lab, digest]).toEqual([{}, own.digest]);
  });

  it('lift what the checkout alone asks for', () => {
    const { config, environment } = underRules(read(HELD), read('environments: { production: {} }').config);
    expect([environment!.approve, environment!.freeze, environment!.after, config.gate]).toEqual(
      Array(4).fill(undefined),
    );
  });
});

it.each([
  ['a'.repeat(40), 'a'.repeat(40)],
  ['main', null],
  ['x)[click](y', null],
  [null, null],
])('the ledger names %j as what is live: the commit is %j', (commit, known) => {
  const live = { version: '1.0.0', digest: null, commit, change: 'c', since: '' };
  expect(commitReplaced({ ...emptyState('production'), live }, { replaces: '1.0.0' })).toBe(known);
});
