/** How many answers are worked on at once; how many requests are under way is the client's own limit. */
export const atWorkMax = 4;

/** Does the work for each item, a few at once, in order of the list. The first failure ends it, once what was begun has ended. */
export async function eachOf<Item>(items: readonly Item[], work: (item: Item, index: number) => Promise<void>): Promise<void> {
  let next = 0;
  let failed: { readonly error: unknown } | undefined;
  const lane = async () => {
    while (next < items.length && failed === undefined) {
      const index = next;
      next += 1;
      try {
        await work(items[index] as Item, index);
      } catch (error) {
        failed ??= { error };
      }
    }
  };
  await Promise.all(Array.from({ length: atWorkMax }, lane));
  if (failed !== undefined) throw failed.error;
}
