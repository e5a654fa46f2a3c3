import { describe, expect, it } from 'vitest';
import { settingsFor } from '../../../../src/database/throwaway/settings.ts';

const GIB = 2 ** 30;

describe('the settings of a throwaway', () => {
  it.each([
    ['postgres', 16 * GIB, 'shared_buffers=1024MB', 'maintenance_work_mem=1024MB'],
    ['postgres', 4 * GIB, 'shared_buffers=512MB', 'maintenance_work_mem=256MB'],
    ['postgres', null, 'shared_buffers=128MB', 'maintenance_work_mem=64MB'],
    ['mariadb', 4 * GIB, 'innodb-buffer-pool-size=1024M', 'innodb-flush-method=nosync'],
    ['mysql', null, 'innodb-buffer-pool-size=128M', 'innodb-doublewrite=0'],
    ['mysql', null, 'event-scheduler=OFF', 'loose-mysqlx=OFF'],
  ] as const)('%s with %s bytes of memory: %s, %s', (engine, memory, ...expected) => {
    expect(settingsFor(engine, { memory, cores: 2 }).proving.split(' ')).toEqual(expect.arrayContaining(expected));
  });

  it.each([
    ['postgres', ['fsync', 'synchronous_commit', 'full_page_writes', 'wal_level']],
    ['mariadb', ['innodb-flush-log-at-trx-commit', 'innodb-doublewrite']],
  ] as const)('of %s say everything that is durable in both sets, so that nothing is left over', (engine, names) => {
    const { proving, durable } = settingsFor(engine, { memory: GIB, cores: 64 });
    for (const name of names) {
      const values = [proving, durable].map((words) => words.split(' ').filter((word) => word.startsWith(`${name}=`)));
      expect(values.map((found) => found.length)).toEqual([1, 1]);
      expect(values[0]).not.toEqual(values[1]);
    }
  });
});
