/** What is looked for in texts from outside: places in JSON, the user's patterns. The noun's public face. */
export { jsonPath, valueAt } from './json-path.ts';
export { isPattern, matches, matchingLines } from './pattern.ts';
