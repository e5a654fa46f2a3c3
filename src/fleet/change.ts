/** The few words of a change that hosts are told. */

/** The change that does the work: its id and its fence, which grows with every change of the environment. */
export interface ChangeMark {
  id: string;
  fence: number;
}

/** The id as part of a file name. */
export function fileWord(id: string): string {
  return id.replace(/[^A-Za-z0-9._-]/g, '-').slice(0, 100);
}
