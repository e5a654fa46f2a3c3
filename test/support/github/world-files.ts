/** What a repository gives away and where it runs: releases, artifacts and deployments. */
import { createHash } from 'node:crypto';
import type { Artifact, Deployment, Release, Run } from './records.ts';
import { Checks } from './world-checks.ts';

export class Files extends Checks {
  readonly releases: Release[] = [];
  readonly artifacts: Artifact[] = [];
  readonly deployments: Deployment[] = [];

  release(tag: string, assets: Record<string, Buffer>, draft = false): Release {
    const list = Object.entries(assets).map(([name, bytes]) => ({ id: this.nextId(), name, bytes }));
    const release = { id: this.nextId(), tag, draft, assets: list };
    this.releases.push(release);
    return release;
  }

  artifact(name: string, zip: Buffer, run: Run, more: Partial<Artifact> = {}): Artifact {
    const artifact = {
      id: this.nextId(),
      name,
      run: run.id,
      sha: run.sha,
      zip,
      expired: false,
      fromFork: false,
      at: this.now(),
      ...more,
    };
    this.artifacts.push(artifact);
    return artifact;
  }

  deployment(sha: string, environment: string, states: { state: string; logUrl?: string }[] = []): Deployment {
    const statuses = states.map(({ state, logUrl }) => ({
      id: this.nextId(),
      state,
      description: '',
      logUrl: logUrl ?? null,
      at: this.now(),
    }));
    const deployment = {
      id: this.nextId(),
      sha,
      environment,
      production: false,
      description: null,
      statuses,
      at: this.now(),
    };
    this.deployments.push(deployment);
    return deployment;
  }
}

/** sha256 in the form of GitHub's digests. */
export function digestOf(bytes: Buffer): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}
