/** Finding and starting the server of a throwaway, on whichever machine. */
import { statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import type { ThrowawayOptions } from '../open.ts';
import type { Program } from '../programs.ts';
import type { ThrowawayPlace } from '../types.ts';
import { type Machine, type MachineRequest, machineAt } from './machine.ts';
import { SURVEY } from './scripts.ts';
import { settingsFor } from './settings.ts';
import { type Supervised, supervise } from './supervised.ts';
import { chooseServer, readSurvey, SERVER_NAMES, type ServerEngine, type Survey } from './survey.ts';

/** A place where a server of our own is started. */
export type OwnPlace = Exclude<ThrowawayPlace, { kind: 'url' }>;

/** What runs, and where. */
export interface Started {
  machine: Machine;
  server: Program;
  running: Supervised;
}

/** Asks a machine what it has. Throws `tool-missing` where it cannot be used at all. */
export async function surveyOf(machine: Machine, engine: ServerEngine, signal?: AbortSignal): Promise<Survey> {
  const folders = machine.folders.join('\n');
  return readSurvey(await machine.ask(SURVEY, [SERVER_NAMES[engine], folders], signal));
}

/** The server that would be started. Throws `tool-missing` where there is none that fits. */
export async function fittingServer(request: MachineRequest): Promise<Program> {
  const machine = await machineAt(request);
  return chooseServer(await surveyOf(machine, request.engine), request.engine, request.version, machine.place);
}

/** Starts a server like the original's, with the settings for proving. Throws as `supervise` does. */
export async function startLike({ like, at, scratch, signal }: ThrowawayOptions): Promise<Started> {
  const engine = like.engine as ServerEngine;
  const machine = await machineAt({ at: at as OwnPlace, engine, version: like.version, scratch });
  const survey = await surveyOf(machine, engine, signal);
  const server = chooseServer(survey, engine, like.version, machine.place);
  const running = await supervise({ machine, engine, server, settings: settingsFor(engine, survey), signal });
  return { machine, server, running };
}

/** Free bytes for the data at a place; null where that cannot be told. */
export async function roomAt(at: OwnPlace): Promise<number | null> {
  if (at.kind === 'container') {
    const { containerStore } = await import('./container.ts');
    return freeBytes(at.scratch ?? (await containerStore()));
  }
  const machine = await machineAt({ at, engine: 'postgres', version: '', scratch: tmpdir() });
  return (await surveyOf(machine, 'postgres')).room;
}

async function freeBytes(folder: string | null): Promise<number | null> {
  const disk = folder === null ? null : await statfs(folder).catch(() => null);
  return disk && disk.bavail * disk.bsize;
}
