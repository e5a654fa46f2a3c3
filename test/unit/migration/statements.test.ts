import { describe, expect, test } from 'vitest';
import type { Dialect } from '../../../src/migration/lexer.ts';
import { ScriptError, splitScript } from '../../../src/migration/statements.ts';

const split = (dialect: Dialect, script: string) => splitScript(script, dialect).map(({ sql }) => sql);

describe('every dialect', () => {
  const table: [string, string, string[]][] = [
    ['nothing', '', []],
    ['comments only', '-- a;\n/* b; */\n', []],
    ['semicolons only', ';;\n;', []],
    ['no semicolon at the end', 'SELECT 1', ['SELECT 1']],
    ['two', 'SELECT 1; SELECT 2;', ['SELECT 1', 'SELECT 2']],
    ['a semicolon in a text', "INSERT INTO t VALUES ('a;b'); SELECT 2", ["INSERT INTO t VALUES ('a;b')", 'SELECT 2']],
    ['a doubled quote', "SELECT 'it''s; so'; SELECT 2", ["SELECT 'it''s; so'", 'SELECT 2']],
    ['a comment inside', 'SELECT 1 -- one; two\n, 2; SELECT 3', ['SELECT 1 -- one; two\n, 2', 'SELECT 3']],
    ['a block comment inside', "SELECT /* ; ' */ 1; SELECT 2", ["SELECT /* ; ' */ 1", 'SELECT 2']],
    ['a quote in a comment', "-- it's\nSELECT 1;", ['SELECT 1']],
    ['a comment after the last', 'SELECT 1; -- done;', ['SELECT 1']],
    ['CASE outside a body', 'SELECT CASE WHEN 1 THEN 2 END; SELECT 2;', ['SELECT CASE WHEN 1 THEN 2 END', 'SELECT 2']],
    ['a byte order mark', '\uFEFFSELECT 1;', ['SELECT 1']],
    ['Windows line ends', 'SELECT 1;\r\nSELECT 2;\r\n', ['SELECT 1', 'SELECT 2']],
    ['non-Latin names', 'CREATE TABLE größe (имя text); SELECT 2', ['CREATE TABLE größe (имя text)', 'SELECT 2']],
    ['transaction words', 'BEGIN; SELECT 1; END;', ['BEGIN', 'SELECT 1', 'END']],
  ];
  for (const dialect of ['postgres', 'mysql', 'sqlite'] as const) {
    test.each(table)(`${dialect}: %s`, (_name, script, statements) => {
      expect(split(dialect, script)).toEqual(statements);
    });
  }
});

describe('PostgreSQL', () => {
  test.each<[string, string, number]>([
    ['a dollar quote', 'DO $$ BEGIN PERFORM 1; END $$; SELECT 2;', 2],
    ['a tagged dollar quote with $$ inside', 'DO $a$ x; $$ ; $b$ ; $a$; SELECT 2;', 2],
    ['a parameter is no quote', 'PREPARE p AS SELECT $1; EXECUTE p(1); SELECT $1', 3],
    ['a dollar in a name is no quote', 'SELECT a$b$ FROM t; SELECT c$b$', 2],
    ['a backslash in a plain text is itself', "SELECT 'a\\'; SELECT 2", 2],
    ['a backslash in an E text escapes', "SELECT E'a\\'; b'; SELECT 2", 2],
    ['a name that ends in e before a text', "SELECT date'2020-01-01\\'; SELECT 2", 2],
    ['nested comments', '/* a /* b; */ c; */ SELECT 1; SELECT 2', 2],
    ['a quoted name', 'SELECT ";"; SELECT "a"";" FROM t', 2],
    [
      'a rule with several actions',
      'CREATE RULE r AS ON INSERT TO t DO ALSO (DELETE FROM a; DELETE FROM b); SELECT 2',
      2,
    ],
    [
      'BEGIN ATOMIC',
      'CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; SELECT CASE WHEN true THEN 1 END; END; SELECT 2',
      2,
    ],
    [
      'CREATE OR REPLACE PROCEDURE BEGIN ATOMIC',
      'CREATE OR REPLACE PROCEDURE p() BEGIN ATOMIC INSERT INTO t VALUES (1); END; SELECT 2',
      2,
    ],
    ['a function called begin', "CREATE FUNCTION begin() RETURNS int LANGUAGE sql AS 'SELECT 1'; SELECT 2", 2],
    ['an array subscript', 'SELECT a[1]; SELECT 2', 2],
    ['a backtick means nothing', 'SELECT 1 ` 2; SELECT 3', 2],
    ['a hash is an operator', 'SELECT 1 # 2; SELECT 3', 2],
    ['two dashes without a blank are a comment', 'SELECT 1--2;\n; SELECT 3', 2],
    ['the end of a text followed by another on the next line', "SELECT 'a'\n'b;'; SELECT 2", 2],
  ])('%s', (_name, script, count) => {
    expect(split('postgres', script)).toHaveLength(count);
  });
});

