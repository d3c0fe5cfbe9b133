/** A report as the list shows it. */
export const report = {
  projectName: 'Test product',
  id: '00000000-0000-0000-0000-000000000002',
  reportType: 'CWE Top 25',
  reportVersion: 2024,
  projectVersion: '1.0',
  date: '2025-12-17T09:05:48.5946432+00:00',
  uploadDate: '2025-12-17T09:05:48.5946432+00:00',
  vulnerabilitiesCount: 0,
  securityRating: 'A',
} as const;
