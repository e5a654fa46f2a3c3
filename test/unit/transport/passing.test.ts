import { describe, expect, it } from 'vitest';
import { PassingFrame } from '../../../src/transport/passing.ts';

const said = (body: string) =>
  `greeting\nchangeline-x begin\n\nchangeline-x begin 42\n${body}\nchangeline-x end 7\nlater`;

describe('a frame that is passed on', () => {
  it.each(['', 'body', '\n', '\n\nchangeline-x en', '\nchangeline-y end 1\n', 'ü\0\n'])(
    'comes off %j wherever the stream is split',
    (body) => {
      const all = Buffer.from(said(body));
      for (let at = 0; at <= all.length; at++) {
        const frame = new PassingFrame('changeline-x');
        const came = [frame.feed(all.subarray(0, at)), frame.feed(all.subarray(at))];
        expect(Buffer.concat(came).toString()).toBe(body);
        expect(frame).toMatchObject({ pid: 42, status: 7 });
      }
      const frame = new PassingFrame('changeline-x');
      const bytes = [...all].map((byte) => frame.feed(Buffer.from([byte])));
      expect(Buffer.concat(bytes).toString()).toBe(body);
      expect(frame.status).toBe(7);
    },
  );

  it('passes on what comes at once, but for what may begin the closing line', () => {
    const frame = new PassingFrame('changeline-x');
    const feed = (text: string) => frame.feed(Buffer.from(text)).toString();
    expect(feed(`${'x'.repeat(1000)}\nchangeline-x begin 1\nready`)).toBe('ready');
    expect(feed(' 1\n')).toBe(' 1');
    expect(feed('changeline-x')).toBe('');
    expect(feed(' en')).toBe('');
    expect(feed('ough\n')).toBe('\nchangeline-x enough');
    expect([frame.rest(), frame.status]).toEqual(['\n', null]);
  });
});