describe('MySQL and MariaDB', () => {
  test.each<[string, string, number]>([
    ['a backslash escapes', "SELECT 'a\\'; b'; SELECT 2", 2],
    ['a doubled backslash does not', "SELECT 'a\\\\'; SELECT 2", 2],
    ['double quotes are a text', 'SELECT "a\\";b"; SELECT 2', 2],
    ['a backtick name', 'SELECT `a;``b;`; SELECT 2', 2],
    ['a backslash in a backtick name is itself', 'SELECT `a\\`; SELECT 2', 2],
    ['a hash comment', 'SELECT 1; # a; b\nSELECT 2', 2],
    ['two dashes without a blank are arithmetic', 'SELECT 5--3; SELECT 2', 2],
    ['two dashes at the end', 'SELECT 1; --', 1],
    ['comments do not nest', '/* a /* b; */ SELECT 1; SELECT 2', 2],
    ['an executable comment is a statement', '/*!40101 SET NAMES utf8 */; SELECT 2', 2],
    ["MariaDB's executable comment", '/*M!100100 SELECT 1; */; SELECT 2', 2],
    [
      'a delimiter',
      'DELIMITER //\nCREATE TRIGGER t BEFORE INSERT ON a FOR EACH ROW BEGIN SET @a = 1; SET @b = 2; END//\nDELIMITER ;\nSELECT 2;',
      2,
    ],
    [
      'a delimiter that touches a word',
      'DELIMITER $$\nCREATE PROCEDURE p() BEGIN SELECT 1; END$$\nDELIMITER ;\nSELECT 2;',
      2,
    ],
    ['a delimiter in a text is text', "DELIMITER //\nSELECT 'a//b'//\nDELIMITER ;\nSELECT 2", 2],
    ['a delimiter in lower case, indented', '  delimiter ;;\nSELECT 1; SELECT 2;;\n\tdelimiter ;\nSELECT 3', 2],
    ['a column called delimiter', 'SELECT delimiter FROM t; SELECT 2', 2],
    [
      'a trigger without a delimiter',
      'CREATE TRIGGER t BEFORE INSERT ON a FOR EACH ROW BEGIN SET @a = 1; SET @b = 2; END; SELECT 2',
      2,
    ],
    ['a trigger of one statement', 'CREATE TRIGGER t BEFORE INSERT ON a FOR EACH ROW SET NEW.x = 1; SELECT 2', 2],
    [
      'IF in a body',
      'CREATE PROCEDURE p() BEGIN IF a > 1 THEN SELECT 1; ELSEIF b THEN SELECT 2; ELSE SELECT 3; END IF; SELECT 4; END; SELECT 2',
      2,
    ],
    ['IF as the whole body', 'CREATE PROCEDURE p() IF (1 = 1) THEN SELECT 1; SELECT 2; END IF; SELECT 2', 2],
    [
      'IF as the whole body of a trigger',
      'CREATE TRIGGER t BEFORE INSERT ON a FOR EACH ROW IF NEW.x IS NULL THEN SET NEW.x = 1; END IF; SELECT 2',
      2,
    ],
    [
      'IF the function',
      'CREATE PROCEDURE p() BEGIN SET @a = IF(1, 2, 3); SELECT CASE WHEN IF(a, b, c) THEN 1 ELSE IF(a, b, c) END; END; SELECT 2',
      2,
    ],
    ['IF the function as the whole body', 'CREATE FUNCTION f() RETURNS int RETURN IF(1, 2, 3); SELECT 2', 2],
    [
      'IF EXISTS',
      'CREATE PROCEDURE IF NOT EXISTS p() BEGIN DROP TABLE IF EXISTS a; IF EXISTS (SELECT 1) THEN SELECT 1; END IF; END; SELECT 2',
      2,
    ],
    [
      'IF NOT EXISTS before a body without BEGIN',
      'CREATE TRIGGER IF NOT EXISTS t BEFORE INSERT ON a FOR EACH ROW SET @a = 1; SELECT 2',
      2,
    ],
    [
      'CASE the statement',
      'CREATE PROCEDURE p() BEGIN CASE a WHEN 1 THEN SELECT 1; ELSE SELECT 2; END CASE; SELECT 3; END; SELECT 2',
      2,
    ],
    ['CASE the expression', 'CREATE FUNCTION f() RETURNS int RETURN CASE WHEN a THEN 1 ELSE 2 END; SELECT 2', 2],
    [
      'loops',
      'CREATE PROCEDURE p() BEGIN l: LOOP SELECT 1; LEAVE l; END LOOP l; WHILE a DO SELECT 1; END WHILE; REPEAT SELECT 1; UNTIL b END REPEAT; END; SELECT 2',
      2,
    ],
    ['WHILE as the whole body', 'CREATE PROCEDURE p() WHILE a DO SELECT 1; SELECT 2; END WHILE; SELECT 2', 2],
    ['REPEAT the function', "CREATE PROCEDURE p() SELECT REPEAT('x', 3); SELECT 2", 2],
    ["MariaDB's FOR", 'CREATE PROCEDURE p() BEGIN FOR i IN 1..3 DO SELECT i; END FOR; SELECT 1; END; SELECT 2', 2],
    [
      'nested blocks and handlers',
      'CREATE PROCEDURE p() BEGIN DECLARE EXIT HANDLER FOR SQLEXCEPTION BEGIN ROLLBACK; END; BEGIN SELECT 1; END; END; SELECT 2',
      2,
    ],
    ['an event', 'CREATE EVENT e ON SCHEDULE EVERY 1 DAY DO BEGIN DELETE FROM a; DELETE FROM b; END; SELECT 2', 2],
    [
      'a definer',
      'CREATE DEFINER=`root`@`localhost` TRIGGER t BEFORE INSERT ON a FOR EACH ROW BEGIN SET @a = 1; END; SELECT 2',
      2,
    ],
    [
      'a trigger as mysqldump writes it',
      'DELIMITER ;;\n/*!50003 CREATE*/ /*!50017 DEFINER=`r`@`%`*/ /*!50003 TRIGGER t BEFORE INSERT ON a FOR EACH ROW BEGIN SET @a = 1; END */;;\nDELIMITER ;\nSELECT 2;',
      2,
    ],
    [
      'columns called begin and end',
      'CREATE TABLE event (begin int, end int); SELECT begin, t.end FROM event; SELECT 2',
      3,
    ],
    [
      'a qualified column called end in a body',
      'CREATE TRIGGER t BEFORE INSERT ON a FOR EACH ROW BEGIN SET NEW.end = 1; SET @b = 1; END; SELECT 2',
      2,
    ],
    ['BEGIN NOT ATOMIC', 'BEGIN NOT ATOMIC SELECT 1; SELECT 2; END; SELECT 2', 2],
    ['a dollar quote means nothing', 'SELECT 1 AS $$; SELECT 2 AS $$', 2],
  ])('%s', (_name, script, count) => {
    const statements = split('mysql', script);
    expect(statements).toHaveLength(count);
    expect(statements.join()).not.toMatch(/^DELIMITER/im);
  });
});

