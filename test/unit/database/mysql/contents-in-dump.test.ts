import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { ContentsInDump } from '../../../../src/database/mysql/contents-in-dump.ts';

const DUMP = `-- INSERT INTO \`no\` VALUES (1);
CREATE TABLE \`a\`\`b (\` (
  \`x\` int NOT NULL AUTO_INCREMENT COMMENT 'INSERT INTO'
) ENGINE=InnoDB AUTO_INCREMENT=5 DEFAULT CHARSET=utf8mb4 COMMENT=') AUTO_INCREMENT=9';
CREATE TABLE \`empty\` (
  \`x\` int
) ENGINE=InnoDB COMMENT=' AUTO_INCREMENT=9';
/*!50001 CREATE TABLE \`a_view\` (\`x\` int) */;
CREATE SEQUENCE \`s\` start with 1 minvalue 1 ENGINE=InnoDB;
DO SETVAL(\`s\`, 1001, 0);
INSERT INTO \`a\`\`b (\` VALUES (1,'),(\\'(;''x',_binary '\\\\'),(2,NULL,0x00);
INSERT INTO \`a\`\`b (\` VALUES
(3,'a
INSERT INTO \`no\` VALUES (1)',''),
(4,(5),'');
INSERT INTO \`é\` (\`x\`, \`VALUES (\`) VALUES (';',1);
DELIMITER ;;
CREATE PROCEDURE p() BEGIN
INSERT INTO \`no\` VALUES (1),(2);
END ;;
DELIMITER ;
INSERT INTO \`with a
break\` VALUES (1);
INSERT INTO \`__proto__\` VALUES (1);
INSERT INTO \`last\` VALUES (1),(2)`;

function read(dump: string, size = 10_000) {
  const reader = new ContentsInDump();
  const bytes = Buffer.from(dump);
  for (let at = 0; at < bytes.length; at += size) reader.push(bytes.subarray(at, at + size));
  return reader.contents();
}

const holding = (...rows: string[]) => ({
  rows: rows.length,
  sha256: createHash('sha256').update(rows.join(',\n')).digest('hex'),
});

describe('the contents of a dump', () => {
  it.each([1, 2, 3, 7, 64, 10_000])('are read in pieces of %i bytes', (size) => {
    const { tables, sequences } = read(`${DUMP};\n`, size);
    expect(Object.entries(tables)).toEqual([
      [
        'a`b (',
        holding(
          "(1,'),(\\'(;''x',_binary '\\\\')",
          '(2,NULL,0x00)',
          "(3,'a\nINSERT INTO `no` VALUES (1)','')",
          "(4,(5),'')",
        ),
      ],
      ['empty', holding()],
      ['é', holding("(';',1)")],
      ['with a\nbreak', holding('(1)')],
      ['__proto__', holding('(1)')],
      ['last', holding('(1)', '(2)')],
    ]);
    expect(sequences).toEqual({ 'a`b (': '5', s: '1001, 0' });
  });

  const rows = Array.from(
    { length: 3000 },
    (_, n) => `(${n},'${`it\\'s ${n} `.repeat(n % 40)}',0x${'AB'.repeat(n % 7)})`,
  );
  const dumped = (perStatement: number, between: string, size?: number) => {
    const statements: string[] = [];
    for (let at = 0; at < rows.length; at += perStatement)
      statements.push(`INSERT INTO \`t\` VALUES ${rows.slice(at, at + perStatement).join(between)};\n`);
    return read(statements.join(''), size).tables.t;
  };

  it.each([1, 7, 500, 3000])('are the same with %i rows a statement, however they are separated', (perStatement) => {
    for (const between of [',', ',\n'])
      for (const size of [977, 65_536]) expect(dumped(perStatement, between, size)).toEqual(holding(...rows));
  });

  it('differ for one other byte, two rows in another order, one row less', () => {
    const one = (text: string) => read(`INSERT INTO \`t\` VALUES\n${text};\n`).tables.t!.sha256;
    const texts = [
      "(1,'a'),\n(2,'b')",
      "(1,'a'),\n(2,'c')",
      "(2,'b'),\n(1,'a')",
      "(1,'a')",
      "(1,'a',2,'b')",
      "(1,'a),\n(2,b')",
    ];
    expect(new Set(texts.map(one)).size).toBe(texts.length);
  });
});
