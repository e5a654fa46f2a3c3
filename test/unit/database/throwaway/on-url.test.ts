import { describe, expect, it } from 'vitest';
import { isLeftover, mayCreate, verifyName } from '../../../../src/database/throwaway/on-url.ts';

const NOW = Date.UTC(2026, 10, 21, 16, 33, 1);
const DAY = 86_400_000;

describe('a database on a server of the user’s', () => {
  it('is named by its time and by chance', () => {
    expect(verifyName(NOW + 7, '0123456789ab')).toBe('changeline_verify_20261121t163301_0123456789ab');
  });

  it.each([
    [verifyName(NOW - DAY - 1000, '0123456789ab'), true],
    [verifyName(NOW - DAY, '0123456789ab'), false],
    [verifyName(NOW + DAY, '0123456789ab'), false],
    ['changeline_verify_old', false],
    ['shop', false],
    [`x${verifyName(0, '0123456789ab')}`, false],
  ])('%s is left over: %s', (name, left) => {
    expect(isLeftover(name, NOW)).toBe(left);
  });

  it.each([
    ['GRANT ALL PRIVILEGES ON *.* TO `root`@`localhost` WITH GRANT OPTION', true],
    ['GRANT SELECT, CREATE, DROP ON *.* TO `a`@`%`', true],
    ['GRANT SELECT, CREATE VIEW, CREATE USER ON *.* TO `a`@`%`', false],
    ['GRANT ALL PRIVILEGES ON `changeline\\_verify\\_%`.* TO `a`@`%`', true],
    ['GRANT ALL PRIVILEGES ON `shop`.* TO `a`@`%`', false],
    ['GRANT USAGE ON *.* TO `a`@`%`', false],
    ['GRANT `maker`@`%` TO `a`@`%`', true],
  ])('may be created with %s: %s', (grant, may) => {
    expect(mayCreate([grant])).toBe(may);
  });
});
