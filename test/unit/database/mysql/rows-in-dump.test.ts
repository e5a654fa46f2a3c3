import { describe, expect, it } from 'vitest';
import { RowsInDump } from '../../../../src/database/mysql/rows-in-dump.ts';

const DUMP = `-- INSERT INTO \`no\` VALUES (1);
CREATE TABLE \`a\`\`b (\` (
  \`x\` int COMMENT 'INSERT INTO'
);
CREATE TABLE \`empty\` (\`x\` int);
/*!50001 CREATE TABLE \`a_view\` (\`x\` int) */;
INSERT INTO \`a\`\`b (\` VALUES (1,'),(\\'(;''x',_binary '\\\\'),(2,NULL,0x00);
INSERT INTO \`a\`\`b (\` VALUES
(3,'a
INSERT INTO \`no\` VALUES (1)',''),
(4,(5),'');
INSERT INTO \`é\` (\`x\`) VALUES (';');
DELIMITER ;;
CREATE PROCEDURE p() BEGIN
INSERT INTO \`no\` VALUES (1),(2);
END ;;
DELIMITER ;
INSERT INTO \`__proto__\` VALUES (1);
INSERT INTO \`last\` VALUES (1),(2)`;

describe('rows in a dump', () => {
  it.each([1, 2, 3, 7, 64, 10_000])('are counted in pieces of %i bytes', (size) => {
    const rows = new RowsInDump();
    const bytes = Buffer.from(`${DUMP};\n`);
    for (let at = 0; at < bytes.length; at += size) rows.push(bytes.subarray(at, at + size));
    const expected = { 'a`b (': 4, empty: 0, é: 1, ['__proto__']: 1, last: 2 };
    expect(Object.entries(rows.counts)).toEqual(Object.entries(expected));
  });
});
