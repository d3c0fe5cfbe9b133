import type { ArchiveContents, ArchivedReport, ArchivedScan, StoredFile } from './contents.ts';
import type { Folder } from './names.ts';
import { createFolder } from './names.ts';

export const manifestName = 'manifest.json';
const scanName = 'scan.sarif';

/** A file of the archive: where it is in it, and which object of the artefact store it is. */
export interface PlacedFile {
  readonly path: string;
  /** Milliseconds since 1970. */
  readonly modified: number;
  readonly sha256: string;
  readonly bytes: number;
}

interface ManifestFile {
  readonly path: string;
  readonly bytes: number;
  readonly sha256: string;
  readonly mediaType: string;
}

export interface ArchiveLayout {
  /** In the archive's order, the manifest not among them. */
  readonly files: readonly PlacedFile[];
  /** JSON that names every file with size and SHA-256, each report's metadata, and the missing reports. The same for the same contents. */
  readonly manifest: string;
}

/** Gives every file its place: `<project>/<version>/<type> <edition>/<file>`, the scanner's file beside the reports that were made of it. */
export function layOut(organization: string, { reports, scans, missing }: ArchiveContents): ArchiveLayout {
  const files: PlacedFile[] = [];
  const places = createPlaces();
  const scanPaths = new Map<string, ManifestFile>();
  const listed = reports.map((report) => {
    const version = places.version(report);
    const folder = createFolder();
    const path = `${version.path}/${version.folder.name(`${report.listed.reportType} ${report.listed.reportVersion}`, 'folder')}`;
    const own = report.files.map((file) => place(files, `${path}/${folder.name(file.name, 'file')}`, report, file));
    const scan = report.analysis === null ? undefined : scans.get(report.analysis);
    if (scan !== undefined && !scanPaths.has(scan.analysis)) {
      const scanPath = `${version.path}/${version.folder.name(scanName, 'file')}`;
      scanPaths.set(scan.analysis, place(files, scanPath, report, scanFile(scan)));
    }
    return manifestReport(report, own);
  });
  const content = {
    format: 'gatepost-archive',
    formatVersion: 1,
    organizationId: organization,
    reports: listed,
    scans: [...scanPaths].map(([analysis, file]) => ({ analysis, ...file })),
    missingReports: missing,
  };
  return { files, manifest: `${JSON.stringify(content, null, 2)}\n` };
}

function place(files: PlacedFile[], path: string, report: ArchivedReport, file: StoredFile): ManifestFile {
  const { bytes, sha256, mediaType } = file;
  files.push({ path, modified: report.date, sha256, bytes });
  return { path, bytes, sha256, mediaType };
}

function scanFile({ sha256, bytes }: ArchivedScan): StoredFile {
  return { name: scanName, mediaType: 'application/sarif+json', sha256, bytes };
}

function manifestReport(report: ArchivedReport, files: readonly ManifestFile[]) {
  const { listed, projectKey, branch, revision, snapshot, analysis } = report;
  return { ...listed, projectKey, branch, revision, snapshot, analysis, files };
}

interface Place {
  readonly path: string;
  readonly folder: Folder;
}

/** Folders by project and version: two projects of one name get two folders, and so do two versions that clean to one. */
function createPlaces(): { version(report: ArchivedReport): Place } {
  const root = createFolder([manifestName]);
  const projects = new Map<string, Place>();
  const versions = new Map<string, Place>();
  return {
    version({ projectId, listed }) {
      const project = projects.get(projectId) ?? { path: root.name(listed.projectName, 'folder'), folder: createFolder() };
      projects.set(projectId, project);
      const key = `${projectId} ${listed.projectVersion}`;
      const version = versions.get(key) ?? {
        path: `${project.path}/${project.folder.name(listed.projectVersion, 'folder')}`,
        folder: createFolder(),
      };
      versions.set(key, version);
      return version;
    },
  };
}
