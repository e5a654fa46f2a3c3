import { describe, expect, it } from 'vitest';
import { splitStatements } from '../../../src/database/statements.ts';
import type { Engine } from '../../../src/database/types.ts';

const texts = (script: string, engine: Engine) => splitStatements(script, engine).map(({ text }) => text);

describe('statements of a script', () => {
  it.each<[string, Engine, string, string[]]>([
    ['nothing', 'postgres', '  -- only a comment\n ;; /* ; */ ', []],
    ['quotes', 'sqlite', `select ';'';' ; select ";" ; select [;]`, [`select ';'';'`, 'select ";"', 'select [;]']],
    [
      'backslashes are no escapes in standard strings',
      'postgres',
      "select '\\'; select 1",
      ["select '\\'", 'select 1'],
    ],
    ['but in E strings they are', 'postgres', "select E'\\';'; select 1", ["select E'\\';'", 'select 1']],
    ['a name that ends in e', 'postgres', "select note'\\'; select 1", ["select note'\\'", 'select 1']],
    ['and in MySQL', 'mysql', "select '\\';'; select 1", ["select '\\';'", 'select 1']],
    [
      'dollar quotes',
      'postgres',
      'do $$ begin; end $$; do $a$ $$;$$ $a$; select 1',
      ['do $$ begin; end $$', 'do $a$ $$;$$ $a$', 'select 1'],
    ],
    ['a dollar in a name', 'postgres', 'select a$b; select c$d', ['select a$b', 'select c$d']],
    ['nested comments', 'postgres', '/* /* ; */ ; */ select 1; select 2', ['/* /* ; */ ; */ select 1', 'select 2']],
    [
      'comments of MySQL',
      'mysql',
      'select 1 # ;\n; select 1--1; /*!40000 set x=1 */; -- ;',
      ['select 1 # ;', 'select 1--1', '/*!40000 set x=1 */'],
    ],
    [
      'DELIMITER',
      'mariadb',
      'delimiter //\ncreate procedure p() begin select 1; end//\nDELIMITER ;\nselect 2;',
      ['create procedure p() begin select 1; end', 'select 2'],
    ],
    [
      'a body without DELIMITER',
      'mysql',
      'create procedure p() begin if 1 then select 1; end if; case 1 when 1 then select 2; end case; end; select 3',
      ['create procedure p() begin if 1 then select 1; end if; case 1 when 1 then select 2; end case; end', 'select 3'],
    ],
    [
      'a trigger of SQLite',
      'sqlite',
      'create trigger t after insert on a begin update a set b = case when 1 then 2 end; select 1; end; select 2',
      ['create trigger t after insert on a begin update a set b = case when 1 then 2 end; select 1; end', 'select 2'],
    ],
    [
      'BEGIN ATOMIC',
      'postgres',
      'create or replace function f() returns int begin atomic select 1; end; select 2',
      ['create or replace function f() returns int begin atomic select 1; end', 'select 2'],
    ],
    [
      'a transaction is no body',
      'postgres',
      'begin; create table t (x int); end; commit',
      ['begin', 'create table t (x int)', 'end', 'commit'],
    ],
    ['an unclosed quote runs to the end', 'postgres', "select 'a; select 2", ["select 'a; select 2"]],
  ])('%s', (_name, engine, script, expected) => expect(texts(script, engine)).toEqual(expected));

  it('tells the line of the first word', () => {
    expect(splitStatements('-- a\n\nselect 1;\n\n/* b\n */ select\n2;', 'sqlite').map(({ line }) => line)).toEqual([
      3, 6,
    ]);
  });
});
