/** What a person may get wrong in the sections gate, approve and freeze: each is named with its line and what is right. */
import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../../src/config/config.ts';

/** A file whose line 4 begins the gate, or whose line 6 begins what production has. */
function parse({ gate = '', production = '' }: { gate?: string; production?: string }) {
  const indented = (text: string, by: string) =>
    text
      .split('\n')
      .map((line) => `${by}${line}\n`)
      .join('');
  const text = [
    'name: app\nartifact: ./app-{version}.tar.gz\n',
    gate ? `gate:\n${indented(gate, '  ')}` : '',
    'environments:\n  production:\n',
    production ? indented(production, '    ') : '    deploy: {}\n    hosts: [./host]\n',
  ].join('');
  return parseConfig(text, { name: 'changeline.yml', environment: 'production', choose: true, env: {} });
}

const APPROVER = "a login, role:<role of the repository>, or team:<organisation>/<team>'s short name";
const LENGTH = 'a length of time such as 30s, 5m, 24h or 7d';

describe('gate', () => {
  it.each([
    ['observe: yes', 'gate.observe is "yes"; it must be true or false'],
    ['branch: [main]', 'gate.branch is ["main"]; it must be a text, such as main'],
    ['branch: ""', 'gate.branch is ""; it must be a text that is not empty'],
    ['checks: []', 'gate.checks is []; it must be a list, such as [build, test], with 1 or more entries'],
    ['checks: build', 'gate.checks is "build"; it must be a list, such as [build, test]'],
    ['checks: [build, 1]', 'gate.checks[1] is 1; it must be a text, such as build'],
    ['grace: 10', 'gate.grace is 10; it must be a text, such as 10m'],
    ['grace: -5m', `gate.grace is "-5m"; it must be ${LENGTH}`],
    ['grace: 5%', `gate.grace is "5%"; it must be ${LENGTH}`],
    ['freezes: [prodution]', 'gate.freezes names "prodution"; it must be an environment of this file (production)'],
    ['override: maintain', 'gate.override is "maintain"; it must be a mapping, such as {from: [role:maintain]}'],
    ['override: { from: [] }', 'gate.override.from is []; it must be a list, such as [octocat, role:maintain], with 1'],
    ['override: { from: ["@octocat"] }', `gate.override.from[0] is "@octocat"; it must be ${APPROVER}`],
    ['override: { from: ["team:core"] }', `gate.override.from[0] is "team:core"; it must be ${APPROVER}`],
    ['override: { from: [role: write] }', 'gate.override.from[0] is {"role":"write"}; it must be a text, such as oct'],
    ['override: { longest: 50% }', `gate.override.longest is "50%"; it must be ${LENGTH}`],
    ['override: { longest: 0s }', 'gate.override.longest is "0s"; it must be longer than nothing, such as 24h'],
    ['override: { form: [octocat] }', 'unknown key "form" in gate.override; did you mean "from"?'],
    ['review: true', 'gate.review is true; it must be a mapping, such as {required: 1}'],
    ['review: { required: 0 }', 'gate.review.required is 0; it must be at least 1'],
    ['review: { required: 7 }', 'gate.review.required is 7; it must be at most 6'],
    ['review: { required: 1.5 }', 'gate.review.required is 1.5; it must be a whole number, such as 2'],
    ['evidence: []', 'gate.evidence is []; it must be a list, such as [test, {check: load test, max-age: 7d}], with 1'],
    ['evidence: [3]', 'gate.evidence[0] is 3; it must be a text, such as test; or a mapping, such as {check: load t'],
    ['evidence: [{ max-age: 7d }]', 'gate.evidence[0].check is missing; it must be a text, such as load test'],
    ['evidence: [{ check: a, max-age: 0s }]', 'gate.evidence[0].max-age is "0s"; it must be longer than nothing'],
    ['evidence: [{ check: a, maxage: 7d }]', 'unknown key "maxage" in gate.evidence[0]; did you mean "max-age"?'],
    ['fix-brings-test: { tests: "test/**" }', 'gate.fix-brings-test.tests is "test/**"; it must be a list, such'],
    ['size: { files: 50% }', 'gate.size.files is "50%"; it must be a whole number, such as 50'],
    ['observ: true', 'unknown key "observ" in gate; did you mean "observe"? (allowed: branch, checks, '],
  ])('%s', (gate, says) => {
    expect(() => parse({ gate })).toThrow(`changeline.yml:4: ${says}`);
  });
});

