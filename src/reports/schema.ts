import { Type } from 'typebox';
import { timestampText } from '../clock.ts';
import type { ArtifactRow, ReportRow, SnapshotRow } from './store.ts';

const rating = Type.Union([Type.String(), Type.Null()], { description: 'A to E; null: not assessed.' });
const text = (description: string) => Type.Union([Type.String(), Type.Null()], { description });

export const ReportBody = Type.Object({
  id: Type.String({ format: 'uuid' }),
  projectKey: Type.String(),
  branch: text('As told, or null.'),
  reportType: Type.String(),
  reportVersion: Type.Integer({ description: 'The edition of the standard.' }),
  projectVersion: Type.String(),
  date: Type.String({ format: 'date-time', description: 'When the analysis was made.' }),
  uploadDate: Type.String({ format: 'date-time', description: 'When its newest snapshot was made.' }),
  vulnerabilitiesCount: Type.Integer(),
  securityRating: rating,
  created: Type.String({ format: 'date-time' }),
});

export function reportBody(report: ReportRow, projectKey: string) {
  return {
    id: report.id,
    projectKey,
    branch: report.branch === '' ? null : report.branch,
    reportType: report.type,
    reportVersion: report.edition,
    projectVersion: report.version,
    date: report.date_text,
    uploadDate: timestampText(report.upload_date),
    vulnerabilitiesCount: report.count,
    securityRating: report.rating,
    created: timestampText(report.created),
  };
}

export const ArtifactBody = Type.Object({
  name: Type.String(),
  mediaType: Type.String(),
  bytes: Type.Integer(),
  sha256: Type.String(),
});

export const SnapshotBody = Type.Object({
  id: Type.String({ format: 'uuid' }),
  shown: Type.Boolean({ description: 'The one that the list and the ZIP show.' }),
  date: Type.String({ format: 'date-time' }),
  made: Type.String({ format: 'date-time' }),
  revision: text('The commit that was analysed, or null.'),
  analysis: text('The analysis it was made from; null for a ready-made one.'),
  vulnerabilitiesCount: Type.Integer(),
  securityRating: rating,
  contentSha256: Type.String({ description: 'The same data always has the same.' }),
});

export function snapshotBody(snapshot: SnapshotRow, shown: boolean) {
  return {
    id: snapshot.id,
    shown,
    date: snapshot.date_text,
    made: timestampText(snapshot.made),
    revision: snapshot.revision,
    analysis: snapshot.analysis,
    vulnerabilitiesCount: snapshot.count,
    securityRating: snapshot.rating,
    contentSha256: snapshot.content_sha256,
  };
}

export function artifactBody(row: ArtifactRow) {
  return { name: row.name, mediaType: row.media_type, bytes: row.bytes, sha256: row.sha256 };
}
