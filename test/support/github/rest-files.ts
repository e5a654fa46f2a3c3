/** Releases and artifacts: what GitHub keeps as bytes and hands out through a redirect to its storage. */

import type { Artifact, Asset, Release } from './records.ts';
import { NOT_FOUND, type Routes, reads, refused } from './route.ts';
import { digestOf, type Repository } from './world.ts';

/** The routes of releases and artifacts below a repository. */
export function fileRoutes(repo: string): Routes {
  return {
    [`GET ${repo}/releases`]: reads('contents', ({ repository, url }) => ({
      list: published(repository).map((release) => releaseOf(repository, release, url)),
    })),
    [`GET ${repo}/releases/latest`]: reads('contents', ({ repository, url }) => {
      const newest = published(repository)[0];
      return newest ? { status: 200, body: releaseOf(repository, newest, url) } : NOT_FOUND;
    }),
    [`GET ${repo}/releases/tags/{tag}`]: reads('contents', ({ repository, path, url }) => {
      const release = published(repository).find((one) => one.tag === path.tag);
      return release ? { status: 200, body: releaseOf(repository, release, url) } : NOT_FOUND;
    }),
    [`GET ${repo}/releases/assets/{asset_id}`]: reads('contents', ({ repository, path, url, accept, store }) => {
      const asset = repository.releases.flatMap((one) => one.assets).find((one) => String(one.id) === path.asset_id);
      if (!asset) return NOT_FOUND;
      if (accept.includes('application/octet-stream')) return { redirect: store(asset.bytes) };
      return { status: 200, body: assetOf(repository, asset, url) };
    }),
    [`GET ${repo}/actions/artifacts`]: reads('actions', ({ repository, query, url }) => ({
      list: repository.artifacts
        .filter((one) => !query.get('name') || one.name === query.get('name'))
        .toReversed()
        .map((one) => artifactOf(repository, one, url)),
      key: 'artifacts',
    })),
    [`GET ${repo}/actions/runs/{run_id}/artifacts`]: reads('actions', ({ repository, path, url }) => ({
      list: repository.artifacts
        .filter((one) => String(one.run) === path.run_id)
        .map((one) => artifactOf(repository, one, url)),
      key: 'artifacts',
    })),
    [`GET ${repo}/actions/artifacts/{artifact_id}/{archive_format}`]: reads(
      'actions',
      ({ repository, path, store }) => {
        const artifact = repository.artifacts.find((one) => String(one.id) === path.artifact_id);
        if (!artifact || path.archive_format !== 'zip') return NOT_FOUND;
        return artifact.expired ? refused(410, 'Artifact has expired') : { redirect: store(artifact.zip) };
      },
    ),
  };
}

function published(repository: Repository): Release[] {
  return repository.releases.filter((release) => !release.draft).toReversed();
}

function releaseOf(repository: Repository, release: Release, url: string) {
  return {
    id: release.id,
    tag_name: release.tag,
    name: release.tag,
    draft: release.draft,
    prerelease: false,
    assets: release.assets.map((asset) => assetOf(repository, asset, url)),
    url: `${url}/repos/${repository.full}/releases/${release.id}`,
    author: { login: 'octocat' },
  };
}

function assetOf(repository: Repository, asset: Asset, url: string) {
  return {
    id: asset.id,
    name: asset.name,
    state: 'uploaded',
    size: asset.bytes.length,
    digest: digestOf(asset.bytes),
    url: `${url}/repos/${repository.full}/releases/assets/${asset.id}`,
    browser_download_url: `https://github.com/${repository.full}/releases/download/${encodeURIComponent(asset.name)}`,
    content_type: 'application/octet-stream',
  };
}

function artifactOf(repository: Repository, artifact: Artifact, url: string) {
  const head = artifact.fromFork ? repository.id + 1 : repository.id;
  return {
    id: artifact.id,
    name: artifact.name,
    size_in_bytes: artifact.zip.length,
    digest: digestOf(artifact.zip),
    expired: artifact.expired,
    created_at: artifact.at,
    url: `${url}/repos/${repository.full}/actions/artifacts/${artifact.id}`,
    archive_download_url: `${url}/repos/${repository.full}/actions/artifacts/${artifact.id}/zip`,
    workflow_run: {
      id: artifact.run,
      repository_id: repository.id,
      head_repository_id: head,
      head_branch: repository.defaultBranch,
      head_sha: artifact.sha,
    },
  };
}
