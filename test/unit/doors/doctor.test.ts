import { describe, expect, it } from 'vitest';
import { findings } from '../../../src/doors/doctor/findings.ts';
import { repository, ruled } from './doctor-facts.ts';

describe('a healthy repository', () => {
  it('misses nothing, and nothing is unknown: the example workflows are as the doctor asks', () => {
    const rows = findings(repository());
    expect(rows.filter((row) => row.state === 'missing' || row.state === 'unknown')).toEqual([]);
    expect(rows.filter((row) => row.state === 'advice').map((row) => row.row)).toEqual(['ledger-writers']);
    expect(rows.length).toBeGreaterThan(25);
  });

  it('every row that is not ok says what to do, and every row asks something', () => {
    const nothing = { unseen: 'GitHub answered 404', needs: 'X: read' };
    const blind = repository({
      gated: { name: 'main', rules: nothing, rulesets: new Map(), branch: nothing, protection: nothing },
      queue: nothing,
      files: nothing,
      defaults: nothing,
      environments: nothing,
    });
    for (const row of [...findings(blind), ...findings(repository({ gated: ruled('main', []) }))]) {
      expect(row.asked).not.toBe('');
      expect(row.state === 'ok' || row.next !== '').toBe(true);
    }
    expect(
      findings(blind).filter((row) => row.about !== 'The ledger, the branch changeline' && row.state !== 'unknown'),
    ).toEqual([]);
  });

  it('without changeline.yml has the rows of the gate alone', () => {
    const abouts = new Set(findings(repository({ config: null, asked: [], ledger: null })).map((row) => row.about));
    expect([...abouts]).toEqual(['The branch main', 'The workflow of the gate', 'All workflows']);
  });
});
