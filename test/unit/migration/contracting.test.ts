import { describe, expect, test } from 'vitest';
import { contractingStatements } from '../../../src/migration/contracting.ts';
import type { Dialect } from '../../../src/migration/lexer.ts';
import { splitScript } from '../../../src/migration/statements.ts';

const found = (sql: string, dialect: Dialect) => contractingStatements(splitScript(sql, dialect), dialect);
const ALL: Dialect[] = ['postgres', 'mysql', 'sqlite'];
const PG: Dialect[] = ['postgres'];
const MY: Dialect[] = ['mysql'];

describe('what old code cannot live with', () => {
  test.each<[string, Dialect[], string]>([
    ['DROP TABLE t', ALL, 'drops table t'],
    ['drop table if exists s.a, b cascade', PG, 'drops table s.a, b'],
    ['DROP VIEW v', ALL, 'drops view v'],
    ['DROP MATERIALIZED VIEW v', PG, 'drops materialized view v'],
    ['DROP TYPE mood', PG, 'drops type mood'],
    ['DROP FUNCTION f(int, text)', PG, 'drops function f'],
    ['DROP INDEX CONCURRENTLY IF EXISTS i', PG, 'drops index i'],
    ['DROP INDEX i ON t', MY, 'drops an index of t'],
    ['ALTER TABLE t DROP COLUMN a', ALL, 'drops column a (t)'],
    ['ALTER TABLE t DROP a', ALL, 'drops column a (t)'],
    ['ALTER TABLE IF EXISTS ONLY s.t DROP COLUMN IF EXISTS a CASCADE', PG, 'drops column a (s.t)'],
    ['ALTER TABLE t DROP CONSTRAINT c', PG, 'drops constraint c (t)'],
    ['ALTER TABLE t DROP PRIMARY KEY', MY, 'drops an index (t)'],
    ['ALTER TABLE t RENAME TO u', ALL, 'renames it to u (t)'],
    ['ALTER TABLE t RENAME COLUMN a TO b', ALL, 'renames column a (t)'],
    ['ALTER TABLE t RENAME a TO b', PG, 'renames column a (t)'],
    ['RENAME TABLE t TO u', MY, 'renames t'],
    ['ALTER TABLE t ALTER COLUMN a TYPE bigint', PG, 'changes the type of column a (t)'],
    ['ALTER TABLE t ALTER a SET DATA TYPE text', PG, 'changes the type of column a (t)'],
    ['ALTER TABLE t ALTER COLUMN a SET NOT NULL', PG, 'forbids NULL in column a (t)'],
    ['ALTER TABLE t ALTER COLUMN a DROP DEFAULT', ['postgres', 'mysql'], 'drops the default of column a (t)'],
    ['ALTER TABLE t MODIFY COLUMN a bigint', MY, 'redefines column a (t)'],
    ['ALTER TABLE t CHANGE a b int', MY, 'redefines column a (t)'],
    ['ALTER TABLE t ADD COLUMN a int NOT NULL', ALL, 'adds column a, NOT NULL without a default (t)'],
    ['ALTER TABLE t ADD a int NOT NULL DEFAULT NULL', MY, 'adds column a, NOT NULL without a default (t)'],
    ['ALTER TABLE t ADD COLUMN (a int, b int NOT NULL)', MY, 'adds column b, NOT NULL without a default (t)'],
    ["ALTER TABLE t ADD COLUMN a text UNIQUE DEFAULT 'x'", PG, 'adds column a, UNIQUE with one default for all (t)'],
    ['ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0) NOT VALID', PG, 'adds a constraint (CHECK) (t)'],
    [
      'ALTER TABLE t ADD CONSTRAINT c FOREIGN KEY (a) REFERENCES u (id)',
      ['postgres', 'mysql'],
      'adds a constraint (FOREIGN KEY) (t)',
    ],
    ['ALTER TABLE t ADD UNIQUE (a)', ['postgres', 'mysql'], 'adds a constraint (UNIQUE) (t)'],
    ['ALTER TABLE t ADD CONSTRAINT "check" EXCLUDE USING gist (a WITH &&)', PG, 'adds a constraint (EXCLUDE) (t)'],
    ['CREATE UNIQUE INDEX i ON t (a)', ALL, 'forbids equal rows in t'],
    ['CREATE UNIQUE INDEX CONCURRENTLY ON ONLY s.t (a)', PG, 'forbids equal rows in s.t'],
    ['TRUNCATE t', ['postgres', 'mysql'], 'empties t'],
    ['DELETE FROM t', ALL, 'empties t'],
    ["ALTER TYPE mood RENAME VALUE 'a' TO 'b'", PG, 'changes mood'],
    ['ALTER TABLE t ENABLE ROW LEVEL SECURITY', PG, 'hides rows from whoever has no policy (t)'],
    ['CREATE POLICY p ON t AS RESTRICTIVE USING (true)', PG, 'hides rows'],
    ['REVOKE SELECT ON t FROM reader', ['postgres', 'mysql'], 'takes a privilege away'],
    [
      'ALTER TABLE t SET SCHEMA archive',
      PG,
      'changes it (SET SCHEMA), and whether old code can live with that is not known (t)',
    ],
    [
      'ALTER TABLE t CONVERT TO CHARACTER SET utf8mb4',
      MY,
      'changes it (CONVERT TO), and whether old code can live with that is not known (t)',
    ],
    ['CREATE OR REPLACE VIEW v AS SELECT 1', MY, 'replaces view v'],
    ['CREATE OR REPLACE TABLE t (a int)', MY, 'replaces table t'],
    [
      'DO $$ BEGIN EXECUTE format($f$DROP TABLE %I$f$, 1); END $$',
      PG,
      'what DO does cannot be told from the statement',
    ],
    ['CALL tidy()', ['postgres', 'mysql'], 'what CALL does cannot be told from the statement'],
    ["EXECUTE IMMEDIATE 'DROP TABLE t'", MY, 'what EXECUTE does cannot be told from the statement'],
    ['ALTER TABLE "drop"."a ""b" DROP COLUMN "ä ö"', PG, 'drops column ä ö (drop.a "b)'],
    ['/* x */ ALTER TABLE t -- ADD\n DROP COLUMN a', ALL, 'drops column a (t)'],
    ['/*!40101 ALTER TABLE t DROP COLUMN a */', MY, 'drops column a (t)'],
  ])('%s', (sql, dialects, what) => {
    for (const dialect of dialects) expect(found(sql, dialect).map((one) => one.what)).toEqual([what]);
  });

  test('each action of one statement, on its line', () => {
    expect(found('SELECT 1;\nALTER TABLE t ADD COLUMN a int,\n DROP COLUMN b, DROP COLUMN c;', 'postgres')).toEqual([
      { line: 2, what: 'drops column b (t)' },
      { line: 2, what: 'drops column c (t)' },
    ]);
  });
});

