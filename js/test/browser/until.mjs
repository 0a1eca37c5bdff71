/** Waits until `what` gives something that is not falsy, and gives that. */
export async function until(what, ms = 8000) {
  for (const end = Date.now() + ms; ; ) {
    const value = await what();
    if (value) return value;
    if (Date.now() > end) throw new Error(`not within ${ms} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
