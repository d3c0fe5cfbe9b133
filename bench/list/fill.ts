import { sql } from 'kysely';
import type { Database } from '../../src/storage/database/database.ts';

// Reports as they come in over years: those of all organizations mixed, each organization's versions rising.

/** Rows of one unit of work. */
const rowsAtOnce = 5_000;

export interface Filling {
  /** Organizations of about a thousand reports each. */
  readonly organizations: number;
  /** Reports of the one large organization, which has the number 0. */
  readonly largeReports: number;
}

export const reportsOfOrganization = 1_000;

export function organizationId(number: number): string {
  return `00000000-0000-4000-8000-${100_000_000_000 + number}`;
}

/** One statement that both databases understand: they make the rows themselves. */
export async function fill(database: Database, { organizations, largeReports }: Filling): Promise<number> {
  const small = organizations * reportsOfOrganization;
  const total = small + largeReports;
  // Every so many-th report is the large organization's.
  const every = Math.round(total / largeReports);
  await database.write((tx) =>
    tx
      .insertInto('organizations')
      .values(
        Array.from({ length: organizations + 1 }, (_, number) => ({
          id: organizationId(number),
          slug: `o${number}`,
          name: 'Bench',
          language: 'en',
          standards: null,
          created: 0,
        })),
      )
      .execute(),
  );
  for (let from = 0; from < total; from += rowsAtOnce) {
    const to = Math.min(total, from + rowsAtOnce);
    await database.write((tx) => insertRange(from, to, { every, organizations }).execute(tx));
  }
  if (database.engine === 'postgres') await database.write((tx) => sql`analyze reports`.execute(tx));
  return total;
}

function insertRange(from: number, to: number, { every, organizations }: { readonly every: number; readonly organizations: number }) {
  const date = 1_700_000_000_000;
  return sql`
    with recursive series(i) as (select cast(${sql.lit(from)} as bigint) union all select i + 1 from series where i + 1 < ${sql.lit(to)}),
    numbered as (
      select i, case when i % ${sql.lit(every)} = 0 then 0 else 1 + i % ${sql.lit(organizations)} end as organization,
        case when i % ${sql.lit(every)} = 0 then i / ${sql.lit(every)} else i / ${sql.lit(organizations)} end as position
      from series
    ),
    rows_of as (
      select i, '00000000-0000-4000-8000-' || cast(100000000000 + organization as text) as organization, cast(100 + position / 4 % 900 as text) as minor,
        '0198aaaa-0000-7000-8000-' || cast(100000000000 + i as text) as id
      from numbered
    )
    insert into reports (id, organization, project, branch, version, version_normal, version_key, type, edition, date_text, date, upload_date, count, rating, snapshot, listed, created)
    select id, organization, organization || cast(i % 7 as text), '', '1.' || minor, '1.' || minor || '#' || cast(i as text), '1a1c' || minor || '.',
      'CWE Top 25', 2025, '', ${sql.lit(date)} + i * 1000, 0, 3, 'B', id,
      '{"projectName":"Test product ' || cast(i % 7 as text) || '","id":"' || id || '","reportType":"CWE Top 25","reportVersion":2025,"projectVersion":"1.' || minor ||
      '","date":"2025-12-17T09:05:48.5946432+00:00","uploadDate":"2025-12-17T09:05:48.5946432+00:00","vulnerabilitiesCount":3,"securityRating":"B"}', 0
    from rows_of`;
}