describe('SQLite', () => {
  test.each<[string, string, number]>([
    ['a trigger', 'CREATE TRIGGER t AFTER INSERT ON a BEGIN UPDATE a SET x = 1; DELETE FROM b; END; SELECT 2', 2],
    ['a temporary trigger', 'CREATE TEMP TRIGGER IF NOT EXISTS t AFTER INSERT ON a BEGIN SELECT 1; END; SELECT 2', 2],
    [
      'CASE in a trigger',
      "CREATE TRIGGER t AFTER INSERT ON a BEGIN UPDATE a SET x = CASE WHEN x THEN 1 END; SELECT CASE WHEN 1 THEN RAISE(ABORT, 'a; END;') END; END; SELECT 2",
      2,
    ],
    ['comments around END', 'CREATE TRIGGER t AFTER INSERT ON a BEGIN SELECT 1; /* ; */ END -- ;\n; SELECT 2', 2],
    ['a table called trigger', 'CREATE TABLE "trigger" (a); CREATE TABLE t (trigger, begin); SELECT 2', 3],
    ['names in brackets', 'SELECT [a;b] FROM [it"s]; SELECT 2', 2],
    ['names in backticks', 'SELECT `a;b`; SELECT 2', 2],
    ['a backslash is itself', "SELECT 'a\\'; SELECT 2", 2],
  ])('%s', (_name, script, count) => {
    expect(split('sqlite', script)).toHaveLength(count);
  });
});

test('lines are those of the first word, not of the comment before it', () => {
  const script = '-- first\n\nSELECT 1;\n\n/* a\nb */ SELECT\n2; SELECT 3;\nSELECT 4';
  expect(splitScript(script, 'postgres').map(({ line }) => line)).toEqual([3, 6, 7, 8]);
});

test.each<[Dialect, string, number]>([
  ['postgres', "SELECT 1;\nSELECT 'a;\nSELECT 2;", 2],
  ['postgres', 'SELECT 1;\n\nDO $a$ BEGIN; $$', 3],
  ['postgres', '/* a /* b */', 1],
  ['mysql', 'SELECT `a', 1],
  ['mysql', "SELECT 1;\nSELECT 'a\\'", 2],
  ['sqlite', 'SELECT 1;\nSELECT [a', 2],
])('%s: a quote that never ends is an error on its line', (dialect, script, line) => {
  expect(() => splitScript(script, dialect)).toThrow(ScriptError);
  try {
    splitScript(script, dialect);
  } catch (error) {
    expect((error as ScriptError).line).toBe(line);
  }
});
