import type { Reader } from '../storage/database/database.ts';

/** Which of these artefacts of an organization something points to: a snapshot's file, a scanner's file, or a list of findings. */
export async function referencedArtifacts(read: Reader, organization: string, sha256: readonly string[]): Promise<ReadonlySet<string>> {
  if (sha256.length === 0) return new Set();
  const files = await read
    .selectFrom('snapshot_artifacts')
    .select('sha256')
    .distinct()
    .where('organization', '=', organization)
    .where('sha256', 'in', sha256)
    .execute();
  const bodies = await read
    .selectFrom('analyses')
    .select('body_sha256')
    .distinct()
    .where('organization', '=', organization)
    .where('body_sha256', 'in', sha256)
    .execute();
  const findings = await read
    .selectFrom('analyses')
    .select('findings_sha256')
    .distinct()
    .where('organization', '=', organization)
    .where('findings_sha256', 'in', sha256)
    .execute();
  const found = new Set(files.map((row) => row.sha256));
  for (const row of bodies) found.add(row.body_sha256);
  for (const row of findings) if (row.findings_sha256 !== null) found.add(row.findings_sha256);
  return found;
}
