/** One file becomes an artifact of this run in the stand-in, in a zip around it as GitHub makes one. */
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { crc32 } from 'node:zlib';

const { GITHUB_API_URL, GITHUB_REPOSITORY, GITHUB_RUN_ID, GITHUB_SHA, INPUT_NAME, INPUT_PATH } = process.env;
const zip = zipped(basename(INPUT_PATH), readFileSync(INPUT_PATH)).toString('base64');
const body = JSON.stringify({ name: INPUT_NAME, run: Number(GITHUB_RUN_ID), sha: GITHUB_SHA, zip });
const { status } = await fetch(`${GITHUB_API_URL}/_artifacts/${GITHUB_REPOSITORY}`, { method: 'PUT', body });
if (status !== 201) throw new Error(`the artifact was refused: ${status}`);

/** A zip of one file that is stored as it is (APPNOTE 4.3.7, 4.3.12, 4.3.16). */
function zipped(name, bytes) {
  const common = Buffer.alloc(26);
  common.writeUInt16LE(20, 0); // version 2.0
  common.writeUInt16LE(0x21, 8); // 1 January 1980
  common.writeUInt32LE(crc32(bytes), 10);
  common.writeUInt32LE(bytes.length, 14);
  common.writeUInt32LE(bytes.length, 18);
  common.writeUInt16LE(Buffer.byteLength(name), 22);
  const local = Buffer.concat([Buffer.from('PK\x03\x04'), common, Buffer.from(name), bytes]);
  const central = Buffer.concat([Buffer.from('PK\x01\x02\x14\x00'), common, Buffer.alloc(14), Buffer.from(name)]);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 'latin1');
  end.writeUInt16LE(1, 8);
  end.writeUInt16LE(1, 10);
  end.writeUInt32LE(central.length, 12);
  end.writeUInt32LE(local.length, 16);
  return Buffer.concat([local, central, end]);
}
