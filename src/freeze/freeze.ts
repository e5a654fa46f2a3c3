/** When nothing merges and nothing ships: windows of the calendar, freezes of persons and of changes. The noun's public face. */
export { type ActiveFreeze, activeFreezes, nextWindow } from './active.ts';
export { untilOf } from './until.ts';
