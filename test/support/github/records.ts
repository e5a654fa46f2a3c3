/** The records that the stand-in keeps. Times are ISO 8601. */

export interface Commit {
  sha: string;
  tree: string;
  parents: string[];
  message: string;
  author: string;
  date: string;
}

export interface CheckRun {
  id: number;
  suite: number;
  sha: string;
  name: string;
  app: string;
  status: string;
  conclusion: string | null;
  startedAt: string;
  completedAt: string | null;
  url: string;
  steps: { name: string; conclusion: string | null }[];
}

/** The checks of one app on one commit; for Actions those of one run. */
export interface Suite {
  id: number;
  sha: string;
  app: string;
  /** Who pushed; null where GitHub does not know. */
  creator: string | null;
  at: string;
}

export interface Run {
  id: number;
  suite: number;
  workflow: { id: number; name: string; path: string };
  event: string;
  sha: string;
  branch: string;
  actor: string;
  status: string;
  conclusion: string | null;
  startedAt: string;
  attempt: number;
}

export interface CommitStatus {
  id: number;
  sha: string;
  context: string;
  state: string;
  description: string | null;
  targetUrl: string | null;
  creator: string;
  at: string;
  /** How many reads do not see it yet. */
  hidden: number;
}

export interface Asset {
  id: number;
  name: string;
  bytes: Buffer;
}

export interface Release {
  id: number;
  tag: string;
  draft: boolean;
  assets: Asset[];
}

export interface Artifact {
  id: number;
  name: string;
  run: number;
  sha: string;
  zip: Buffer;
  expired: boolean;
  fromFork: boolean;
  at: string;
}

export interface DeploymentStatus {
  id: number;
  state: string;
  description: string;
  logUrl: string | null;
  at: string;
}

export interface Deployment {
  id: number;
  sha: string;
  environment: string;
  production: boolean;
  description: string | null;
  statuses: DeploymentStatus[];
  at: string;
}

/** A job as a test describes it. */
export interface JobGiven {
  name: string;
  status?: string;
  conclusion?: string | null;
  at?: string;
  steps?: { name: string; conclusion: string | null }[];
}
