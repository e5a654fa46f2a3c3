import { describe, expect, it } from 'vitest';
import { fillCommand, fillUrl, placeholdersIn } from '../../../src/transport/placeholders.ts';

const host = { name: 'deploy@web1.example.com:2222', with: { port: '8080', 'data-dir': "it's $(here)" } };

describe('placeholders', () => {
  it.each([
    ['http://127.0.0.1:{port}/health', 'http://127.0.0.1:8080/health'],
    ['http://{host}/v', 'http://web1.example.com/v'],
    ['http://x/{data-dir}', "http://x/it's%20%24(here)"],
  ])('fills the URL %s', (template, expected) => expect(fillUrl(template, host).href).toBe(expected));

  it.each([
    ['run {port}', 'run 8080'],
    ['rm {data-dir}', "rm 'it'\\''s $(here)'"],
    ['echo $' + '{port} {} {A} {"a":1}', 'echo $' + '{port} {} {A} {"a":1}'],
  ])('fills the command %s', (template, expected) => expect(fillCommand(template, host)).toBe(expected));

  it('refuses a name that the host does not have', () => {
    expect(() => fillUrl('http://x:{nope}/', host)).toThrow(/nope/);
    expect(() => fillUrl('no url', host)).toThrow(/not a URL/);
    expect(() => fillUrl('http://u:p@ss/w@x:{nope}/', host)).toThrow(/"http:\/\/(?!.*p@ss).*\{nope\}/);
  });

  it.each([
    ['http://{host}:{port}/{port}', ['host', 'port']],
    ['echo $' + '{port} {} {A} {"a":1}', []],
  ])('finds the names in %s', (template, expected) => expect(placeholdersIn(template)).toEqual(expected));
});