describe('what old code can live with', () => {
  test.each<[string, Dialect[]]>([
    ['CREATE TABLE t (a int NOT NULL UNIQUE)', ALL],
    ['CREATE INDEX i ON t (a)', ALL],
    ['CREATE FULLTEXT INDEX i ON t (a)', MY],
    ['CREATE VIEW v AS SELECT 1', ALL],
    ['CREATE OR REPLACE VIEW v AS SELECT 1', PG],
    ['CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql AS $$ DELETE FROM t; SELECT 1 $$', PG],
    ['CREATE TRIGGER r BEFORE INSERT ON t FOR EACH ROW SET NEW.a = 1', MY],
    ["ALTER TYPE mood ADD VALUE 'glad'", PG],
    ['ALTER TABLE t ADD COLUMN a int', ALL],
    ['ALTER TABLE t ADD COLUMN "drop column" text', ['postgres', 'sqlite']],
    ["ALTER TABLE t ADD COLUMN a varchar(20) NOT NULL DEFAULT 'DROP COLUMN b, c'", ALL],
    ['ALTER TABLE t ADD COLUMN a bigserial NOT NULL', PG],
    ['ALTER TABLE t ADD COLUMN a int GENERATED ALWAYS AS (b * 2) STORED NOT NULL', PG],
    ['ALTER TABLE t ADD COLUMN a numeric(10, 2), ADD COLUMN b int REFERENCES u (id)', PG],
    ['ALTER TABLE t ADD key text', PG],
    ['ALTER TABLE t ADD KEY i (a), ENGINE=InnoDB, ALGORITHM=INPLACE', MY],
    ['ALTER TABLE t ADD a', ['sqlite']],
    ['ALTER TABLE t ALTER COLUMN a DROP NOT NULL, ALTER COLUMN b SET DEFAULT 1', PG],
    ['ALTER TABLE t VALIDATE CONSTRAINT c', PG],
    ['ALTER TABLE t DROP FOREIGN KEY c', MY],
    ['ALTER TABLE t DISABLE ROW LEVEL SECURITY', PG],
    ['ALTER SEQUENCE s RESTART WITH 7', PG],
    ['ALTER DATABASE CHARACTER SET utf8mb4', MY],
    ['UPDATE t SET a = b', ALL],
    ['DELETE FROM t WHERE a IS NULL', ALL],
    ["INSERT INTO t VALUES ('DROP TABLE t; DELETE FROM t')", ALL],
    ['WITH old AS (DELETE FROM t WHERE a RETURNING *) INSERT INTO u SELECT * FROM old', PG],
    ["SELECT setval('s', 7)", PG],
    ['GRANT SELECT ON t TO reader', ['postgres', 'mysql']],
    ["COMMENT ON TABLE t IS 'x'", PG],
    ['PRAGMA foreign_keys = off', ['sqlite']],
    ["SET lock_timeout = '1s'", PG],
  ])('%s', (sql, dialects) => {
    for (const dialect of dialects) expect(found(sql, dialect)).toEqual([]);
  });

  test.each<[string, string, Dialect[]]>([
    ['a constraint', 'CREATE TABLE t (a int); ALTER TABLE t ADD UNIQUE (a)', ['postgres', 'mysql']],
    [
      'a unique index',
      'CREATE TABLE IF NOT EXISTS "T" (a int); CREATE UNIQUE INDEX i ON "T" (a)',
      ['postgres', 'sqlite'],
    ],
    ['its name, and then itself', 'CREATE TABLE t (a int); ALTER TABLE t RENAME TO u; DROP TABLE u', ALL],
    ['its rows', 'CREATE TEMPORARY TABLE t AS SELECT 1; DELETE FROM t; DROP TABLE t', ALL],
    ['its index', 'CREATE INDEX i ON t (a); DROP INDEX i', ['postgres', 'sqlite']],
    [
      'a name in another case',
      'CREATE TABLE Widgets (a int); ALTER TABLE widgets ADD UNIQUE (a)',
      ['postgres', 'mysql'],
    ],
  ])('of what the same migration has made: %s', (_name, sql, dialects) => {
    for (const dialect of dialects) expect(found(sql, dialect)).toEqual([]);
  });

  test('what is made again was there before', () => {
    for (const dialect of ALL)
      expect(found('DROP TABLE t; CREATE TABLE t (a int); DROP TABLE t', dialect)).toEqual([
        { line: 1, what: 'drops table t' },
      ]);
    expect(found('CREATE TABLE a.t (x int); DROP TABLE b.t', 'postgres')).toHaveLength(1);
    expect(found('CREATE TABLE "T" (x int); DROP TABLE t', 'postgres')).toHaveLength(1);
  });
});
