/**
 * Where the bytes of a version come from: a path, a URL with its digest, the asset of a GitHub release, or an
 * artifact of GitHub Actions. Fetched, checked against the digest, unpacked safely, listed. The noun's public face.
 */
export { type Artifact, type ArtifactRequest, type Found, fetchArtifact, findArtifact, isFetched } from './fetch.ts';
export type { ManifestEntry } from './manifest.ts';
export { checkVersion } from './version.ts';
