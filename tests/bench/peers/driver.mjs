// A and B, the clients of one of the servers: does the work that `run` asks for and prints its times as one line of JSON.
//   node driver.mjs SYSTEM URL work  {"pid" of the server, "conversations", "messages", "updates", "warm_up", …}
//   node driver.mjs SYSTEM URL write {"conversations", "journal", …}   appends the id of each acknowledged message to the journal, until it is ended; "pause_ms" between them
//   node driver.mjs SYSTEM URL list  {"journal", …}                    which of those messages there are
import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";

const [system, url, phase, text] = process.argv.slice(2);
const asked = JSON.parse(text);
const { connect } = await import(`./systems/${system}.mjs`);

const SENTENCES = [
  "Could you move the meeting with Zo\u00eb to Thursday, and tell the others? I shall be travelling until noon.",
  "The train leaves at a quarter past nine from platform four; bring the papers we signed last week, please.",
  "I have compared the three offers: the second is cheaper over two years, but its notice period is longer.",
  "Remind me tomorrow to water the plants, to call the insurance, and to send the photographs to my sister.",
];

const BEGUN_AT = Date.now() - 3600_000;

/** The same for every system, some 300 octets as JSON. */
function message(id, number) {
  return { content: `${number}: ${SENTENCES[number % SENTENCES.length]}`, id, role: number % 2 ? "assistant" : "user", source_backend: "a", surface: "web",
           timestamp: new Date(BEGUN_AT + number).toISOString(), version: 1 };
}

function conversations(prefix, count, each) {
  return Array.from({ length: count }, (_, c) => {
    const id = `${prefix}-${c}`;
    return { id, messages: Array.from({ length: each }, (_, m) => message(`${id}-${m}`, c * each + m)) };
  });
}

/** {elapsed seconds, those of the server's processor}, since the call. */
function stopwatch() {
  const processor = () => {
    const [user, system] = readFileSync(`/proc/${asked.pid}/stat`, "latin1").split(") ")[1].split(" ").slice(11, 13);
    return (Number(user) + Number(system)) / 100;
  };
  const begun = performance.now();
  const used = processor();
  return () => ({ elapsed_s: (performance.now() - begun) / 1000, cpu_s: processor() - used });
}

async function work() {
  const names = new Map();
  const options = { ...asked, names };
  const warm = conversations("warm", asked.warm_up, asked.messages);
  const main = conversations("main", asked.conversations, asked.messages);
  const hot = main.slice(0, 1);

  let a = await connect(url, { ...options, pushes: 4 + Math.ceil((asked.conversations * asked.messages) / 500) + asked.updates });
  let b = await connect(url, options);
  await a.push(warm);
  await b.pull(warm.map(({ id }) => id));
  await b.close();

  let stop = stopwatch();
  await a.push(main);
  const push = stop();

  b = await connect(url, options);
  stop = stopwatch();
  const found = await b.pull(main.map(({ id }) => id));
  const pull = stop();
  for (const { id, messages } of main) {
    const there = new Map((found.get(id) ?? []).map((one) => [one.id, one.content]));
    if (there.size !== messages.length || !messages.every((one) => there.get(one.id) === one.content)) throw new Error(`${id}: ${there.size} of ${messages.length} messages, or other ones, came to B`);
  }

  const update_ms = [];
  const known_ms = [];  // to A
  let seen = () => {};
  await b.watch(hot.map(({ id }) => id), (one) => seen(one));
  for (let i = -10; i < asked.updates; ++i) {
    const one = message(`update-${i}`, i + 10);
    const at_b = new Promise((resolve) => (seen = (came) => came.id === one.id && resolve(performance.now())));
    const begun = performance.now();
    const at_a = a.append(hot[0].id, one).then(() => performance.now());
    const [came, known] = await Promise.all([at_b, at_a]);
    if (i >= 0) update_ms.push(came - begun), known_ms.push(known - begun);
    await pause(5);
  }
  console.log(JSON.stringify({ push, pull, update_ms, known_ms }));
  process.exit(0);
}

/** Several conversations at once, a message at a time in each. */
async function write() {
  const names = new Map();
  const ids = Array.from({ length: asked.conversations }, (_, i) => `killed-${i}`);
  const a = await connect(url, { ...asked, names, pushes: 5000 });
  await a.push(ids.map((id) => ({ id, messages: [message(`${id}-first`, 0)] })));
  writeFileSync(asked.journal, JSON.stringify([...names]) + "\n" + ids.map((id) => `${id} ${id}-first\n`).join(""));
  console.log("begun");
  await Promise.all(ids.map(async (id) => {
    for (let i = 0; ; ++i) {
      const one = message(`${id}-${i}`, i);
      await a.append(id, one);
      appendFileSync(asked.journal, `${id} ${one.id}\n`);
      if (asked.pause_ms) await pause(asked.pause_ms);
    }
  }));
}

async function list() {
  const [names, ...lines] = readFileSync(asked.journal, "utf8").trim().split("\n");
  const acknowledged = lines.map((line) => line.split(" "));
  const b = await connect(url, { ...asked, names: new Map(JSON.parse(names)) });
  const found = await b.pull([...new Set(acknowledged.map(([conversation]) => conversation))]);
  const there = new Set([...found.values()].flat().map(({ id }) => id));
  console.log(JSON.stringify({ acknowledged: acknowledged.length, lost: acknowledged.filter(([, id]) => !there.has(id)).length }));
  process.exit(0);
}

process.on("unhandledRejection", (problem) => {
  if (phase === "write") process.exit(0);  // the server is gone, as was meant
  console.error(problem);
  process.exit(1);
});
await { work, write, list }[phase]().catch((problem) => {
  if (phase === "write") process.exit(0);
  console.error(problem);
  process.exit(1);
});
