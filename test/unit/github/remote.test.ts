import { expect, it } from 'vitest';
import { repositoryOfRemote } from '../../../src/github/remote.ts';

it.each([
  ['https://github.com/acme/shop.git', 'acme/shop'],
  ['https://github.com/acme/shop', 'acme/shop'],
  ['https://user:token@github.com/acme/shop.git', 'acme/shop'],
  ['git@github.com:acme/shop.git', 'acme/shop'],
  ['ssh://git@github.com:22/acme/my.shop.git', 'acme/my.shop'],
  ['https://gitlab.com/acme/shop.git', null],
  ['https://github.com.evil.example/acme/shop', null],
  ['/srv/git/shop.git', null],
  ['../shop', null],
  ['', null],
])('%j', (remote, repository) => expect(repositoryOfRemote(remote, 'https://github.com')).toBe(repository));