describe('approve', () => {
  it.each([
    ['approve:', 'environments.production.approve is empty; it must be a mapping (its keys: asks, required, from, '],
    ['approve: { required: 0 }', 'environments.production.approve.required is 0; it must be at least 1'],
    ['approve: { required: 50% }', 'environments.production.approve.required is "50%"; it must be a whole number'],
    ['approve: { required: 2, from: [ada, Ada] }', 'approve.required is 2, but approve.from names 1: nobody else'],
    ['approve: { requierd: 2 }', 'unknown key "requierd" in environments.production.approve; did you mean "required"?'],
    ['approve: { from: [] }', 'environments.production.approve.from is []; it must be a list, such as [octocat, role:'],
    [
      'approve: { from: ["team:core"] }',
      `environments.production.approve.from[0] is "team:core"; it must be ${APPROVER}`,
    ],
    ['approve: { asks: deployment }', 'environments.production.approve.asks is "deployment"; allowed: delivery, acc'],
    ['approve: { not-author: maybe }', 'environments.production.approve.not-author is "maybe"; it must be true or f'],
    ['approve: { expire: -1h }', `environments.production.approve.expire is "-1h"; it must be ${LENGTH}`],
    ['approve: { expire: 0s }', 'environments.production.approve.expire is "0s"; it must be longer than nothing'],
  ])('%s', (production, says) => {
    expect(() => parse({ production })).toThrow(`changeline.yml:5: ${says}`);
  });

  it('asks for more people than it names only where a role or a team has more', () => {
    const two = (from: string) => parse({ production: `approve: { required: 2, from: [${from}] }` });
    expect(() => two('ada, bob')).not.toThrow();
    expect(() => two('ada, role:maintain')).not.toThrow();
    expect(() => two('"team:acme/core"')).not.toThrow();
  });
});

describe('freeze', () => {
  it.each([
    [
      'freeze: { during-change: yes }',
      5,
      'environments.production.freeze.during-change is "yes"; it must be true or f',
    ],
    ['freeze: { during_change: true }', 5, 'unknown key "during_change" in environments.production.freeze; did you'],
    ['freeze:\n  windows: [Fri 16:00]', 6, 'environments.production.freeze.windows[0] is "Fri 16:00"; it must be a m'],
    ['freeze:\n  windows:\n    - { from: Fri 25:00, to: Mon 08:00, why: x }', 7, 'freeze.windows[0]: from is "Fri 25:'],
    [
      'freeze:\n  windows:\n    - { from: Fri 16:00, to: Mon 08:00 }',
      7,
      'environments.production.freeze.windows[0].why ',
    ],
    [
      'freeze:\n  windows:\n    - { from: Fri 16:00, to: Mon 08:00, tz: UTC, why: x }',
      7,
      'unknown key "tz" in environ',
    ],
  ])('%j', (production, line, says) => {
    expect(() => parse({ production })).toThrow(`changeline.yml:${line}: ${says}`);
  });
});

it('the name of an environment that is none', () => {
  const text = 'name: app\nartifact: ./a\nenvironments:\n  "a b": {}\n';
  const read = () => parseConfig(text, { name: 'changeline.yml', environment: '', choose: true, env: {} });
  expect(read).toThrow('changeline.yml:4: the name "a b" cannot be used; allowed: letters, digits, - and _');
});
