/** What a host's journal asks for: pure. */
import type { HostState, Journal } from './survey.ts';

/** True where a change flipped the host and was neither confirmed nor taken back. */
export function unfinished(journal: Journal | null): boolean {
  return journal !== null && journal.state !== 'confirmed' && journal.state !== 'turned-back';
}

/**
 * What has to be done to take a change back on one host.
 * nothing: it did not flip here, or was taken back or confirmed. close: the journal was written but the flip was not
 * reached. flip: it runs the change's version. finish: the flip back was done, the restart perhaps not. strange: `current` is
 * neither what it was before nor what the change made it.
 */
export type BackStep = 'nothing' | 'close' | 'flip' | 'finish' | 'strange';

/** The step for a host as it was surveyed. */
export function backStep(state: Pick<HostState, 'journal' | 'link' | 'currentIsLink'>, change: string): BackStep {
  const { journal, link } = state;
  if (journal === null || journal.change !== change || !unfinished(journal)) return 'nothing';
  if (!state.currentIsLink) return 'strange';
  if (journal.state === 'turning-back')
    return link === journal.from ? 'finish' : link === journal.to ? 'flip' : 'strange';
  if (link === journal.to) return 'flip';
  return link === journal.from ? 'close' : 'strange';
}

/**
 * What has to be done to bring one host to a version. verify: it is there and was served. restart: the flip was done
 * by this change, the restart perhaps not. flip: it runs something else.
 */
export type ForwardStep = 'verify' | 'restart' | 'flip';

/** The step for a host as it was surveyed. */
export function forwardStep(state: Pick<HostState, 'journal' | 'current' | 'link'>, version: string): ForwardStep {
  if (state.current !== version) return 'flip';
  const { journal } = state;
  const begun = journal !== null && (journal.state === 'flipped' || journal.state === 'turning-back');
  return begun ? 'restart' : 'verify';
}
