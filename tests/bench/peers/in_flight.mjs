/** Runs `work` for each of `items`, `at_once` of them at a time. */
export async function in_flight(at_once, items, work) {
  const waiting = [...items];
  const take = async () => {
    for (let item; (item = waiting.shift()) !== undefined; ) await work(item);
  };
  await Promise.all(Array.from({ length: at_once }, take));
}
