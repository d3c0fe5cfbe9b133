/** Runs this when it is asked to, at once the first time and once in so many milliseconds while it is asked more often: never not at all. */
export function seldom(everyMs: number, run: () => void): () => void {
  let timer: NodeJS.Timeout | null = null;
  let isAsked = false;
  const wait = (): void => {
    timer = setTimeout(() => {
      timer = null;
      if (!isAsked) return;
      isAsked = false;
      run();
      wait();
    }, everyMs).unref();
  };
  return () => {
    if (timer !== null) {
      isAsked = true;
      return;
    }
    run();
    wait();
  };
}
