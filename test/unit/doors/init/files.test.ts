import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { parseConfig } from '../../../../src/config/config.ts';
import type { Answers } from '../../../../src/doors/init/answers.ts';
import { configText, workflowText } from '../../../../src/doors/init/files.ts';

const answers: Answers = {
  name: 'books',
  hosts: ['deploy@web1.example.com'],
  uatHosts: ['deploy@uat.example.com'],
  path: '/srv/books',
  databaseVariable: 'BOOKS_URL',
  migrations: 'db/migrations',
  url: 'https://books.example.com/health',
  uatUrl: '',
  restart: 'systemctl restart books # "quoted"',
  workflows: ['deliver'],
  force: false,
  acceptFingerprints: false,
};

function read(text: string | null, environment = 'production') {
  return parseConfig(text!, {
    name: 'changeline.yml',
    environment,
    choose: true,
    env: { BOOKS_URL: 'postgres://h/b' },
  });
}

describe('the configuration that init writes', () => {
  it('is one that can be read, with everything that was answered', () => {
    const { environment, config } = read(configText(answers));
    expect(config.artifact).toBe('run:books-{version}');
    expect(environment).toMatchObject({
      after: 'uat',
      hosts: [{ at: 'deploy@web1.example.com' }],
      path: '/srv/books',
      databases: [{ name: 'main', url: 'postgres://h/b' }],
      migrate: { from: 'db/migrations' },
      deploy: { restart: answers.restart },
      'smoke-test': [answers.url],
    });
  });

  it('needs neither UAT nor a database nor a URL', () => {
    const { environment } = read(
      configText({ ...answers, uatHosts: [], databaseVariable: '', migrations: '', url: '' }),
    );
    expect(environment).not.toHaveProperty('after');
    expect(environment).not.toHaveProperty('smoke-test');
    expect(environment!.databases).toEqual([]);
  });

  it('is not written where only the gate is wanted', () => {
    expect(configText({ ...answers, hosts: [] })).toBeNull();
  });
});

describe('the workflows that init writes', () => {
  const names = ['pull-request', 'deliver', 'deliver-step-by-step', 'deploy-every-commit', 'rollback'];
  it.each(names)('%s is YAML and names what this user has', (name) => {
    const example = readFileSync(`workflows-examples/${name}.yml`, 'utf8');
    const text = workflowText(example, answers);
    expect(parse(text)).toHaveProperty('jobs');
    expect(text).not.toMatch(/SHOP_|shop-/);
    const without = workflowText(example, { ...answers, databaseVariable: '' });
    expect(parse(without)).toHaveProperty('jobs');
    expect(without).not.toMatch(/DATABASE_URL|BOOKS_URL/);
  });
});
